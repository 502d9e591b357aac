"""Spleeter's frames: Hann windows of 4096 samples at a distance of 1024, 512 of them a segment.

A frame of zeros stands in front of a sound, so that each of its samples lies in four frames; behind it frames begin as
long as they hold a sample of it. At this distance the squared windows sum to 3/2.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from pipelines.value import Array

RATE = 44100
"""Samples a second of what the networks were trained with."""

CHANNELS = 2
FRAME, STEP = 4096, 1024
FRAMES = 512
"""Frames of a segment: 11.9 s."""

OVERLAP = FRAME - STEP
SEGMENT = FRAMES * STEP
"""Samples from one segment to the next."""

SPAN = SEGMENT + OVERLAP
"""Samples that a segment's frames cover."""

COMPENSATION = 2 / 3


def count_segments(length: int) -> int:
    """Return the number of segments of a sound of `length` samples, one at least."""
    frames = -(-(length + FRAME) // STEP)
    return -(-frames // FRAMES)


def segments_of(blocks: Iterator[Array], length: int, margin: int = 0) -> Iterator[Array]:
    """Yield what each segment's frames cover, 2 × SPAN; neighbours share OVERLAP samples.

    Parameters
    ----------
    blocks
        The sound, 2 × any number of samples at a time, `length` in all.
    length
        Samples of the sound.
    margin
        Frames more on each side, which neighbours share; around the sound they are silent.
    """
    span = SPAN + 2 * margin * STEP
    rest = np.zeros((CHANNELS, FRAME + margin * STEP), np.float32)
    for _ in range(count_segments(length)):
        parts, held = [rest], rest.shape[1]
        while held < span and (block := next(blocks, None)) is not None:
            parts.append(block)
            held += block.shape[1]
        joined = np.concatenate([*parts, np.zeros((CHANNELS, max(0, span - held)), np.float32)], axis=1)
        yield joined[:, :span]
        rest = joined[:, SEGMENT:].copy()


def spectra(segment: Tensor) -> Tensor:
    """Return the spectra of a segment, 2 × FRAMES × 2049, of its samples, 2 × SPAN; of more samples more frames."""
    window = torch.hann_window(FRAME, device=segment.device)
    found: Tensor = torch.fft.rfft(segment.unfold(-1, FRAME, STEP) * window)
    return found


def overlapped(found: Tensor) -> Tensor:
    """Return the samples of spectra, … × SPAN, of … × FRAMES × bins; missing bins are zero.

    The first and the last OVERLAP samples lack what the neighbouring segments add to them.
    """
    window = COMPENSATION * torch.hann_window(FRAME, device=found.device)
    frames = torch.fft.irfft(found, FRAME).mul_(window)
    quarters = frames.unflatten(-1, (FRAME // STEP, STEP))
    sound: Tensor = frames.new_zeros((*found.shape[:-2], SPAN // STEP, STEP))
    for number in range(FRAME // STEP):
        sound[..., number : number + FRAMES, :] += quarters[..., number, :]
    return sound.flatten(-2)
