"""The only modules that import chromadb, llama_index and onnxruntime; their exceptions are translated here."""

import os

# ONNX Runtime reads this when it is loaded; its own call to turn telemetry off comes after it has called home.
os.putenv("ORT_DISABLE_TELEMETRY", "1")
