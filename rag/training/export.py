"""The artefact: a BERT-family folder in float32, and the same as one ONNX graph with int8 weights."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from rag.adapters.bert import write_graph
from rag.adapters.model_source import Head
from rag.training.tokenwise import tokenwise

COPIED = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
INT8_GRAPH = "reader.int8.onnx"
DYNAMIC_GRAPH = "reader.int8-dynamic.onnx"
QUANTISED_FROM = 16_384
"""Values from which a matrix is stored as int8; the heads and vectors stay as they are."""
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

    Each row of an embedding table and each column of a matrix has its own scale, its largest value at 127. A cast
    and a product in front of each use give the floats back; the runtime folds them once, when it loads the graph, and
    computes in float32. With `dynamic` the products take int8 activations too, one scale a token, found as they
    come: twice as fast, further from float32.
    """
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "float.onnx"
        write_float_graph(folder, whole)
        model = onnx.load(whole)
    kept, widening = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim != 2 or values.size < QUANTISED_FROM:
            kept.append(tensor)
            continue
        rounded, scale = quantised(values, axis=1 if tensor.name in EMBEDDINGS else 0)
        kept.append(numpy_helper.from_array(rounded, f"{tensor.name}.int8"))
        kept.append(numpy_helper.from_array(scale, f"{tensor.name}.scale"))
        narrow, wide = f"{tensor.name}.int8", f"{tensor.name}.wide"
        widening.append(helper.make_node("Cast", [narrow], [wide], to=TensorProto.FLOAT))
        widening.append(helper.make_node("Mul", [wide, f"{tensor.name}.scale"], [tensor.name]))
    nodes = [*widening, *model.graph.node]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(kept)
    model = tokenwise(model) if dynamic else model
    path.write_bytes(model.SerializeToString(deterministic=True))


def quantised(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """`values` as int8 and the scales (kept along `axis` with length 1) whose product with them is nearest."""
    scale = np.abs(values).max(axis=axis, keepdims=True) / 127
    scale[scale == 0] = 1.0
    return np.round(values / scale).astype(np.int8), scale.astype(np.float32)


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
