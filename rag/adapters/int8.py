"""A graph with int8 weights, rewritten so that its products take int8 activations: one scale for each token.

The weights keep the very integers and scales that they have. A token is rounded by its own largest value, as
Yao et al. 2022, "ZeroQuant", do: one scale for all tokens is set by a few that have large values, and moves the logits
more than twice as far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from rag.adapters.bert import FUSED

INT8, SCALE, WIDE = ".int8", ".scale", ".wide"
# Activations are stored as uint8 with this for zero: with int8 weights that is the product that processors have.
ZERO = 128
LEVELS = 127


def tokenwise(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its products of int8 matrices computed in int8; what gathers from int8 tables stays.

    `model` is one that `rag.training.export.write_int8_graph` makes.
    """
    return _Rewriting(model).model()


class _Rewriting:
    """Nodes and tensors of the new graph, as they come; a value is known by its name."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._source = model
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: dict[str, onnx.TensorProto] = {}
        self._rounded: dict[str, tuple[str, str]] = {}

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
            else:
                self._nodes.append(node)
        nodes = self._used(self._nodes)
        names = {name for node in nodes for name in node.input}
        tensors = [*self._source.graph.initializer, *self._tensors.values()]
        graph = helper.make_graph(
            nodes,
            self._source.graph.name,
            self._source.graph.input,
            self._source.graph.output,
            [tensor for tensor in tensors if tensor.name in names],
        )
        return helper.make_model(
            graph, opset_imports=self._source.opset_import, ir_version=self._source.ir_version
        )

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

    def _product(self, values: str, matrix: str, output: str) -> None:
        """(batch, tokens, inner) x (inner, outer), in int8."""
        weights, scales = (numpy_helper.to_array(self._stored[matrix + part]) for part in (INT8, SCALE))
        self._rows_product(values, matrix, weights, scales, output)

    def _attention(self, node: onnx.NodeProto) -> None:
        """Attention with its projections apart: the fused operator has one scale for all tokens."""
        values, matrix, bias, mask = node.input
        (output,) = node.output
        weights, scales = (numpy_helper.to_array(self._stored[matrix + part]) for part in (INT8, SCALE))
        parts = ["query", "key", "value"]
        for part, columns, scale in zip(
            parts, np.split(weights, 3, axis=1), np.split(scales, 3, axis=1), strict=True
        ):
            self._rows_product(values, f"{matrix}.{part}", columns, scale, f"{output}.{part}")
        heads = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        projected = [f"{output}.{part}" for part in parts]
        self._node("MultiHeadAttention", [*projected, bias, mask], output, domain=FUSED, **heads)

    def _rows_product(
        self, values: str, name: str, weights: NDArray[np.int8], scales: NDArray[np.float32], output: str
    ) -> None:
        inner, outer = weights.shape
        rounded, steps = self._round(values, inner)
        stored = self._tensor(f"{name}{INT8}.columns", np.ascontiguousarray(weights))
        scale = self._tensor(f"{name}{SCALE}.columns", scales.reshape(outer))
        one = self._tensor("one", np.array(1, np.float32))
        self._node(
            "MatMulIntegerToFloat", [rounded, stored, one, scale, "zero"], f"{output}.steps", domain=FUSED
        )
        self._node("Mul", [f"{output}.steps", steps], f"{output}.rows")
        self._node("Reshape", [f"{output}.rows", self._whole(outer)], output)

    def _round(self, values: str, size: int) -> tuple[str, str]:
        """Values as uint8 of shape (all tokens, size), and the step of each token, (all tokens, 1); once for each."""
        if values not in self._rounded:
            rows, steps, rounded = (f"{values}.{part}" for part in ("flat", "step", "rounded"))
            shape = self._tensor(f"rows.{size}", np.array([-1, size], np.int64))
            self._node("Reshape", [values, shape], rows)
            self._node("Abs", [rows], f"{values}.sizes")
            self._node("ReduceMax", [f"{values}.sizes"], f"{values}.largest", axes=[-1], keepdims=1)
            level = self._tensor("level", np.array(1 / LEVELS, np.float32))
            self._node("Mul", [f"{values}.largest", level], f"{values}.level")
            # A token of noughts alone has no step of its own.
            self._node("Max", [f"{values}.level", self._tensor("least", np.array(1e-12, np.float32))], steps)
            flat = self._tensor("flat", np.array([-1], np.int64))
            self._node("Reshape", [steps, flat], f"{values}.flat_step")
            self._node("QuantizeLinear", [rows, f"{values}.flat_step", "zeros"], rounded, axis=0)
            self._rounded[values] = (rounded, steps)
        return self._rounded[values]

    def _normalisation(self, node: onnx.NodeProto) -> None:
        """Sum and normalisation apart: the runtime's fused operator takes three times as long.

        Tokens are the channels of InstanceNormalization, which normalises each over its values.
        """
        values, residual, weight, bias, before = node.input
        (output,) = node.output
        (size,) = numpy_helper.to_array(self._stored[weight]).shape
        epsilon = next(each.f for each in node.attribute if each.name == "epsilon")
        channels = self._tensor(f"channels.{size}", np.array([1, -1, size], np.int64))
        self._node("Add", [values, before], f"{output}.biased")
        self._node("Add", [f"{output}.biased", residual], f"{output}.sum")
        self._node("Reshape", [f"{output}.sum", channels], f"{output}.channels")
        self._node(
            "InstanceNormalization",
            [f"{output}.channels", "ones", "noughts"],
            f"{output}.unit_channels",
            epsilon=epsilon,
        )
        self._node("Reshape", [f"{output}.unit_channels", self._whole(size)], f"{output}.unit")
        self._node("Mul", [f"{output}.unit", weight], f"{output}.weighed")
        self._node("Add", [f"{output}.weighed", bias], output)

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
