"""Keys: BLAKE3 over type-tagged, length-prefixed ingredients. Equal keys mean equal results."""

from __future__ import annotations

import dataclasses
import hashlib
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from blake3 import blake3

from pipelines.code import NUMERICAL, Code
from pipelines.graph import BoundStep
from pipelines.quantities import InputFiles
from pipelines.scope import Reference
from pipelines.store import SCHEMA


@dataclasses.dataclass(frozen=True)
class Machine:
    """What of the machine can bear on results: 'cpu' or 'cuda', and the threads of one step."""

    device: str = "cpu"
    threads: int = 1


FileDigest = Callable[[Path], str]


def canonical(item: Any) -> bytes:
    """Return the bytes of a plain value: a type tag, a length, the content.

    Raises
    ------
    TypeError
        For a type that has no canonical form; nothing is ever left out of a key.
    """
    out = bytearray()
    _write(item, out)
    return bytes(out)


def _write(item: Any, out: bytearray) -> None:
    if item is None:
        out += b"N"
    elif isinstance(item, bool):
        out += b"T" if item else b"F"
    elif isinstance(item, int):
        _tagged(b"I", str(item).encode(), out)
    elif isinstance(item, float):
        out += b"D" + struct.pack("<d", item)
    elif isinstance(item, str):
        _tagged(b"S", item.encode("utf-8", "surrogatepass"), out)
    elif isinstance(item, bytes):
        _tagged(b"B", item, out)
    elif isinstance(item, list | tuple):
        out += b"L" + struct.pack("<Q", len(item))
        for part in item:
            _write(part, out)
    elif isinstance(item, Mapping):
        out += b"M" + struct.pack("<Q", len(item))
        for key in sorted(item):
            _write(key, out)
            _write(item[key], out)
    else:
        raise TypeError(f"{type(item).__name__} has no canonical form: it cannot be part of a key")


def _tagged(tag: bytes, content: bytes, out: bytearray) -> None:
    out += tag + struct.pack("<Q", len(content)) + content


def digest(item: Any) -> str:
    """Return the BLAKE3 digest of a plain value, 64 hexadecimal digits."""
    return str(blake3(canonical(item)).hexdigest())


def plain(item: Any, file_digest: FileDigest) -> Any:
    """Return a parameter as plain lists, dicts and scalars; files become (name, content digest)."""
    if item is None or isinstance(item, bool | int | float | str):
        return item
    if isinstance(item, InputFiles):
        return {"files": [[path.name, file_digest(path)] for path in item.paths]}
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        fields = {f.name: plain(getattr(item, f.name), file_digest) for f in dataclasses.fields(item)}
        return {"type": type(item).__name__, **fields}
    if isinstance(item, Sequence):
        return [plain(part, file_digest) for part in item]
    if isinstance(item, Mapping):
        return {str(key): plain(part, file_digest) for key, part in item.items()}
    raise TypeError(f"a parameter of type {type(item).__name__} cannot be part of a key")


def step_seed(piece_seed: int, step: BoundStep) -> int:
    """Return the seed of a step: its own, or one drawn from the piece's seed and the step's path."""
    if step.seed is not None:
        return step.seed
    return int.from_bytes(hashlib.blake2b(f"{piece_seed}/{step.path}".encode(), digest_size=6).digest(), "big")


def ingredients(
    step: BoundStep, keys: Mapping[str, str], code: Code, seed: int, machine: Machine, file_digest: FileDigest
) -> dict[str, Any]:
    """Return everything that a step's result depends on, as plain data."""
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "node": step.spec.name,
        "version": step.spec.mark.version,
        "code": code.digest,
        "libraries": code.libraries,
        "parameters": {name: plain(value, file_digest) for name, value in step.parameters.items()},
        "inputs": {port: [_input(r, keys) for r in references] for port, references in step.inputs.items()},
    }
    if code.libraries.keys() & NUMERICAL:
        found["threads"] = machine.threads
    if step.spec.wants_context:
        found["device"] = machine.device
        if code.random:
            found["seed"] = seed
    return found


def _input(reference: Reference, keys: Mapping[str, str]) -> list[str]:
    return [keys[reference.step], reference.output]
