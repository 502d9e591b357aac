"""What .onnx files say of the networks in them, read without ONNX Runtime: which stems, which input and output.

A file is a message in protocol buffers' wire format. All its numbers must lie in it: a file that names others, which
ONNX Runtime would open, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nodes.separation.wire import fields_of
from pipelines.mistakes import MistakeError, listed, mistake
from pipelines.quantities import InputFiles

SUFFIX = ".onnx"
INPUT, OUTPUT = "x", "y"
CHANNELS, FRAMES = 2, 512
WIDTHS = (1024, 1536)
"""Bins that a network may see: the first where its file leaves it open."""

WANTED = f"[{CHANNELS}, segments, {FRAMES}, {WIDTHS[0]}]"
FLOAT, HALF = 1, 10
"""ONNX's numbers of the types float32 and float16."""

WITHIN: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""Messages inside of messages, by the number of their field, as far as they lead to tensors."""

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Layout:
    """How magnitudes go into a network.

    Parameters
    ----------
    bins
        How many of them it sees.
    channels_first
        Whether the axes are channels × segments × frames × bins, or segments × channels × frames × bins.
    half
        Whether it takes float16.
    """

    bins: int
    channels_first: bool
    half: bool


def networks_in(model: InputFiles, stems: tuple[str, ...]) -> dict[str, Path]:
    """Return the file of each stem by its name, which is the file's up to the first full stop.

    Parameters
    ----------
    model
        What was named: a folder or a pattern.
    stems
        Names that a stem may have; the result is in their order.

    Raises
    ------
    MistakeError
        Where there are less than two, a name is not known, or two files are of one stem.
    """
    found: dict[str, Path] = {}
    for path in model.paths:
        if path.suffix != SUFFIX:
            continue
        name = path.name.split(".")[0]
        if name not in stems:
            raise _unfit(path, f"'{name}' is the name of no stem", allowed=listed(stems))
        if name in found:
            twice = f"{found[name].name} and {path.name} are both of the stem '{name}'"
            raise _unfit(path, twice, allowed="one file a stem", hint="a pattern chooses: folder/*.fp16.onnx")
        found[name] = path
    if len(found) < 2:
        raise mistake(
            "two networks are needed at least, as what each gets is its part of all",
            parameter="model",
            given=f"{model.asked}, with {listed(path.name for path in model.paths)}",
            allowed="a folder with one file a stem, such as vocals.onnx and accompaniment.onnx",
        )
    return {stem: found[stem] for stem in stems if stem in found}


def read_layout(path: Path) -> Layout:
    """Return the layout of the network in a file; errors are those of `layout_of`."""
    try:
        content = np.memmap(path, np.uint8, "r").data if path.stat().st_size else memoryview(b"")
    except OSError as error:
        raise _unfit(path, f"the file cannot be read: {error.strerror or error}") from error
    return layout_of(content, path)


def layout_of(content: bytes | memoryview, path: Path) -> Layout:
    """Return the layout of the network in a file's content.

    Raises
    ------
    MistakeError
        Where it is no such network, or has numbers in other files.
    """
    try:
        (graph,) = (value for number, value in fields_of(content) if number == 7)
        inputs, outputs = _described(graph, 11), _described(graph, 12)
        outside = any(_is_outside(tensor) for tensor in _tensors("model", content))
        kept = {_text(dict(fields_of(value)).get(8, b"")) for number, value in fields_of(graph) if number == 5}
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _unfit(path, "this is no network in the ONNX format, or it is damaged") from error
    if outside:
        raise _unfit(path, "the network has numbers in other files", allowed="a network that is whole in its own file")
    inputs = {name: each for name, each in inputs.items() if name not in kept}  # older files list what they hold
    if set(inputs) != {INPUT} or set(outputs) != {OUTPUT}:
        given = f"input {listed(inputs) or 'none'}, output {listed(outputs) or 'none'}"
        raise _unfit(path, "the network has other inputs or outputs", f"{given} in {path}", f"'{INPUT}' and '{OUTPUT}'")
    return _layout(path, *inputs[INPUT], *outputs[OUTPUT])


def _layout(path: Path, kind: int, shape: Shape, made_kind: int, made: Shape) -> Layout:
    if kind not in (FLOAT, HALF) or made_kind not in (FLOAT, HALF):
        raise _unfit(path, "the network takes or makes other numbers", allowed="float32 or float16")
    for channels_first in (True, False):
        ends = (CHANNELS, 1) if channels_first else (1, CHANNELS)
        for bins in WIDTHS:
            wanted = (*ends, FRAMES, bins)
            if _allows(shape, wanted) and (not made or _allows(made, wanted)):
                return Layout(bins, channels_first, kind == HALF)
    raise _unfit(path, "the network is of another shape", f"{_shown(shape)} to {_shown(made)} in {path}", WANTED)


def _allows(shape: Shape, wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(a in (None, b) for a, b in zip(shape, wanted, strict=True))


def _shown(shape: Shape) -> str:
    return f"[{', '.join('any' if each is None else str(each) for each in shape)}]"


def _described(graph: memoryview, kind: int) -> dict[str, tuple[int, Shape]]:
    """Return the type and shape of each input (11) or output (12) by name."""
    found = {}
    for number, value in fields_of(graph):
        if number == kind:
            about = dict(fields_of(value))
            tensor = dict(fields_of(dict(fields_of(about.get(2, b""))).get(1, b"")))
            axes = [dict(fields_of(axis)) for n, axis in fields_of(tensor.get(2, b"")) if n == 1]
            found[_text(about[1])] = (int(tensor.get(1, 0)), tuple(_size(axis) for axis in axes))
    return found


def _size(axis: Mapping[int, Any]) -> int | None:
    """Return the length of an axis, None where any will do: it has a name, nothing, or a number below one."""
    return size if 0 < (size := int(axis.get(1, 0))) < 1 << 31 else None


def _tensors(kind: str, message: bytes | memoryview) -> Iterator[bytes | memoryview]:
    """Yield every tensor in a message, however deep."""
    if kind == "tensor":
        yield message
        return
    for number, value in fields_of(message):
        if number in WITHIN[kind]:
            yield from _tensors(WITHIN[kind][number], value)


def _is_outside(tensor: bytes | memoryview) -> bool:
    """Return whether a tensor names another file, or says that it is in one."""
    return any(number == 13 or (number == 14 and value) for number, value in fields_of(tensor))


def _text(content: bytes | memoryview) -> str:
    return bytes(content).decode()


def _unfit(path: Path, what: str, given: str = "", allowed: str = "", hint: str = "") -> MistakeError:
    return mistake(what, parameter="model", given=given or str(path), allowed=allowed, hint=hint)
