"""Samples as the numbers of a file: quantisation, dither, bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nodes.values.audio import Audio
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.mistakes import mistake
from pipelines.value import Array

BLOCK = 2**16


@dataclass(frozen=True)
class Encoding:
    """How a sample is written: `bits` in all; as an IEEE 754 number, or else as a signed whole number."""

    bits: int
    floating: bool = False

    @property
    def bytes(self) -> int:
        """Bytes of one sample."""
        return self.bits // 8


ENCODINGS = {
    "PCM_16": Encoding(16),
    "PCM_24": Encoding(24),
    "PCM_32": Encoding(32),
    "FLOAT": Encoding(32, floating=True),
}


def peak(samples: Array) -> float:
    """Return the largest magnitude of channels × samples; 0 without samples, NaN where one is NaN."""
    highest = 0.0
    for start, stop in spans(samples.shape[1]):
        block = samples[:, start:stop]
        highest = float(np.max((highest, block.max(), abs(block.min()))))
        release(samples)
    return highest


def refuse_clipping(audio: Audio) -> None:
    """Refuse a sound that whole numbers cannot hold.

    Raises
    ------
    MistakeError
        Where a sample is beyond full scale, NaN or infinite; names the peak.
    """
    highest = peak(audio.samples)
    if highest <= 1.0:
        return
    decibels = 20 * np.log10(highest)
    raise mistake(
        "the sound goes beyond full scale: whole numbers would clip it" if np.isfinite(highest)
        else "the sound holds a sample that is not a finite number",
        parameter="bits",
        given=f"a peak of {decibels:+.2f} dBFS" if np.isfinite(highest) else str(highest),
        allowed="up to 0 dBFS",
        hint="lower the gain, or write 32-bit float: bits: float",
    )  # fmt: skip


def quantise(block: Array, bits: int, noise: np.random.Generator | None = None) -> Array:
    """Return channels × samples as whole numbers (int32) from -2^(bits-1) to 2^(bits-1)-1.

    Full scale is 2^(bits-1), so that reading gives back exactly what was written; +1.0, which has no
    number of its own, takes the nearest one below.

    Parameters
    ----------
    block
        channels × samples, within ±1.
    bits
        16, 24 or 32.
    noise
        Adds triangular dither of ±1 step, independent in each sample (Lipshitz, Wannamaker and
        Vanderkooy, 'Quantization and dither', 1992).
    """
    scale = 2.0 ** (bits - 1)
    steps = block.astype(np.float64) * scale
    if noise is not None:
        steps += noise.random(block.shape) - noise.random(block.shape)
    return np.clip(np.rint(steps), -scale, scale - 1).astype(np.int32)


def interleaved(audio: Audio, encoding: Encoding, noise: np.random.Generator | None = None) -> Iterator[bytes]:
    """Yield a sound's samples as little-endian bytes, channel by channel within each sample."""
    for start, stop in spans(audio.length, BLOCK):
        block = audio.samples[:, start:stop]
        yield _float_bytes(block) if encoding.floating else _whole_bytes(block, encoding.bits, noise)
        release(audio.samples)


def _float_bytes(block: Array) -> bytes:
    return block.T.astype("<f4").tobytes(order="C")


def _whole_bytes(block: Array, bits: int, noise: np.random.Generator | None) -> bytes:
    words = np.ascontiguousarray(quantise(block, bits, noise).T, "<i4")
    return words.view(np.uint8).reshape(*words.shape, 4)[..., : bits // 8].tobytes()
