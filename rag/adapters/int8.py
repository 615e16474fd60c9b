"""A graph whose products are of integers: int8 weights, and activations rounded as they come.

Each column of a matrix has a scale of its own, and so has each token, set by its largest value, as Yao et al. 2022,
"ZeroQuant", do: one scale for all tokens is set by a few that have large values, and moves logits more than twice as
far. What a text gives does not depend on the texts beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FUSED = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""
INT8, SCALE, WIDE = ".int8", ".scale", ".wide"
# Activations are stored as uint8 with this for zero: with int8 weights that is the product that processors have.
ZERO = 128
LEVELS = 127
QUANTISED_FROM = 16_384
"""Values from which a matrix is stored as int8; heads and vectors stay as they are."""


def quantised(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """`values` as int8 and the scales (kept along `axis` with length 1) whose product with them is nearest."""
    scale = np.abs(values).max(axis=axis, keepdims=True) / LEVELS
    scale[scale == 0] = 1.0
    return np.round(values / scale).astype(np.int8), scale.astype(np.float32)


def with_int8_weights(model: onnx.ModelProto, tables: Collection[str] = ()) -> onnx.ModelProto:
    """The graph with its large matrices as int8; of those in `tables` each row has its scale, else each column.

    A cast and a product in front of each use give the floats back; the runtime folds them once, when it loads the
    graph, and computes in float32. Tensors that lie outside the graph stay as they are.
    """
    kept, widening = [], []
    for tensor in model.graph.initializer:
        if not _is_large_matrix(tensor):
            kept.append(tensor)
            continue
        rounded, scale = quantised(numpy_helper.to_array(tensor), axis=1 if tensor.name in tables else 0)
        narrow, wide, scaled = (tensor.name + part for part in (INT8, WIDE, SCALE))
        kept += [numpy_helper.from_array(rounded, narrow), numpy_helper.from_array(scale, scaled)]
        widening.append(helper.make_node("Cast", [narrow], [wide], to=TensorProto.FLOAT))
        widening.append(helper.make_node("Mul", [wide, scaled], [tensor.name]))
    return _with(model, [*widening, *model.graph.node], kept)


def tokenwise(model: onnx.ModelProto, fine_attention: bool = False) -> onnx.ModelProto:
    """The graph with its products of int8 matrices computed in int8; what gathers from int8 tables stays.

    `model` is one that `with_int8_weights` makes; the weights keep their very integers and scales. With
    `fine_attention` what queries, keys and values are made of is rounded twice, the second time what the first left:
    attention makes the most of small differences, and for vectors three fifths of the error comes from there.
    """
    return _Rewriting(model, fine_attention).model()


def saturation_probe() -> onnx.ModelProto:
    """A product of the largest uint8 and int8 values, eight of each: what comes out is too small where 16 bits are all
    that two of them are added up in. `saturation.onnx` beside this file is what this makes."""
    size = 8
    weights = numpy_helper.from_array(np.full((size, 16), LEVELS, np.int8), "weights")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["values", "weights"], ["sums"])],
        "saturation",
        [helper.make_tensor_value_info("values", TensorProto.UINT8, [1, size])],
        [helper.make_tensor_value_info("sums", TensorProto.INT32, [1, 16])],
        [weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _is_large_matrix(tensor: onnx.TensorProto) -> bool:
    inside = tensor.data_location != TensorProto.EXTERNAL
    is_float = tensor.data_type == TensorProto.FLOAT
    return inside and is_float and len(tensor.dims) == 2 and int(np.prod(tensor.dims)) >= QUANTISED_FROM


def _with(
    model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], tensors: Sequence[onnx.TensorProto]
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, model.graph.name, model.graph.input, model.graph.output, tensors)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


class _Rewriting:
    """Nodes and tensors of the new graph, as they come; a value is known by its name.

    Between attention and attention a value is kept flat, (all tokens, size), and is (batch, tokens, size) only where
    something takes it so: to reshape a small value takes as long as to compute with it.
    """

    def __init__(self, model: onnx.ModelProto, fine_attention: bool) -> None:
        self._source = model
        self._fine_attention = fine_attention
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: dict[str, onnx.TensorProto] = {}
        self._rounded: dict[str, tuple[str, str]] = {}
        self._flat: dict[str, tuple[str, int]] = {}
        self._made: set[str] = set()

    def model(self) -> onnx.ModelProto:
        """The new graph: what nothing uses any more is left out."""
        self._shapes()
        for node in self._source.graph.node:
            if node.op_type == "MatMul" and self._is_int8(node.input[1]):
                self._product(node.input[0], node.input[1], node.output[0])
            elif node.op_type == "Attention" and self._is_int8(node.input[1]):
                self._attention(node)
            elif node.op_type == "SkipLayerNormalization":
                self._normalisation(node)
            elif node.op_type == "BiasGelu" and node.input[0] in self._flat:
                self._gelu(node)
            else:
                for name in node.input:
                    self._unflatten(name)
                self._nodes.append(node)
        nodes = self._used(self._nodes)
        names = {name for node in nodes for name in node.input}
        tensors = [*self._source.graph.initializer, *self._tensors.values()]
        return _with(self._source, nodes, [tensor for tensor in tensors if tensor.name in names])

    def _shapes(self) -> None:
        """What depends on how many tokens come: (batch, tokens), and a one and a nought for each token."""
        self._node("Shape", ["input_ids"], "batch_shape")
        self._node("Size", ["input_ids"], "count")
        self._node("Unsqueeze", ["count", self._tensor("first_axis", np.array([0], np.int64))], "counted")
        for name, value in (("ones", 1.0), ("noughts", 0.0)):
            self._node(
                "Expand", [self._tensor(f"{name}.value", np.array([value], np.float32)), "counted"], name
            )
        zero = self._tensor("zero", np.array(ZERO, np.uint8))
        self._node("Expand", [zero, "counted"], "zeros")

    def _product(self, values: str, matrix: str, output: str, fine: bool = False) -> None:
        """Values x matrix (inner, outer), in int8, flat."""
        inner, outer = self._stored[matrix + INT8].dims
        scales = numpy_helper.to_array(self._stored[matrix + SCALE])
        rows = self._flattened(values, inner)
        rounded, steps = self._round(rows)
        inputs = [
            self._with_rest(rows) if fine else rounded,
            matrix + INT8,
            self._tensor("one", np.array(1, np.float32)),
            self._tensor(f"{matrix}{SCALE}.columns", scales.reshape(outer)),
            "zero",
        ]
        flat, counted = f"{output}.rows", f"{output}.steps"
        self._node("MatMulIntegerToFloat", inputs, counted, domain=FUSED)
        self._node("Mul", [self._both(counted) if fine else counted, steps], flat)
        self._flat[output] = (flat, outer)

    def _with_rest(self, rows: str) -> str:
        """Below the rounded values what rounding left of them, itself rounded: (twice all tokens, size)."""
        rounded, flat_step = f"{rows}.rounded", f"{rows}.flat_step"
        self._node("DequantizeLinear", [rounded, flat_step, "zeros"], f"{rows}.coarse", axis=0)
        self._node("Sub", [rows, f"{rows}.coarse"], f"{rows}.rest")
        self._node("Mul", [flat_step, self._fine_level()], f"{rows}.fine_step")
        self._node(
            "QuantizeLinear", [f"{rows}.rest", f"{rows}.fine_step", "zeros"], f"{rows}.rounded_rest", axis=0
        )
        self._node("Concat", [rounded, f"{rows}.rounded_rest"], f"{rows}.two", axis=0)
        return f"{rows}.two"

    def _both(self, counted: str) -> str:
        """The product of the values and that of the rest, which lies below it, added up."""
        halves = [f"{counted}.coarse", f"{counted}.rest"]
        self._nodes.append(helper.make_node("Split", [counted], halves, name=f"{counted}.halves", axis=0))
        self._node("Mul", [halves[1], self._fine_level()], f"{counted}.fine")
        self._node("Add", [halves[0], f"{counted}.fine"], f"{counted}.both")
        return f"{counted}.both"

    def _fine_level(self) -> str:
        # What rounding leaves is half a step at most.
        return self._tensor("fine_level", np.array(0.5 / LEVELS, np.float32))

    def _attention(self, node: onnx.NodeProto) -> None:
        """Attention with its projections apart: the fused operator has one scale for all tokens."""
        values, matrix, bias, mask = node.input
        (output,) = node.output
        projected = f"{output}.projected"
        self._product(values, matrix, projected, self._fine_attention)
        rows, width = self._flat[projected]
        parts = [f"{projected}.{part}" for part in ("query", "key", "value")]
        self._nodes.append(
            helper.make_node("Split", [rows], [f"{part}.rows" for part in parts], name=projected, axis=-1)
        )
        for part in parts:
            self._node("Reshape", [f"{part}.rows", self._whole(width // 3)], part)
        heads = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        self._node("MultiHeadAttention", [*parts, bias, mask], output, domain=FUSED, **heads)

    def _gelu(self, node: onnx.NodeProto) -> None:
        rows, size = self._flat[node.input[0]]
        (output,) = node.output
        self._flat[output] = (f"{output}.rows", size)
        self._node("BiasGelu", [rows, node.input[1]], f"{output}.rows", domain=FUSED)

    def _round(self, rows: str) -> tuple[str, str]:
        """Flat values as uint8, and the step of each token, (all tokens, 1); once for each."""
        if rows not in self._rounded:
            steps, rounded = f"{rows}.step", f"{rows}.rounded"
            self._node("Abs", [rows], f"{rows}.sizes")
            self._node("ReduceMax", [f"{rows}.sizes"], f"{rows}.largest", axes=[-1], keepdims=1)
            level = self._tensor("level", np.array(1 / LEVELS, np.float32))
            self._node("Mul", [f"{rows}.largest", level], f"{rows}.level")
            # A token of noughts alone has no step of its own.
            self._node("Max", [f"{rows}.level", self._tensor("least", np.array(1e-12, np.float32))], steps)
            flat = self._tensor("flat", np.array([-1], np.int64))
            self._node("Reshape", [steps, flat], f"{rows}.flat_step")
            self._node("QuantizeLinear", [rows, f"{rows}.flat_step", "zeros"], rounded, axis=0)
            self._rounded[rows] = (rounded, steps)
        return self._rounded[rows]

    def _normalisation(self, node: onnx.NodeProto) -> None:
        """Sum and normalisation apart: the runtime's fused operator takes three times as long.

        Tokens are the channels of InstanceNormalization, which normalises each over its values.
        """
        values, residual, weight, bias, before = node.input
        (output,) = node.output
        (size,) = numpy_helper.to_array(self._stored[weight]).shape
        epsilon = next(each.f for each in node.attribute if each.name == "epsilon")
        channels = self._tensor(f"channels.{size}", np.array([1, -1, size], np.int64))
        self._node("Add", [self._flattened(values, size), before], f"{output}.biased")
        self._node("Add", [f"{output}.biased", self._flattened(residual, size)], f"{output}.sum")
        self._node("Reshape", [f"{output}.sum", channels], f"{output}.channels")
        self._node(
            "InstanceNormalization",
            [f"{output}.channels", "ones", "noughts"],
            f"{output}.unit_channels",
            epsilon=epsilon,
        )
        self._node("Reshape", [f"{output}.unit_channels", self._rows(size)], f"{output}.unit")
        self._node("Mul", [f"{output}.unit", weight], f"{output}.weighed")
        self._node("Add", [f"{output}.weighed", bias], f"{output}.rows")
        self._flat[output] = (f"{output}.rows", size)

    def _flattened(self, values: str, size: int) -> str:
        """The flat form of a value."""
        if values not in self._flat:
            self._flat[values] = (f"{values}.rows", size)
            self._made.add(values)
            self._node("Reshape", [values, self._rows(size)], f"{values}.rows")
        return self._flat[values][0]

    def _unflatten(self, values: str) -> None:
        """See that a value is there as (batch, tokens, size)."""
        if values in self._flat and values not in self._made:
            rows, size = self._flat[values]
            self._made.add(values)
            self._node("Reshape", [rows, self._whole(size)], values)

    def _rows(self, size: int) -> str:
        """The shape (all tokens, size)."""
        return self._tensor(f"rows.{size}", np.array([-1, size], np.int64))

    def _whole(self, size: int) -> str:
        """The shape (batch, tokens, size)."""
        name = f"whole.{size}"
        if name not in self._tensors:
            last = self._tensor(name, np.array([size], np.int64))
            self._node("Concat", ["batch_shape", last], f"{name}.shape", axis=0)
        return f"{name}.shape"

    def _is_int8(self, matrix: str) -> bool:
        return matrix + INT8 in self._stored

    def _node(
        self, operator: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any
    ) -> None:
        self._nodes.append(
            helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes)
        )

    def _tensor(self, name: str, values: NDArray[Any]) -> str:
        if name not in self._tensors:
            self._tensors[name] = numpy_helper.from_array(values, name)
        return name

    def _used(self, nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
        """The nodes that an output rests on, in their order."""
        wanted = {output.name for output in self._source.graph.output}
        kept: list[onnx.NodeProto] = []
        for node in reversed(nodes):
            if wanted & set(node.output):
                kept.append(node)
                wanted |= set(node.input)
        return kept[::-1]
