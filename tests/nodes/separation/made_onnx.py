"""ONNX files written field by field, so that tests need no package that makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import nn

from nodes.separation.spleeter.network import UNet

SHAPE: tuple[int | str, ...] = (2, "num_splits", 512, 1024)
"""Of sherpa-onnx's input and output."""

KINDS = {"float32": 1, "float16": 10, "int64": 7}


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(name: str, values: np.ndarray) -> bytes:
    sizes = b"".join(field(1, size) for size in values.shape)
    return sizes + field(2, KINDS[values.dtype.name]) + field(8, name) + field(9, values.tobytes())


def outside(name: str, shape: Sequence[int], location: str) -> bytes:
    """Return a tensor of float32 whose numbers are in another file."""
    entries = field(13, field(1, "location") + field(2, location))
    return b"".join(field(1, size) for size in shape) + field(2, 1) + field(8, name) + entries + field(14, 1)


def attribute(name: str, value: int | float | Sequence[int] | bytes) -> bytes:
    if isinstance(value, float):
        return field(1, name) + varint(2 << 3 | 5) + np.float32(value).tobytes() + field(20, 1)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    if isinstance(value, bytes):
        return field(1, name) + field(5, value) + field(20, 4)
    return field(1, name) + b"".join(field(8, each) for each in value) + field(20, 7)


def node(kind: str, inputs: Sequence[str], output: str, **attributes: int | float | Sequence[int] | bytes) -> bytes:
    body = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind)
    return body + b"".join(field(5, attribute(name, value)) for name, value in attributes.items())


def described(name: str, shape: Sequence[int | str] | None, kind: str = "float32") -> bytes:
    axes = b"".join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in shape or ())
    return field(1, name) + field(2, field(1, field(1, KINDS[kind]) + (b"" if shape is None else field(2, axes))))


def model(
    nodes: Sequence[bytes],
    tensors: Sequence[bytes] = (),
    *,
    names: tuple[str, str] = ("x", "y"),
    shape: Sequence[int | str] = SHAPE,
    made: Sequence[int | str] | None = SHAPE,
    kind: str = "float32",
    opset: int = 13,
) -> bytes:
    graph = b"".join(field(1, each) for each in nodes) + field(2, "graph")
    graph += b"".join(field(5, each) for each in tensors)
    graph += field(11, described(names[0], shape, kind)) + field(12, described(names[1], made, kind))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, opset))


def scaling(factors: np.ndarray, **how: object) -> bytes:
    """Return a network that multiplies every bin by a factor of its own."""
    return model([node("Mul", ["x", "f"], "y")], [tensor("f", factors)], **how)  # type: ignore[arg-type]


def write_set(folder: Path, networks: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in networks.items():
        (folder / name).write_bytes(content)
    return folder


class UNetWriter:
    """Writes a U-Net of Spleeter with LeakyReLU and ReLU layer by layer, as TensorFlow and sherpa-onnx have it."""

    def __init__(self, network: UNet) -> None:
        self.nodes: list[bytes] = []
        self.tensors: list[bytes] = []
        self._network = network

    def write(self) -> bytes:
        now, skipped = self._op("Transpose", ["x"], perm=[1, 0, 2, 3]), []
        first = now
        for number, convolution in enumerate(self._network.convolutions):
            now = self._layer("Conv", now, convolution, strides=[2, 2], pads=[1, 1, 2, 2])
            if number < len(self._network.norms):
                skipped.append(now)
                now = self._op("LeakyRelu", [self._norm(now, self._network.norms[number])], alpha=0.2)
        for up, norm in zip(self._network.transposed, self._network.transposed_norms, strict=True):
            now = self._layer("ConvTranspose", now, up, strides=[2, 2], pads=[1, 1, 2, 2])
            now = self._norm(self._op("Relu", [now]), norm)
            now = self._op("Concat", [skipped.pop(), now], axis=1) if skipped else now
        now = self._layer("Conv", now, self._network.last, dilations=[2, 2], pads=[3, 3, 3, 3])
        now = self._op("Mul", [self._op("Sigmoid", [now]), first])
        self.nodes.append(node("Transpose", [now], "y", perm=[1, 0, 2, 3]))
        return model(self.nodes, self.tensors)

    def _op(self, kind: str, inputs: Sequence[str], **attributes: int | float | Sequence[int]) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(node(kind, inputs, name, **attributes))
        return name

    def _layer(self, kind: str, now: str, layer: nn.Module, **attributes: Sequence[int]) -> str:
        return self._op(kind, [now, self._kept(layer.weight), self._kept(layer.bias)], **attributes)

    def _norm(self, now: str, norm: nn.BatchNorm2d) -> str:
        kept = [self._kept(each) for each in (norm.weight, norm.bias, norm.running_mean, norm.running_var)]
        return self._op("BatchNormalization", [now, *kept], epsilon=norm.eps)

    def _kept(self, values: object) -> str:
        name = f"w{len(self.tensors)}"
        self.tensors.append(tensor(name, values.detach().contiguous().numpy()))  # type: ignore[attr-defined]
        return name
