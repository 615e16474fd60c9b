"""The artefact: a BERT-family folder in float32, and the same as one ONNX graph with int8 weights."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import onnx

from rag.adapters.bert import write_graph
from rag.adapters.int8 import tokenwise, with_int8_weights
from rag.adapters.model_source import Head

COPIED = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
INT8_GRAPH = "reader.int8.onnx"
DYNAMIC_GRAPH = "reader.int8-dynamic.onnx"
EMBEDDINGS = ("words", "positions", "types")


def write_folder(base: Path, weights: Path, folder: Path) -> None:
    """`weights` with the configuration and tokenizer of `base`: a folder that the graph builder reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (base / name).exists():
            shutil.copyfile(base / name, folder / name)
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config |= {
        "_name_or_path": "mission-record/reader",
        "architectures": ["Reader"],
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    shutil.copyfile(weights, folder / "model.safetensors")


def write_float_graph(folder: Path, path: Path) -> None:
    """The folder as one self-contained float32 ONNX file."""
    with tempfile.TemporaryDirectory() as temporary:
        graph, data = Path(temporary) / "graph.onnx", Path(temporary) / "graph.data"
        with graph.open("wb") as graph_file, data.open("wb") as data_file:
            write_graph(folder, Head.READER, graph_file, data_file, data.name)
        onnx.save(onnx.load(graph), path)


def write_int8_graph(folder: Path, path: Path, dynamic: bool = False) -> None:
    """The folder as one ONNX file with int8 weights, a quarter of the size.

    It computes in float32, or with `dynamic` in int8: twice as fast, further from float32.
    """
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "float.onnx"
        write_float_graph(folder, whole)
        model = with_int8_weights(onnx.load(whole), EMBEDDINGS)
    model = tokenwise(model) if dynamic else model
    path.write_bytes(model.SerializeToString(deterministic=True))


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
