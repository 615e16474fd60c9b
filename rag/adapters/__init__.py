"""The only modules that import chromadb, llama_index and onnxruntime; their exceptions are translated here."""
