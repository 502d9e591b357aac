"""Files of numbers: safetensors with a header that says what they are, and a digest that each reading compares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from blake3 import blake3

from pipelines.mistakes import mistake
from pipelines.value import Array


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


def read_tensors(path: Path, header: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what a file says under its header, and its arrays by name, as they are stored.

    Raises
    ------
    MistakeError
        Where it cannot be read, says nothing under this header, or a single byte of its arrays differs.
    """
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            about = dict(json.loads((file.metadata() or {}).get(header, "{}")))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (OSError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise unusable(path, f"cannot be read: {error}") from error
    if about and about.get("digest") != _digest(tensors):
        raise unusable(path, "do not match their own digest: the file is damaged")
    return about, tensors


def unusable(path: Path, why: str) -> Exception:
    """Return the mistake of weights that cannot be used."""
    return mistake(f"these weights {why}", parameter="weights", given=str(path))


def halved(tensor: Array) -> Array:
    """Return a matrix or kernel at half the precision; small arrays, and what would overflow, as they are."""
    return tensor.astype(np.float16) if tensor.ndim > 1 and np.abs(tensor).max() < 6e4 else tensor


def _digest(tensors: Mapping[str, Array]) -> str:
    hasher = blake3()
    for name, tensor in sorted(tensors.items()):
        hasher.update(f"{name} {tensor.dtype} {tensor.shape}\n".encode())
        hasher.update(np.ascontiguousarray(tensor).data.cast("B"))
    return str(hasher.hexdigest())
