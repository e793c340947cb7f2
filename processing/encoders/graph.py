"""The network of multilingual-e5-small (a BERT with twelve layers) built from its weights for the OpenVINO runtime."""

from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from processing.encoders.packed import Floats, Packed

Node = Any  # the runtime's own types are not published
INNER_LAYER = 10
"""Whose states are the tokens' vectors: the last layers turn towards the sentence as a whole. 7 to 11 did as well."""


def compiled(packed: Packed, threads: int) -> Any:
    """Takes embeddings [texts, tokens, width] and a mask [texts, tokens], gives the mean state and the inner layer's states.

    On processors with bfloat16 units the runtime computes in it, three times as fast; vectors keep a cosine above .9999
    with those of single precision.
    """
    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
    return ov.Core().compile_model(_model(packed), "CPU", options)


def _model(packed: Packed) -> Any:
    width = packed.shape.width
    embedded = ops.parameter([-1, -1, width], np.float32)
    mask = ops.parameter([-1, -1], np.float32)
    layer = _Layer(packed)
    hidden = inner = layer.normalised(embedded, "emb.ln")
    for number in range(packed.shape.layers):
        hidden = layer.applied(hidden, _bias(mask), number)
        if number + 1 == INNER_LAYER:
            inner = hidden
    weight = ops.unsqueeze(mask, _axes(-1))
    total = ops.reduce_sum(ops.multiply(hidden, weight), _axes(1))
    return ov.Model([ops.divide(total, ops.reduce_sum(weight, _axes(1))), inner], [embedded, mask], "e5")


def _bias(mask: Node) -> Node:
    """Zero where there is a token, and so low elsewhere that no attention is left."""
    return ops.unsqueeze(
        ops.multiply(ops.subtract(mask, _constant(np.float32(1))), _constant(np.float32(1e9))), _axes(1, 2)
    )


def _constant(values: Floats | np.float32) -> Node:
    return ops.constant(np.ascontiguousarray(values, dtype=np.float32))


def _axes(*values: int) -> Node:
    array: NDArray[np.int64] = np.array(values, dtype=np.int64)
    return ops.constant(array)


class _Layer:
    """One encoder layer: attention and feed-forward, each added to its input and normalised."""

    def __init__(self, packed: Packed) -> None:
        self._packed, self._shape = packed, packed.shape

    def applied(self, hidden: Node, bias: Node, number: int) -> Node:
        name, width, inner = f"l{number}", self._shape.width, self._shape.inner
        attended = self._linear(self._attention(hidden, bias, name), f"{name}.ao", width, width)
        hidden = self.normalised(ops.add(hidden, attended), f"{name}.aln")
        wide = ops.gelu(self._linear(hidden, f"{name}.fi", width, inner), "erf")
        return self.normalised(ops.add(hidden, self._linear(wide, f"{name}.fo", inner, width)), f"{name}.oln")

    def normalised(self, hidden: Node, name: str) -> Node:
        centred = ops.mvn(hidden, _axes(-1), True, self._packed.epsilon, "INSIDE_SQRT")
        return ops.add(ops.multiply(centred, _constant(self._packed.tensor(f"{name}.w"))), self._offset(name))

    def _attention(self, hidden: Node, bias: Node, name: str) -> Node:
        heads, width = self._shape.heads, self._shape.width

        def split(part: str) -> Node:
            wide = self._linear(hidden, f"{name}.{part}", width, width)
            return ops.transpose(ops.reshape(wide, _axes(0, 0, heads, width // heads), True), _axes(0, 2, 1, 3))

        attended = ops.scaled_dot_product_attention(split("q"), split("k"), split("v"), bias)
        return ops.reshape(ops.transpose(attended, _axes(0, 2, 1, 3)), _axes(0, 0, width), True)

    def _linear(self, hidden: Node, name: str, inputs: int, outputs: int) -> Node:
        weights = _constant(self._packed.tensor(f"{name}.w").reshape(outputs, inputs))
        return ops.add(ops.matmul(hidden, weights, False, True), self._offset(name))

    def _offset(self, name: str) -> Node:
        return _constant(self._packed.tensor(f"{name}.b"))
