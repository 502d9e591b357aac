"""Examples for training: stems of several pieces, mixed anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nodes.separation.streams.framing import FRAME, STEP, spectra
from nodes.separation.unet4.bands import banded
from nodes.separation.unet4.spectra import shared, views
from pipelines.value import Array

FRAMES = 128
"""Frames of an example: 3 s."""

LENGTH = FRAME + (FRAMES - 1) * STEP
FULL_SCALE = 32767
VOCALS = 0


class Batch(NamedTuple):
    """What the network sees, and the powers that tell how far any masks are from the stems.

    Parameters
    ----------
    seen
        batch × 4 × frames × bands.
    mixed
        Mean power of the sum in each band: batch × 2 × frames × bands.
    own
        That of each stem: batch × stems × 2 × frames × bands.
    shared
        Mean of the real part of each stem times the sum's conjugate, likewise.
    """

    seen: Tensor
    mixed: Tensor
    own: Tensor
    shared: Tensor


def drawn(pieces: Sequence[Array], count: int, generator: np.random.Generator) -> Batch:
    """Return a batch by chance.

    Parameters
    ----------
    pieces
        Each stems × 2 × samples, int16, of LENGTH samples or more; may be mapped from files.
    count
        Examples.
    generator
        Chance.
    """
    return described([_example(pieces, generator) for _ in range(count)], generator)


def described(examples: Sequence[Array], generator: np.random.Generator | None = None) -> Batch:
    """Return the batch of examples, each stems × 2 × samples; with a generator levels are known to 6 dB only."""
    made = []
    for stems in map(torch.from_numpy, examples):
        mix = stems.sum(0)
        level = mix.square().mean().sqrt()
        if generator is not None:
            level = level * 10 ** (generator.uniform(-6, 6) / 20)
        each = spectra(stems)
        whole = each.sum(0)
        of_all = (shared(whole, whole), shared(each, each), shared(each, whole))
        made.append(Batch(views(whole, level), *map(banded, of_all)))
    return Batch(*(torch.stack(field) for field in zip(*made, strict=True)))


def _example(pieces: Sequence[Array], generator: np.random.Generator) -> Array:
    """Return four stems: of one piece as it is, or each of another piece and moment with a level of its own."""
    together = generator.random() < 0.4
    piece = pieces[generator.integers(len(pieces))]
    start = generator.integers(piece.shape[-1] - LENGTH + 1)
    stems = np.empty((len(piece), 2, LENGTH), np.float32)
    for number in range(len(piece)):
        if not together:
            other = piece if generator.random() < 0.3 else pieces[generator.integers(len(pieces))]
            start = generator.integers(other.shape[-1] - LENGTH + 1)
        source = piece if together else other
        stem = source[number, :, start : start + LENGTH].astype(np.float32) / FULL_SCALE
        stems[number] = _altered(stem, together, number == VOCALS, generator)
    return stems if generator.random() < 0.5 else np.ascontiguousarray(stems[:, ::-1])


def _altered(stem: Array, together: bool, voice: bool, generator: np.random.Generator) -> Array:
    level = generator.uniform(-3, 3) if together else generator.uniform(-9, 7)
    stem = stem * np.float32(10 ** (level / 20))
    if not together and generator.random() < 0.5:
        stem = stem[::-1]
    if generator.random() < 0.1:
        stem = np.broadcast_to(stem.mean(0, keepdims=True), stem.shape)
    if generator.random() < (0.12 if voice else 0.03):
        stem = stem * 0
    return np.asarray(stem)
