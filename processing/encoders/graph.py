"""The network of multilingual-e5-small (a BERT with twelve layers) built from its weights for the OpenVINO runtime."""

from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from processing.encoders.packed import Floats, Packed

Node = Any  # the runtime's own types are not published
_SHAPES_KEPT = "64"
"""Prepared steps kept for shapes met before, of which texts of all lengths have many. With the runtime's own 5,000 an import of
11,446 cards grew to 1.8 GB, with these to 0.8, in some hundredths more time; vectors are the same bits."""
_GROUP = 128  # with 384 cosines fell to .994, and it was hardly faster
INNER_LAYER = 10
"""Whose states are the tokens' vectors: the last layers turn towards the sentence as a whole. 7 to 11 did as well."""


def compiled(packed: Packed, streams: int) -> Any:
    """Takes embeddings [texts, tokens, width] of texts of one length; gives the mean state and the inner layer's states.

    Weights are whole numbers with a scale for each row. On processors that multiply such numbers (VNNI) the runtime makes
    those of the states, too, with a scale for each `_GROUP` of a token's: a third faster than bfloat16, and six times as
    fast as single precision, with which vectors keep a cosine above .997. On others it computes with the weights as they
    stand for (.999). So many requests are answered at once, each by one thread: two threads on one request take longer.
    """
    options = {
        "INFERENCE_NUM_THREADS": streams,
        "NUM_STREAMS": streams,
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": _GROUP,
        "CPU_RUNTIME_CACHE_CAPACITY": _SHAPES_KEPT,
    }
    return ov.Core().compile_model(_model(packed), "CPU", options)


def _model(packed: Packed) -> Any:
    width = packed.shape.width
    embedded = ops.parameter([-1, -1, width], np.float32)
    layer = _Layer(packed)
    hidden = inner = layer.normalised(embedded, "emb.ln")
    for number in range(packed.shape.layers):
        hidden = layer.applied(hidden, number)
        if number + 1 == INNER_LAYER:
            inner = hidden
    return ov.Model([ops.reduce_mean(hidden, _axes(1)), inner], [embedded], "e5")


def _constant(values: Floats) -> Node:
    return ops.constant(np.ascontiguousarray(values, dtype=np.float32))


def _axes(*values: int) -> Node:
    array: NDArray[np.int64] = np.array(values, dtype=np.int64)
    return ops.constant(array)


class _Layer:
    """One encoder layer: attention and feed-forward, each added to its input and normalised."""

    def __init__(self, packed: Packed) -> None:
        self._packed, self._shape = packed, packed.shape

    def applied(self, hidden: Node, number: int) -> Node:
        name, width, inner = f"l{number}", self._shape.width, self._shape.inner
        attended = self._linear(self._attention(hidden, name), f"{name}.ao", width, width)
        hidden = self.normalised(ops.add(hidden, attended), f"{name}.aln")
        wide = ops.gelu(self._linear(hidden, f"{name}.fi", width, inner), "erf")
        return self.normalised(ops.add(hidden, self._linear(wide, f"{name}.fo", inner, width)), f"{name}.oln")

    def normalised(self, hidden: Node, name: str) -> Node:
        centred = ops.mvn(hidden, _axes(-1), True, self._packed.epsilon, "INSIDE_SQRT")
        return ops.add(ops.multiply(centred, _constant(self._packed.tensor(f"{name}.w"))), self._offset(name))

    def _attention(self, hidden: Node, name: str) -> Node:
        heads, width = self._shape.heads, self._shape.width

        def split(part: str) -> Node:
            wide = self._linear(hidden, f"{name}.{part}", width, width)
            return ops.transpose(ops.reshape(wide, _axes(0, 0, heads, width // heads), True), _axes(0, 2, 1, 3))

        attended = ops.scaled_dot_product_attention(split("q"), split("k"), split("v"))
        return ops.reshape(ops.transpose(attended, _axes(0, 2, 1, 3)), _axes(0, 0, width), True)

    def _linear(self, hidden: Node, name: str, inputs: int, outputs: int) -> Node:
        weights = self._packed.tensor(f"{name}.w").reshape(outputs, inputs)
        scale = np.abs(weights).max(axis=1, keepdims=True) / 127
        whole = ops.convert(ops.constant(np.round(weights / scale).astype(np.int8)), np.float32)
        return ops.add(ops.matmul(hidden, ops.multiply(whole, _constant(scale)), False, True), self._offset(name))

    def _offset(self, name: str) -> Node:
        return _constant(self._packed.tensor(f"{name}.b"))
