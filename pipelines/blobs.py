"""The files of a stored result: arrays as `.npy` with their digests, and the record that vouches for itself."""

from __future__ import annotations

import json
import mmap
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from blake3 import blake3

from pipelines.context import release
from pipelines.value import Array, Value, pack

BLOCK = 1 << 22


def format_record(record: Mapping[str, Any]) -> bytes:
    """Return a record as JSON that carries its own digest."""
    body = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    return _head(body) + body + b"}\n"


def parse_record(content: bytes) -> dict[str, Any]:
    """Return the record in the bytes that `format_record` made.

    Raises
    ------
    ValueError
        Where a single byte differs.
    """
    body = content[len(_head(b"")) : -2]
    if content != _head(body) + body + b"}\n":
        raise ValueError("it does not match its own digest")
    record: dict[str, Any] = json.loads(body)
    return record


def _head(body: bytes) -> bytes:
    return f'{{"digest":"{blake3(body).hexdigest()}",\n"record":'.encode()


def file_digest(path: Path) -> str:
    """Return the BLAKE3 digest of a file's content, read without filling memory."""
    hasher = blake3()
    buffer = bytearray(BLOCK)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hasher.update(view[:count])
    return str(hasher.hexdigest())


def write_outputs(folder: Path, outputs: Mapping[str, Value], flush: bool) -> dict[str, Any]:
    """Write the arrays of all outputs; return {'outputs': JSON trees, 'files': size and digest of each file}.

    Arrays made by `Context.array` are linked in, all others are written; `flush` waits for the disk.
    """
    trees: dict[str, Any] = {}
    files: dict[str, Any] = {}
    for output, value in outputs.items():
        trees[output], arrays = pack(value)
        for name, array in arrays.items():
            file = f"{output}.{name}.npy"
            files[file] = _write_array(folder / file, array, flush)
    return {"outputs": trees, "files": files}


def _write_array(path: Path, array: Array, flush: bool) -> dict[str, Any]:
    scratch = _scratch_file(array)
    if scratch is not None and _same_header(scratch, array):
        array.flush()  # type: ignore[attr-defined]
        release(array)
        _link(scratch, path)
        return {"size": path.stat().st_size, "digest": file_digest(path)}
    hasher = blake3()
    with path.open("wb") as file:
        _Tee(file, hasher).array(array)
        if flush:
            file.flush()
            os.fsync(file.fileno())
        return {"size": file.tell(), "digest": str(hasher.hexdigest())}


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # some disks know no hard links
        shutil.copyfile(source, target)


def _scratch_file(array: Array) -> Path | None:
    """Return the file of an array that `Context.array` made and that is stored as a whole."""
    if isinstance(array, np.memmap) and isinstance(getattr(array, "_mmap", None), mmap.mmap) and array.filename:
        path = Path(array.filename)
        whole = array.offset + array.nbytes == path.stat().st_size if path.exists() else False
        if whole and array.flags.c_contiguous and path.name.startswith("array-") and path.suffix == ".npy":
            return path
    return None


def _same_header(path: Path, array: Array) -> bool:
    """Whether the file says of itself what the array is: a view may have another shape."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    return shape == array.shape and dtype == array.dtype and not fortran


class _Tee:
    """Writes to a file and a hasher at once."""

    def __init__(self, file: IO[bytes], hasher: Any) -> None:
        self.file = file
        self.hasher = hasher

    def write(self, data: Any) -> None:
        self.file.write(data)
        self.hasher.update(data)

    def array(self, array: Array) -> None:
        header = np.lib.format.header_data_from_array_1_0(np.empty((0,), array.dtype))
        header |= {"shape": array.shape, "fortran_order": False}
        np.lib.format.write_array_header_1_0(self, header)
        flat = array.reshape(-1) if array.flags.c_contiguous else np.ascontiguousarray(array).reshape(-1)
        step = max(1, BLOCK // max(1, array.itemsize))
        for start in range(0, flat.size, step):
            self.write(flat[start : start + step].view(np.uint8).data)
            release(array)


def write_file(path: Path, content: bytes, flush: bool) -> None:
    """Write a small file; `flush` waits for the disk."""
    with path.open("wb") as file:
        file.write(content)
        if flush:
            file.flush()
            os.fsync(file.fileno())
