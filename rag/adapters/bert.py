"""A BERT-family encoder written as an ONNX graph of ONNX Runtime's fused operators.

The layout of the network is that of Devlin et al., "BERT" (2019), as Hugging Face stores it; the operators
are specified in ONNX Runtime's `docs/ContribOperators.md`. Large tensors go to a data file beside the graph,
so that the runtime maps them into memory instead of copying them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors import SafetensorError, safe_open

from rag.adapters.int8 import FUSED, tokenwise, with_int8_weights
from rag.adapters.model_source import WEIGHTS, BertConfig, Head, read_config
from rag.errors import ModelInvalid

Array = NDArray[np.float32]

OPERATOR_SET = 17
FORMAT_VERSION = 8  # of the ONNX file; any runtime that knows the operator set reads it
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
EXTERNAL_FROM_BYTES = 65_536  # smaller tensors stay in the graph
PAGE = 4_096


def write_graph(
    model_folder: Path,
    head: Head,
    graph_file: BinaryIO,
    data_file: BinaryIO,
    data_name: str,
    int8: bool = False,
) -> None:
    """Write the graph, and its large tensors to `data_file`, which must lie beside it as `data_name`.

    The graph takes `input_ids`, `attention_mask` and `token_type_ids`, int32 of shape (batch, tokens) with
    both dimensions free; the outputs are those of `head`. The same folder always gives the same bytes.
    With `int8` the products are of integers, as `rag.adapters.int8` says; tables of embeddings stay as they are.

    Raises:
        ModelInvalid: the architecture is not supported, or a tensor is missing or of the wrong shape.
    """
    config = read_config(model_folder)
    weights_file = model_folder / WEIGHTS
    try:
        with safe_open(weights_file, framework="numpy") as tensors:
            graph = _Graph(_Weights(tensors, weights_file), config.hidden_size, data_file, data_name, int8)
            hidden = _encoder(graph, config)
            outputs = _reader(graph, hidden) if head is Head.READER else _pooling(graph, hidden, head)
            model = graph.model(outputs)
            model = tokenwise(with_int8_weights(model), fine_attention=True) if int8 else model
            graph_file.write(model.SerializeToString(deterministic=True))
    except (SafetensorError, FileNotFoundError) as error:
        raise ModelInvalid(f"{weights_file} cannot be read as safetensors: {error}") from error


class _Weights:
    """The tensors of a file, checked against the shape that the configuration promises."""

    def __init__(self, tensors: Any, file: Path) -> None:
        self._tensors, self.file = tensors, file
        self._names = set(tensors.keys())
        marker = "embeddings.word_embeddings.weight"
        # A model saved with a task head carries its encoder under a prefix such as "bert.".
        self.prefix = next((name.removesuffix(marker) for name in self._names if name.endswith(marker)), "")

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def get(self, name: str, *shape: int) -> Array:
        if name not in self._names:
            raise ModelInvalid(f"{self.file} has no tensor {name!r}: not a BERT-family model with this head")
        tensor = np.asarray(self._tensors.get_tensor(name), dtype=np.float32)
        if tensor.shape != shape:
            raise ModelInvalid(
                f"{self.file}: tensor {name!r} has shape {tensor.shape}, config.json promises {shape}"
            )
        return tensor


class _Graph:
    """Collects nodes and tensors; a value is known by its name."""

    def __init__(
        self, weights: _Weights, hidden_size: int, data_file: BinaryIO, data_name: str, tables_alone: bool
    ) -> None:
        """With `tables_alone` nothing but tables goes to the data file."""
        self.weights, self.hidden_size, self._tables_alone = weights, hidden_size, tables_alone
        self._data_file, self._data_name = data_file, data_name
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.TensorProto] = []

    def node(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> str:
        """Add a node of standard ONNX; the name of its first output."""
        self._nodes.append(helper.make_node(operator, inputs, outputs, name=outputs[0], **attributes))
        return outputs[0]

    def fused(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> str:
        """Add a node of ONNX Runtime's own operators; the name of its first output."""
        return self.node(operator, inputs, outputs, domain=FUSED, **attributes)

    def constant(self, name: str, values: Sequence[int]) -> str:
        self._tensors.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
        return name

    def tensor(self, name: str, array: Array, is_table: bool = False) -> str:
        array = np.ascontiguousarray(array, dtype="<f4")
        if array.nbytes < EXTERNAL_FROM_BYTES or (self._tables_alone and not is_table):
            self._tensors.append(numpy_helper.from_array(array, name))
            return name
        # Whole pages, so that a mapping begins at the tensor.
        self._data_file.write(b"\0" * (-self._data_file.tell() % PAGE))
        proto = TensorProto(
            name=name, data_type=TensorProto.FLOAT, dims=array.shape, data_location=TensorProto.EXTERNAL
        )
        place = {"location": self._data_name, "offset": self._data_file.tell(), "length": array.nbytes}
        for key, value in place.items():
            proto.external_data.add(key=key, value=str(value))
        self._data_file.write(array.data)
        self._tensors.append(proto)
        return name

    def model(self, outputs: dict[str, list[str | int]]) -> onnx.ModelProto:
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", "tokens"]) for name in INPUTS
        ]
        results = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in outputs.items()
        ]
        return helper.make_model(
            helper.make_graph(self._nodes, "bert", inputs, results, self._tensors),
            opset_imports=[helper.make_opsetid("", OPERATOR_SET), helper.make_opsetid(FUSED, 1)],
            ir_version=FORMAT_VERSION,
        )


def _encoder(graph: _Graph, config: BertConfig) -> str:
    """Token ids to the last layer's states (batch, tokens, hidden)."""
    hidden = _embeddings(graph, config)
    for layer in range(config.num_hidden_layers):
        hidden = _layer(graph, config, f"{graph.weights.prefix}encoder.layer.{layer}.", hidden)
    return hidden


def _embeddings(graph: _Graph, config: BertConfig) -> str:
    weights, size = graph.weights, config.hidden_size
    prefix = f"{weights.prefix}embeddings."
    positions = weights.get(f"{prefix}position_embeddings.weight", config.max_position_embeddings, size)
    words = weights.get(f"{prefix}word_embeddings.weight", config.vocab_size, size)
    types = weights.get(f"{prefix}token_type_embeddings.weight", config.type_vocab_size, size)
    named = {"words": words, "positions": positions[config.first_position :], "types": types}
    tables = [graph.tensor(name, table, is_table=True) for name, table in named.items()]
    return graph.fused(
        "EmbedLayerNormalization",
        ["input_ids", "token_type_ids", *tables, *_normalisation(graph, f"{prefix}LayerNorm.")],
        ["embedded", "unused_mask_index"],
        epsilon=config.layer_norm_eps,
    )


def _layer(graph: _Graph, config: BertConfig, prefix: str, hidden: str) -> str:
    """One transformer block: attention and a feed-forward network, each added to its input and normalised."""
    size, inner = config.hidden_size, config.intermediate_size
    attended = graph.fused(
        "Attention",
        # The mask itself rather than lengths: exact wherever the padding stands.
        [hidden, *_queries_keys_values(graph, f"{prefix}attention.self."), "attention_mask"],
        [f"{prefix}attended"],
        num_heads=config.num_attention_heads,
    )
    hidden = _projected_residual(graph, config, f"{prefix}attention.output.", attended, hidden, size)
    expanded = _matmul(graph, f"{prefix}intermediate.dense.", hidden, size, inner)
    bias = graph.tensor(
        f"{prefix}intermediate.bias", graph.weights.get(f"{prefix}intermediate.dense.bias", inner)
    )
    activated = graph.fused("BiasGelu", [expanded, bias], [f"{prefix}activated"])
    return _projected_residual(graph, config, f"{prefix}output.", activated, hidden, inner)


def _queries_keys_values(graph: _Graph, prefix: str) -> list[str]:
    """The three projections side by side, as Attention takes them: (hidden, 3 hidden) and (3 hidden,)."""
    size, parts = graph.hidden_size, ("query", "key", "value")
    matrices = [graph.weights.get(f"{prefix}{part}.weight", size, size).T for part in parts]
    biases = [graph.weights.get(f"{prefix}{part}.bias", size) for part in parts]
    return [
        graph.tensor(f"{prefix}weight", np.concatenate(matrices, axis=1)),
        graph.tensor(f"{prefix}bias", np.concatenate(biases)),
    ]


def _projected_residual(
    graph: _Graph, config: BertConfig, prefix: str, values: str, residual: str, inner: int
) -> str:
    projected = _matmul(graph, f"{prefix}dense.", values, inner, config.hidden_size)
    bias = graph.tensor(f"{prefix}bias", graph.weights.get(f"{prefix}dense.bias", config.hidden_size))
    return graph.fused(
        "SkipLayerNormalization",
        [projected, residual, *_normalisation(graph, f"{prefix}LayerNorm."), bias],
        [f"{prefix}normalised"],
        epsilon=config.layer_norm_eps,
    )


def _normalisation(graph: _Graph, prefix: str) -> list[str]:
    names = (f"{prefix}weight", f"{prefix}bias")
    return [graph.tensor(name, graph.weights.get(name, graph.hidden_size)) for name in names]


def _matmul(graph: _Graph, prefix: str, values: str, inner: int, outer: int) -> str:
    weight = graph.tensor(f"{prefix}weight", graph.weights.get(f"{prefix}weight", outer, inner).T)
    return graph.node("MatMul", [values, weight], [f"{prefix}product"])


def _first_token(graph: _Graph, hidden: str) -> str:
    """(batch, tokens, hidden) to (batch, hidden)."""
    first = graph.constant("first_token", [0])
    states = graph.node("Gather", [hidden, first], ["first_states"], axis=1)
    return graph.node("Squeeze", [states, graph.constant("token_axis", [1])], ["first_state"])


def _pooling(graph: _Graph, hidden: str, head: Head) -> dict[str, list[str | int]]:
    if head is Head.CLS:
        pooled = _first_token(graph, hidden)
    else:
        # The sum has the direction of the mean, and only the direction outlives the normalisation.
        axis = graph.constant("mask_axis", [1])
        mask = graph.node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT)
        row = graph.node("Unsqueeze", [mask, axis], ["mask_row"])
        pooled = graph.node("Squeeze", [graph.node("MatMul", [row, hidden], ["sum_row"]), axis], ["sum"])
    graph.node("LpNormalization", [pooled], ["vector"], axis=-1, p=2)
    return {"vector": ["batch", graph.hidden_size]}


def _reader(graph: _Graph, hidden: str) -> dict[str, list[str | int]]:
    """The outputs of the heads that the weights have: spans, answerability, or both."""
    outputs: dict[str, list[str | int]] = {}
    if "qa_outputs.weight" in graph.weights:
        span = _head(graph, "qa_outputs", hidden, 2)
        last = graph.constant("last_axis", [-1])
        graph.node("Split", [span], ["start_column", "end_column"], axis=-1)
        for name in ("start", "end"):
            graph.node("Squeeze", [f"{name}_column", last], [name])
            outputs[name] = ["batch", "tokens"]
    answerable = _answerable(graph, hidden)
    if answerable:
        axis = graph.constant("logit_axis", [-1])
        graph.node("Squeeze", [answerable, axis], ["answerable"])
        outputs["answerable"] = ["batch"]
    if not outputs:
        raise ModelInvalid(
            f"{graph.weights.file} has neither `qa_outputs` (spans) nor a `classifier` of one logit (relevance): "
            "not a reader. Set RAG_READER_MODEL to another, `bundled` or `none`."
        )
    return outputs


def _answerable(graph: _Graph, hidden: str) -> str | None:
    """The logit of the passage answering: of our own head, or of a cross-encoder's pooler and classifier."""
    if "answerable.weight" in graph.weights:
        return _head(graph, "answerable", _first_token(graph, hidden), 1)
    if "classifier.weight" not in graph.weights:
        return None
    pooler = f"{graph.weights.prefix}pooler.dense"
    dense = _head(graph, pooler, _first_token(graph, hidden), graph.hidden_size)
    return _head(graph, "classifier", graph.node("Tanh", [dense], ["pooled"]), 1)


def _head(graph: _Graph, name: str, values: str, outputs: int) -> str:
    product = _matmul(graph, f"{name}.", values, graph.hidden_size, outputs)
    bias = graph.tensor(f"{name}.bias", graph.weights.get(f"{name}.bias", outputs))
    return graph.node("Add", [product, bias], [f"{name}.logits"])
