"""CRC-32C of long byte arrays with NumPy: many stretches side by side, then joined.

The remainder is linear over GF(2): that of two stretches in a row is that of the first, moved over as many zero
bytes as the second has, xor that of the second. So all stretches advance together, one byte of each at a time, and
are joined in pairs. A zero byte in front changes nothing where the register starts at zero.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from pipelines.value import Array

POLYNOMIAL = 0x82F63B78
"""Castagnoli's polynomial, lowest bit first."""

STRETCHES = 2**14
"""Stretches that advance side by side, at most: beyond this the look-ups are what takes the time."""

SHORT = 2**11
"""Bytes that are gone through one by one: up to there that takes less time than stretches and their joining."""

LENGTH = 2**7
"""Bytes of a stretch at least."""

MASK = 0xA282EAD8
"""What TensorFlow and LevelDB add to a rotated checksum before they store it beside its own data."""


def crc32c(data: bytes | Array) -> int:
    """Return the CRC-32C (Castagnoli) of bytes: RFC 3720, appendix B.4.

    Parameters
    ----------
    data
        Bytes, or a one-dimensional array of uint8, which may be mapped from a file.
    """
    found = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
    if len(found) <= SHORT:
        return _one_by_one(found.tobytes())
    count = 1
    while count < STRETCHES and len(found) > 2 * count * LENGTH:
        count *= 2
    length = -(-len(found) // count)
    padded = np.zeros(count * length, np.uint8)
    padded[len(padded) - len(found) :] = found
    joined = _joined(_remainders(padded.reshape(count, length)), length)
    start = _moved(np.full(1, 0xFFFFFFFF, np.uint32), _shift(len(found)))
    return int((joined ^ start)[0]) ^ 0xFFFFFFFF


def masked(checksum: int) -> int:
    """Return a checksum as LevelDB's tables and TensorFlow's bundles store it: rotated by 15 bits, plus a constant."""
    return (((checksum >> 15) | (checksum << 17)) + MASK) & 0xFFFFFFFF


def _one_by_one(data: bytes) -> int:
    table, state = _numbers(), 0xFFFFFFFF
    for byte in data:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def _remainders(stretches: Array) -> Array:
    """Return the remainder of each row of bytes, the register starting at zero."""
    table, state = _table(), np.zeros(len(stretches), np.uint32)
    for column in np.ascontiguousarray(stretches.T):
        state = table[(state ^ column) & 0xFF] ^ (state >> 8)
    return state


def _joined(remainders: Array, length: int) -> Array:
    """Return the remainder of all stretches of `length` bytes in a row; their number is a power of two."""
    shift = _shift(length)
    while len(remainders) > 1:
        remainders = _moved(remainders[::2], shift) ^ remainders[1::2]
        shift = _moved(shift, shift)
    return remainders


def _moved(states: Array, shift: Array) -> Array:
    """Return registers after zero bytes: `shift` says for each of 32 bits what becomes of it."""
    result = np.zeros_like(states)
    for bit in range(32):
        result ^= np.where((states >> np.uint32(bit)) & np.uint32(1), shift[bit], np.uint32(0))
    return result


@cache
def _shift(length: int) -> Array:
    """Return what becomes of each bit of the register after `length` zero bytes."""
    result = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for number in range(length.bit_length()):
        if length >> number & 1:
            result = _moved(result, _power(number))
    return result


@cache
def _power(number: int) -> Array:
    """Return the same after 2 to the `number` zero bytes, by squaring."""
    if number == 0:
        bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
        return np.asarray(_table()[bits & 0xFF] ^ (bits >> 8))
    before = _power(number - 1)
    return _moved(before, before)


@cache
def _table() -> Array:
    """Return the remainders of the 256 bytes."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ np.where(table & 1, np.uint32(POLYNOMIAL), np.uint32(0))
    return table


@cache
def _numbers() -> list[int]:
    return [int(each) for each in _table()]
