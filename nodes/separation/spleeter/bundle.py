"""Reading TensorFlow's second checkpoint format, the tensor bundle, with NumPy alone.

PREFIX.index is a sorted table as LevelDB writes it: blocks of entries with shared beginnings of keys, each block with
its checksum, an index of blocks, and a footer. Its values are messages in protocol buffers' wire format: the header
under the empty key, and for each tensor its type, shape, shard, place and checksum. PREFIX.data-00000-of-0000N hold
the tensors' bytes, little-endian. Nothing in them is code.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nodes.separation.spleeter.checksums import crc32c, masked
from nodes.separation.wire import fields_of, varint
from pipelines.mistakes import MistakeError, mistake
from pipelines.value import Array

MAGIC = 0xDB4775248B80FB57
FOOTER = 48
"""Bytes of the footer: places of two blocks, padding, and the magic number."""

TRAILER = 5
"""Bytes after a block: its kind of compression and its checksum."""

TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "?", 19: "<f2", 22: "<u4", 23: "<u8"}
"""TensorFlow's numbers of the types that are read."""


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies.

    Parameters
    ----------
    type
        TensorFlow's number of its type.
    shape
        Its shape.
    shard, offset, size
        Number of its data file, and its first byte and count of bytes there.
    checksum
        Masked CRC-32C of its bytes.
    """

    type: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int


def read_index(prefix: Path) -> tuple[dict[str, Entry], int]:
    """Return the tensors by name and the number of data files.

    Parameters
    ----------
    prefix
        Path of the checkpoint without `.index`.

    Raises
    ------
    MistakeError
        Where the file cannot be read, is cut short, or a byte of it differs from what was written.
    """
    path = _beside(prefix, ".index")
    try:
        return _entries(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except (ValueError, LookupError, struct.error) as error:
        raise _unreadable(path, f"it is damaged or no index of a checkpoint ({error})") from error


def read_bundle(prefix: Path) -> dict[str, Array]:
    """Return every numerical tensor of a checkpoint by name, each compared with its checksum.

    Parameters
    ----------
    prefix
        Path of the checkpoint without `.index`.

    Raises
    ------
    MistakeError
        Where a file is missing, cut short or damaged; names the file, and the tensor.
    """
    entries, count = read_index(prefix)
    shards = [_shard(_beside(prefix, f".data-{number:05d}-of-{count:05d}")) for number in range(count)]
    found = {}
    for name, entry in entries.items():
        if entry.type in TYPES:
            try:
                found[name] = _tensor(entry, shards)
            except (ValueError, LookupError) as error:
                path = _beside(prefix, f".data-{entry.shard:05d}-of-{count:05d}")
                raise _unreadable(path, f"the tensor '{name}' {error}") from error
    return found


def prefix_of(path: Path) -> Path:
    """Return the path of a checkpoint without `.index`: of the only one in a folder, or of an index."""
    if path.is_dir():
        indices = sorted(path.glob("[!.]*.index"))
        if len(indices) != 1:
            raise mistake(
                "there is no checkpoint in the folder" if not indices else "the folder holds several checkpoints",
                given=str(path),
                allowed="a folder with model.index and model.data-00000-of-00001",
                hint=f"name one of them: {path / indices[0].stem}" if indices else "",
            )
        return indices[0].with_suffix("")
    return path.with_suffix("") if path.suffix == ".index" else path


def _beside(prefix: Path, ending: str) -> Path:
    return prefix.with_name(prefix.name + ending)


def _unreadable(path: Path, why: str) -> MistakeError:
    return mistake(
        f"the checkpoint cannot be read: {why}",
        given=str(path),
        hint="get the checkpoint again: model.index and its data file belong together, byte by byte",
    )


def _shard(path: Path) -> Array:
    try:
        return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, np.uint8)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _tensor(entry: Entry, shards: list[Array]) -> Array:
    type_ = np.dtype(TYPES[entry.type])
    if entry.size != math.prod(entry.shape) * type_.itemsize:
        raise ValueError(f"has {entry.size} bytes for the shape {entry.shape}")
    if entry.shard >= len(shards):
        raise ValueError(f"lies in the data file {entry.shard} of {len(shards)}")
    content = shards[entry.shard][entry.offset : entry.offset + entry.size]
    if len(content) != entry.size:
        raise ValueError(f"is cut short: {len(content)} of {entry.size} bytes are there")
    if masked(crc32c(content)) != entry.checksum:
        raise ValueError("does not match its checksum: the file is damaged")
    return np.frombuffer(content.tobytes(), type_).reshape(entry.shape)


def _entries(content: bytes) -> tuple[dict[str, Entry], int]:
    """Return what `read_index` does, of a file's content; raise ValueError or LookupError where it is damaged."""
    if len(content) < FOOTER or struct.unpack_from("<Q", content, len(content) - 8)[0] != MAGIC:
        raise ValueError("its last bytes are not those of a table")
    place = content[-FOOTER:]
    others, at = _handle(place, 0)
    blocks, _ = _handle(place, at)
    for _ in _block(content, *others):  # holds nothing here; read so that its checksum is compared
        pass
    found, shards = {}, 0
    for _, handle in _block(content, *blocks):
        for key, value in _block(content, *_handle(handle, 0)[0]):
            if key:
                found[key.decode()] = _entry(value)
            else:
                shards = int(dict(fields_of(value)).get(1, 1))
    if not 0 < shards <= 10**5:
        raise ValueError("it has no header")
    return found, shards


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of one block."""
    end = offset + size
    if end + TRAILER > len(content):
        raise ValueError("a block lies beyond its end")
    kind, checksum = struct.unpack_from("<BI", content, end)
    if masked(crc32c(content[offset : end + 1])) != checksum:
        raise ValueError("a block does not match its checksum")
    if kind:
        raise ValueError("a block is compressed")
    block = content[offset:end]
    restarts = struct.unpack_from("<I", block, size - 4)[0]
    at, last, key = 0, size - 4 - 4 * restarts, b""
    while at < last:
        shared, at = varint(block, at)
        fresh, at = varint(block, at)
        length, at = varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        yield key, block[at + fresh : at + fresh + length]
        at += fresh + length


def _entry(message: bytes) -> Entry:
    """Return a BundleEntryProto."""
    fields = dict(fields_of(message))
    dimensions = (dict(fields_of(each)) for number, each in fields_of(fields.get(2, b"")) if number == 2)
    shape = tuple(int(each.get(1, 0)) for each in dimensions)
    checksum = struct.unpack("<I", fields.get(6, bytes(4)))[0]
    return Entry(fields.get(1, 0), shape, fields.get(3, 0), fields.get(4, 0), fields.get(5, 0), checksum)


def _handle(content: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Return the offset and size of a block, and where they end."""
    offset, at = varint(content, at)
    size, at = varint(content, at)
    return (offset, size), at
