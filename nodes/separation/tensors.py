"""Files of numbers: safetensors with a header that says what they are, and a digest that each reading compares."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.mistakes import MistakeError, mistake
from pipelines.value import Array

SAID = "__metadata__"
"""Where a header has what the file says of itself."""

LONGEST = 1 << 24
"""Most bytes of a header that are read."""

UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error)
"""What may come of reading a header that is damaged or none."""


def packed(tensors: Mapping[str, Array], header: str, about: Mapping[str, str]) -> bytes:
    """Return the content of a file.

    Parameters
    ----------
    tensors
        Arrays by name.
    header
        Under which the file says what it is.
    about
        What it says; the digest is added.
    """
    import numpy as np
    import safetensors.numpy

    kept = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    content: bytes = safetensors.numpy.save(kept, {header: json.dumps({**about, "digest": _digest(kept)})})
    return content


def write_tensors(path: Path, tensors: Mapping[str, Array], header: str, about: Mapping[str, str]) -> None:
    """Write a file, which appears whole or not at all; parameters are those of `packed`.

    Raises
    ------
    MistakeError
        Where it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(packed(tensors, header, about))
        partial.replace(path)
    except OSError as error:
        raise mistake(f"the file cannot be written: {error.strerror}", given=str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def read_tensors(path: Path, header: str, hint: str = "") -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what a file says under its header, and its arrays by name, as they are stored.

    What it says is empty where it has no such header; `hint` stands in the mistakes.

    Raises
    ------
    MistakeError
        Where it cannot be read, or a single byte of its arrays differs.
    """
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            about = dict(json.loads((file.metadata() or {}).get(header, "{}")))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (OSError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise unusable(path, f"cannot be read: {error}", hint) from error
    if about and about.get("digest") != _digest(tensors):
        raise unusable(path, "do not match their own digest: the file is damaged", hint)
    return about, tensors


def header_of(path: Path) -> dict[str, Any]:
    """Return all that a file says of itself, by header; nothing where it cannot be read. Its arrays are not read."""
    try:
        return {name: json.loads(text) for name, text in read_header(path)[SAID].items()}
    except UNREADABLE:
        return {}


def require_whole(path: Path) -> None:
    """Refuse a file that is not as long as its header says; its arrays are not read."""
    try:
        header = read_header(path)
        length = max((each["data_offsets"][1] for name, each in header.items() if name != SAID), default=0)
        with path.open("rb") as file:
            length += 8 + struct.unpack("<Q", file.read(8))[0]
        found = path.stat().st_size
    except UNREADABLE as error:
        raise unusable(path, f"cannot be read: {error}") from error
    if found != length:
        raise unusable(path, f"are damaged: the file has {found} bytes, not {length}")


def read_header(path: Path) -> dict[str, Any]:
    """Return the header of a file: the type, shape and place of each array, and under SAID what it says of itself.

    Errors are those in UNREADABLE.
    """
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        return dict(json.loads(file.read(min(size, LONGEST))))


def unusable(path: Path, why: str, hint: str = "") -> MistakeError:
    """Return the mistake of weights that cannot be used; `why` goes on after 'these weights'."""
    return mistake(f"these weights {why}", given=str(path), hint=hint)


def halved(tensor: Array) -> Array:
    """Return a matrix or kernel at half the precision; small arrays, and what would overflow, as they are."""
    return tensor.astype("float16") if tensor.ndim > 1 and abs(tensor).max() < 6e4 else tensor


def _digest(tensors: Mapping[str, Array]) -> str:
    import numpy as np
    from blake3 import blake3

    hasher = blake3()
    for name, tensor in sorted(tensors.items()):
        hasher.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode())
        hasher.update(np.ascontiguousarray(tensor).data.cast("B"))
    return str(hasher.hexdigest())
