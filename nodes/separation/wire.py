"""Messages in protocol buffers' wire format, field by field: what TensorFlow's checkpoints and ONNX are written in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types."""


def fields_of(message: bytes | memoryview) -> Iterator[tuple[int, Any]]:
    """Yield the number and value of each field of a message: whole numbers, or bytes as a part of the message.

    Raises
    ------
    ValueError, IndexError
        Where it is no message, or ends early.
    """
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        wire, value = tag & 7, 0
        if wire == VARINT:
            value, at = varint(message, at)
            yield tag >> 3, value
            continue
        length = {FIXED64: 8, FIXED32: 4}.get(wire)
        if wire == BYTES:
            length, at = varint(message, at)
        if length is None or at + length > len(message):
            raise ValueError("a message in it ends early")
        yield tag >> 3, message[at : at + length]
        at += length


def varint(content: bytes | memoryview, at: int) -> tuple[int, int]:
    """Return a whole number of seven bits a byte, lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number in it has no end")
