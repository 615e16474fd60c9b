"""The graph that rounds activations: near to the one in float32, and each token by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from rag.adapters import int8
from rag.training.export import write_int8_graph
from tests.adapters.test_bert import CONFIG, random_weights, write_model

TOKENS = 12


@pytest.fixture
def graphs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A small reader with int8 weights: one graph that computes in float32, one that rounds activations."""
    monkeypatch.setattr(int8, "QUANTISED_FROM", 256)
    folder = write_model(tmp_path / "model", random_weights())
    exact, rounded = tmp_path / "exact.onnx", tmp_path / "rounded.onnx"
    write_int8_graph(folder, exact)
    write_int8_graph(folder, rounded, dynamic=True)
    return exact, rounded


def run(graph: Path, ids: np.ndarray, mask: np.ndarray | None = None) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    mask = np.ones_like(ids) if mask is None else mask
    feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    outputs: list[np.ndarray] = session.run(None, feeds)
    return outputs


def ids_of(rows: int) -> np.ndarray:
    return np.random.default_rng(3).integers(2, CONFIG["vocab_size"], (rows, TOKENS)).astype(np.int32)


def test_the_logits_are_near_those_in_float32(graphs: tuple[Path, Path]) -> None:
    exact, rounded = (run(graph, ids_of(4)) for graph in graphs)
    for one, other in zip(exact, rounded, strict=True):
        assert not np.array_equal(one, other)
        assert np.abs(one - other).mean() < 0.02 * np.abs(one).mean()


def test_every_product_of_the_encoder_is_of_int8_with_the_weights_as_they_were(
    graphs: tuple[Path, Path],
) -> None:
    exact, rounded = (onnx.load(graph).graph for graph in graphs)
    products = [node for node in rounded.node if node.op_type == "MatMulIntegerToFloat"]
    assert len(products) == 4 * CONFIG["num_hidden_layers"]
    assert not any(node.op_type == "Attention" for node in rounded.node)
    before, after = (
        {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        for graph in (exact, rounded)
    )
    name = "encoder.layer.0.output.dense.weight.int8"
    assert np.array_equal(before[name], after[name])


def test_a_text_is_read_the_same_whatever_stands_beside_it(graphs: tuple[Path, Path]) -> None:
    _, rounded = graphs
    ids = ids_of(2)
    mask = np.ones_like(ids)
    mask[0, 7:] = 0
    alone, beside = run(rounded, ids[:1, :7]), run(rounded, ids, mask)
    assert np.allclose(alone[0][0], beside[0][0, :7], atol=1e-5)
    assert np.allclose(alone[2][0], beside[2][0], atol=1e-5)


def test_quantised_values_are_within_half_a_step() -> None:
    values = np.random.default_rng(0).normal(size=(64, 48)).astype(np.float32)
    values[:, 3] = 0
    for axis in (0, 1):
        rounded, scale = int8.quantised(values, axis)
        assert rounded.dtype == np.int8
        assert np.all(np.abs(rounded * scale - values) <= scale / 2 + 1e-6)


def test_rounding_what_rounding_left_takes_attention_nearer_to_float32(
    graphs: tuple[Path, Path], tmp_path: Path
) -> None:
    exact, rounded = graphs
    fine = tmp_path / "fine.onnx"
    onnx.save(int8.tokenwise(onnx.load(exact), fine_attention=True), fine)
    ids = ids_of(8)
    far = [np.abs(a - b).mean() for a, b in zip(run(exact, ids), run(rounded, ids), strict=True)]
    near = [np.abs(a - b).mean() for a, b in zip(run(exact, ids), run(fine, ids), strict=True)]
    assert sum(near) < 0.9 * sum(far)
