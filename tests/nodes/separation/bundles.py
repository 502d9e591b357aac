"""Writes checkpoints as TensorFlow does, from the description of the format: a second opinion for the reader."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

TYPES = {"float32": 1, "int32": 3, "int64": 9, "float16": 19}


def crc32c(data: bytes) -> int:
    """Bit by bit, as the standard defines it."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    found = crc32c(data)
    return ((found >> 15 | found << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def block(items: list[tuple[bytes, bytes]]) -> bytes:
    out, last = b"", b""
    for key, value in items:
        shared = next((i for i, (a, b) in enumerate(zip(key, last, strict=False)) if a != b), min(len(key), len(last)))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return out + struct.pack("<II", 0, 1)


def write_bundle(prefix: Path, tensors: Mapping[str, np.ndarray], shards: int = 1, in_block: int = 5) -> None:
    """Write PREFIX.index and its data files; keys come sorted, `in_block` of them a block."""
    data, entries = [b""] * shards, [(b"", b"\x08" + varint(shards))]
    for number, (name, tensor) in enumerate(sorted(tensors.items())):
        content, shard = np.ascontiguousarray(tensor).tobytes(), number % shards
        sizes = [b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(size) for size in tensor.shape)]
        shape = b"".join(sizes)
        message = b"\x08" + varint(TYPES[str(tensor.dtype)]) + b"\x12" + varint(len(shape)) + shape
        message += b"\x18" + varint(shard) + b"\x20" + varint(len(data[shard])) + b"\x28" + varint(len(content))
        entries.append((name.encode(), message + b"\x35" + struct.pack("<I", masked(content))))
        data[shard] += content
    for number, content in enumerate(data):
        prefix.with_name(f"{prefix.name}.data-{number:05d}-of-{shards:05d}").write_bytes(content)
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(entries, in_block))


def table(entries: list[tuple[bytes, bytes]], in_block: int) -> bytes:
    out, handles = b"", []

    def append(items: list[tuple[bytes, bytes]]) -> bytes:
        nonlocal out
        made = block(items)
        handle = varint(len(out)) + varint(len(made))
        out += made + b"\0" + struct.pack("<I", masked(made + b"\0"))
        return handle

    for start in range(0, len(entries), in_block):
        items = entries[start : start + in_block]
        handles.append((items[-1][0] + b"~", append(items)))
    footer = append([]) + append(handles)
    return out + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def spleeter_tensors(count: int, filters: tuple[int, ...], seed: int = 0) -> dict[str, np.ndarray]:
    """Return tensors with the names and shapes that TensorFlow gives those of Spleeter, written out layer by layer."""
    random, depth, found = np.random.default_rng(seed), len(filters), {}

    def add(name: str, *shape: int) -> None:
        found[name] = (random.standard_normal(shape) / 5).astype(np.float32)

    def name(kind: str, number: int) -> str:
        return kind if number == 0 else f"{kind}_{number}"

    convolution = transposed = norm = 0
    for _ in range(count):
        before = 2
        for after in filters:
            add(f"{name('conv2d', convolution)}/kernel", 5, 5, before, after)
            add(f"{name('conv2d', convolution)}/bias", after)
            for part in ("gamma", "beta", "moving_mean", "moving_variance"):
                add(f"{name('batch_normalization', norm)}/{part}", after)
            before, convolution, norm = after, convolution + 1, norm + 1
        for level, after in enumerate((*filters[depth - 2 :: -1], 1)):
            add(f"{name('conv2d_transpose', transposed)}/kernel", 5, 5, after, before)
            add(f"{name('conv2d_transpose', transposed)}/bias", after)
            for part in ("gamma", "beta", "moving_mean", "moving_variance"):
                add(f"{name('batch_normalization', norm)}/{part}", after)
            before, transposed, norm = 2 * after, transposed + 1, norm + 1
            assert level < depth
        add(f"{name('conv2d', convolution)}/kernel", 4, 4, 1, 2)
        add(f"{name('conv2d', convolution)}/bias", 2)
        convolution += 1
    for key in found:
        if key.endswith("variance"):
            found[key] = np.abs(found[key]) + np.float32(0.5)
    return {**found, "global_step": np.array(7, np.int64)}
