"""The graph against a forward pass in plain numpy: small random models, every head, any padding."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from rag.adapters.bert import write_graph
from rag.adapters.model_source import Head
from rag.errors import ModelInvalid

Weights = dict[str, NDArray[Any]]
Doubles = NDArray[np.float64]

CONFIG: dict[str, Any] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "vocab_size": 400,
    "max_position_embeddings": 20,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-5,
    "pad_token_id": 1,
}
LENGTHS = (7, 12, 1, 9)


def random_weights(prefix: str = "") -> Weights:
    random = np.random.default_rng(20250421)
    hidden, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (CONFIG["vocab_size"], hidden),
        "embeddings.position_embeddings.weight": (CONFIG["max_position_embeddings"], hidden),
        "embeddings.token_type_embeddings.weight": (CONFIG["type_vocab_size"], hidden),
    }
    dense = {"attention.output": (hidden, hidden), "intermediate": (inner, hidden), "output": (hidden, inner)}
    for layer in range(CONFIG["num_hidden_layers"]):
        part = f"encoder.layer.{layer}."
        for name, shape in dense.items():
            shapes |= {f"{part}{name}.dense.weight": shape, f"{part}{name}.dense.bias": shape[:1]}
        for name in ("query", "key", "value"):
            self_part = f"{part}attention.self.{name}"
            shapes |= {f"{self_part}.weight": (hidden, hidden), f"{self_part}.bias": (hidden,)}
    normalised = ["embeddings.LayerNorm"] + [
        f"encoder.layer.{layer}.{name}.LayerNorm"
        for layer in range(CONFIG["num_hidden_layers"])
        for name in ("attention.output", "output")
    ]
    for name in normalised:
        shapes |= {f"{name}.weight": (hidden,), f"{name}.bias": (hidden,)}
    weights = {f"{prefix}{name}": random.normal(0, 0.5, shape).astype("f4") for name, shape in shapes.items()}
    heads = {"qa_outputs": 2, "answerable": 1}
    for name, rows in heads.items():
        weights[f"{name}.weight"] = random.normal(0, 0.5, (rows, hidden)).astype("f4")
        weights[f"{name}.bias"] = random.normal(0, 0.5, rows).astype("f4")
    return weights


def write_model(folder: Path, weights: Weights, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | changes), encoding="utf-8")
    save_file(weights, folder / "model.safetensors")
    return folder


def build(model: Path, head: Head) -> onnxruntime.InferenceSession:
    graph = model / f"{head}.onnx"
    with graph.open("wb") as graph_file, graph.with_suffix(".data").open("wb") as data_file:
        write_graph(model, head, graph_file, data_file, f"{head}.data")
    return onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


def run(session: onnxruntime.InferenceSession, ids: Any, mask: Any, types: Any) -> dict[str, NDArray[Any]]:
    feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    names = [output.name for output in session.get_outputs()]
    outputs = session.run(names, {name: np.asarray(values, dtype=np.int32) for name, values in feeds.items()})
    return dict(zip(names, outputs, strict=True))


def forward(weights: Weights, ids: Any, mask: Any, types: Any, first_position: int = 0) -> Doubles:
    """The last layer (tokens, hidden) of one sequence, in double precision, as Devlin et al. (2019) define it."""

    def linear(values: Doubles, name: str) -> Doubles:
        return values @ get(f"{name}.weight").T + get(f"{name}.bias")

    def normalise(values: Doubles, name: str) -> Doubles:
        epsilon: float = CONFIG["layer_norm_eps"]
        centred = values - values.mean(-1, keepdims=True)
        scaled: Doubles = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
        return scaled * get(f"{name}.weight") + get(f"{name}.bias")

    def split_heads(values: Doubles) -> Doubles:
        return values.reshape(len(ids), CONFIG["num_attention_heads"], -1).swapaxes(0, 1)

    def get(name: str) -> Doubles:
        found = weights.get(name, weights.get(f"bert.{name}"))
        return np.asarray(found, dtype=np.float64)

    positions = np.arange(len(ids)) + first_position
    states = (
        get("embeddings.word_embeddings.weight")[ids]
        + get("embeddings.position_embeddings.weight")[positions]
    )
    states = normalise(states + get("embeddings.token_type_embeddings.weight")[types], "embeddings.LayerNorm")
    for layer in range(CONFIG["num_hidden_layers"]):
        part = f"encoder.layer.{layer}"
        query, key, value = (
            split_heads(linear(states, f"{part}.attention.self.{name}")) for name in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.sqrt(query.shape[-1])
        scores[:, :, np.asarray(mask) == 0] = -np.inf
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        attended = (shares / shares.sum(-1, keepdims=True)) @ value
        joined = linear(attended.swapaxes(0, 1).reshape(len(ids), -1), f"{part}.attention.output.dense")
        states = normalise(states + joined, f"{part}.attention.output.LayerNorm")
        inner = linear(states, f"{part}.intermediate.dense")
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        states = normalise(states + linear(inner, f"{part}.output.dense"), f"{part}.output.LayerNorm")
    return states


def padded_batch() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Rows of different lengths; what stands in the padding is random on purpose."""
    random = np.random.default_rng(7)
    shape = (len(LENGTHS), max(LENGTHS))
    ids = random.integers(0, CONFIG["vocab_size"], shape)
    types = random.integers(0, CONFIG["type_vocab_size"], shape)
    mask = (np.arange(shape[1]) < np.array(LENGTHS)[:, None]).astype(np.int64)
    return ids, mask, types


def unit(vector: Doubles) -> Doubles:
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_reader_head_gives_the_logits_of_the_forward_pass(tmp_path: Path, prefix: str) -> None:
    weights = random_weights(prefix)
    ids, mask, types = padded_batch()
    outputs = run(build(write_model(tmp_path, weights), Head.READER), ids, mask, types)
    assert outputs["start"].shape == outputs["end"].shape == ids.shape
    assert outputs["answerable"].shape == (len(ids),)
    for row, length in enumerate(LENGTHS):
        states = forward(weights, ids[row, :length], mask[row, :length], types[row, :length])
        span = states @ weights["qa_outputs.weight"].T + weights["qa_outputs.bias"]
        answerable = states[0] @ weights["answerable.weight"][0] + weights["answerable.bias"][0]
        np.testing.assert_allclose(outputs["start"][row, :length], span[:, 0], atol=1e-4)
        np.testing.assert_allclose(outputs["end"][row, :length], span[:, 1], atol=1e-4)
        np.testing.assert_allclose(outputs["answerable"][row], answerable, atol=1e-4)


@pytest.mark.parametrize("head", [Head.MEAN, Head.CLS])
def test_pooling_heads_give_unit_vectors_that_padding_does_not_change(tmp_path: Path, head: Head) -> None:
    weights = random_weights()
    ids, mask, types = padded_batch()
    vectors = run(build(write_model(tmp_path, weights), head), ids, mask, types)["vector"]
    for row, length in enumerate(LENGTHS):
        states = forward(weights, ids[row, :length], mask[row, :length], types[row, :length])
        expected = unit(states.mean(0) if head is Head.MEAN else states[0])
        np.testing.assert_allclose(vectors[row], expected, atol=1e-5)


def test_masked_tokens_inside_a_text_are_ignored(tmp_path: Path) -> None:
    weights = random_weights()
    ids, mask, types = (array[:1, : LENGTHS[0]] for array in padded_batch())
    mask = mask.copy()
    mask[0, 3] = 0
    vector = run(build(write_model(tmp_path, weights), Head.MEAN), ids, mask, types)["vector"][0]
    states = forward(weights, ids[0], mask[0], types[0])
    np.testing.assert_allclose(vector, unit(states[mask[0] == 1].mean(0)), atol=1e-5)


def test_roberta_positions_begin_after_the_padding_id(tmp_path: Path) -> None:
    weights = random_weights()
    ids, mask, types = (array[1:2] for array in padded_batch())
    session = build(write_model(tmp_path, weights, model_type="roberta"), Head.MEAN)
    states = forward(weights, ids[0], mask[0], types[0], first_position=CONFIG["pad_token_id"] + 1)
    np.testing.assert_allclose(run(session, ids, mask, types)["vector"][0], unit(states.mean(0)), atol=1e-5)


def test_half_precision_weights_are_widened(tmp_path: Path) -> None:
    weights = {name: array.astype(np.float16) for name, array in random_weights().items()}
    ids, mask, types = (array[1:2] for array in padded_batch())
    vector = run(build(write_model(tmp_path, weights), Head.CLS), ids, mask, types)["vector"][0]
    np.testing.assert_allclose(vector, unit(forward(weights, ids[0], mask[0], types[0])[0]), atol=1e-5)


def test_graph_is_valid_and_always_the_same(tmp_path: Path) -> None:
    model = write_model(tmp_path, random_weights())
    build(model, Head.READER)
    onnx.checker.check_model(tmp_path / "reader.onnx")
    graph, data = io.BytesIO(), io.BytesIO()
    write_graph(model, Head.READER, graph, data, "reader.data")
    assert graph.getvalue() == (tmp_path / "reader.onnx").read_bytes()
    assert data.getvalue() == (tmp_path / "reader.data").read_bytes()
    assert data.getvalue(), "no tensor was large enough to be stored beside the graph"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model_type": "distilbert"}, "distilbert"),
        ({"hidden_act": "relu"}, "relu"),
        ({"position_embedding_type": "relative_key"}, "relative_key"),
        ({"hidden_size": 32}, r"shape \(20, 48\), config.json promises \(20, 32\)"),
        ({"num_attention_heads": 5}, "num_attention_heads"),
        ({"num_hidden_layers": 4}, r"encoder\.layer\.3\.attention\.self\.query\.weight"),
    ],
)
def test_unsupported_model_is_refused_by_name(tmp_path: Path, changes: dict[str, object], named: str) -> None:
    with pytest.raises(ModelInvalid, match=named):
        build(write_model(tmp_path, random_weights(), **changes), Head.MEAN)


def test_a_reader_of_spans_alone_has_those_outputs_alone(tmp_path: Path) -> None:
    weights = random_weights()
    del weights["answerable.weight"], weights["answerable.bias"]
    session = build(write_model(tmp_path, weights), Head.READER)
    assert [output.name for output in session.get_outputs()] == ["start", "end"]


def test_a_cross_encoder_grades_with_its_pooler_and_classifier(tmp_path: Path) -> None:
    weights = {
        name: values for name, values in random_weights("bert.").items() if not name.startswith("qa_outputs")
    }
    hidden = CONFIG["hidden_size"]
    pooler = np.random.default_rng(3).normal(0, 0.5, (hidden, hidden)).astype("f4")
    weights |= {"bert.pooler.dense.weight": pooler, "bert.pooler.dense.bias": np.ones(hidden, "f4")}
    weights["classifier.weight"] = weights.pop("answerable.weight")
    weights["classifier.bias"] = weights.pop("answerable.bias")
    ids, mask, types = padded_batch()
    outputs = run(build(write_model(tmp_path, weights), Head.READER), ids, mask, types)
    assert list(outputs) == ["answerable"]
    for row, length in enumerate(LENGTHS):
        states = forward(weights, ids[row, :length], mask[row, :length], types[row, :length])
        pooled = np.tanh(states[0] @ pooler.T + 1.0)
        expected = pooled @ weights["classifier.weight"][0] + weights["classifier.bias"][0]
        np.testing.assert_allclose(outputs["answerable"][row], expected, atol=1e-4)


def test_an_encoder_without_a_head_is_no_reader(tmp_path: Path) -> None:
    weights = {
        name: values
        for name, values in random_weights().items()
        if not name.startswith(("qa_outputs", "answerable"))
    }
    model = write_model(tmp_path, weights)
    with pytest.raises(ModelInvalid, match=r"neither `qa_outputs`.*RAG_READER_MODEL"):
        build(model, Head.READER)
    build(model, Head.MEAN)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path, random_weights())
    whole = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelInvalid, match=r"model\.safetensors cannot be read"):
        build(model, Head.MEAN)
    (model / "model.safetensors").unlink()
    with pytest.raises(ModelInvalid, match=r"model\.safetensors cannot be read"):
        build(model, Head.MEAN)
