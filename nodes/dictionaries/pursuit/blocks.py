"""Sounds of any length: block after block of time, so that the memory does not grow with the sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.decomposing import Pursuit, pursue
from nodes.dictionaries.pursuit.dictionary import Dictionary
from nodes.dictionaries.pursuit.refreshing import subtract
from nodes.dictionaries.pursuit.searching import Course, energy_of, falling
from nodes.dictionaries.pursuit.sharing import Shares
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array

ROOM = 4 * 10**8
"""Bytes of the coefficients of a block, in all channels together."""

LEAST = 16
"""Longest scales in a block at least."""

GUARD = 2
"""Longest scales after a block that are decomposed with it, for its end's sake, and again with the next one."""

Pursuing = Callable[[Array, Dictionary, int, float, Course, Callable[[int], None], int], Pursuit]
"""Takes what `pursue` takes, and returns what it returns."""


class Limits(NamedTuple):
    """When to stop: atoms, and energy that may be left, of the whole sound."""

    atoms: int
    energy: float


class Decomposed(NamedTuple):
    """Atoms of a whole sound by falling gain; see `Pursuit`. Sample 0 is a longest scale before the sound."""

    atoms: Array
    weights: Array
    gains: Array
    stalled: bool


def decompose(
    samples: Array,
    dictionary: Dictionary,
    limits: Limits,
    residual: Array,
    course: Course | None = None,
    heard: Callable[[int, int], None] = lambda new, most: None,
    block: int | None = None,
    pursuing: Pursuing = pursue,
) -> Decomposed:
    """Return the atoms of a sound and write what is left.

    Blocks of a longer sound share atoms and energy so that it is about as if there were none; see `Shares`.

    Parameters
    ----------
    samples
        channels × samples.
    limits
        When to stop.
    residual
        channels × samples: what is left is written here.
    course
        How the pursuit goes on.
    heard
        Told of new atoms, and the most that there may be.
    block
        Samples of a block; as many as `ROOM` allows unless given.
    pursuing
        How a block is decomposed.
    """
    longest, length = dictionary.longest, samples.shape[1]
    whole = -(-(longest + length) // longest) * longest  # frames begin from a longest scale before the sound on
    span = block_span(dictionary, len(samples)) if block is None else -(-block // longest) * longest
    guard = GUARD * longest
    shares = _shares(samples, np.arange(0, whole, span), whole, longest, limits, even=pursuing is not pursue)
    found: list[Pursuit] = []
    carried = np.zeros((len(samples), 0))
    for start in range(0, whole, span):
        stop = min(start + span, whole)
        beyond = min(guard, whole - stop)
        sound = np.zeros((len(samples), stop + beyond + longest - start))
        sound[:, : carried.shape[1]] = carried
        read = slice(start + carried.shape[1] - longest, stop + beyond)
        _read(samples, read, sound[:, carried.shape[1] :])
        most, energy = shares.next()
        counted = stop - start if beyond else sound.shape[1]
        part = pursuing(
            sound, dictionary, most, energy, course or Course(), lambda new: heard(new, limits.atoms), counted
        )
        part = _kept(part, dictionary, stop - start)
        left = part.residual[:, : stop - start if beyond else None]
        shares.note(len(part.atoms), energy if pursuing is not pursue else energy_of(left))
        _write(left, residual, start - longest)
        carried = part.residual[:, stop - start :]
        part.atoms[:, 1] += start
        found.append(part._replace(residual=part.residual[:, :0]))
        release(samples)
        release(residual)
    order = falling([part.gains for part in found])
    atoms, weights, gains = (np.concatenate([part[place] for part in found]).take(order, axis=0) for place in range(3))
    return Decomposed(atoms, weights, gains, any(part.stalled for part in found))


def _shares(samples: Array, starts: Array, whole: int, longest: int, limits: Limits, even: bool) -> Shares:
    """Return the shares of blocks, by their energies or, where these are of two sounds, by their lengths alone."""
    stops = np.append(starts[1:], whole)
    lengths = (stops - starts).astype(np.float64)
    if even or len(starts) == 1:
        return Shares(2 * limits.energy * lengths / whole, lengths, limits.atoms, limits.energy)
    parts = [slice(max(0, first - longest), last - longest) for first, last in zip(starts, stops, strict=True)]
    energies = np.array([energy_in(samples[:, part]) for part in parts])
    return Shares(energies, lengths, limits.atoms, limits.energy)


def block_span(dictionary: Dictionary, channels: int) -> int:
    """Return the samples of a block, a multiple of the longest scale."""
    each = 4 * dictionary.overlap * dictionary.oversampling * len(dictionary.scales) * channels
    return max(LEAST, ROOM // each // dictionary.longest) * dictionary.longest


def energy_in(samples: Array) -> float:
    """Return the sum of squares of a sound, read block by block."""
    total = 0.0
    for start, stop in spans(samples.shape[1]):
        total += float(np.square(samples[:, start:stop], dtype=np.float64).sum())
        release(samples)
    return total


def _kept(part: Pursuit, dictionary: Dictionary, span: int) -> Pursuit:
    """Return the atoms that begin within a block; put the others back into what is left."""
    beyond = part.atoms[:, 1] >= span
    if beyond.any():
        subtract(part.residual, part.atoms[beyond], -part.weights[beyond], dictionary)
    return part._replace(atoms=part.atoms[~beyond], weights=part.weights[~beyond], gains=part.gains[~beyond])


def _read(samples: Array, where: slice, target: Array) -> None:
    """Copy samples; those before the sound and after it stay as they are."""
    start, stop = max(where.start, 0), min(where.stop, samples.shape[1])
    if stop > start:
        target[:, start - where.start : stop - where.start] = samples[:, start:stop]


def _write(part: Array, target: Array, at: int) -> None:
    """Write a part that begins at sample `at`, as far as it lies within the target."""
    start, stop = max(at, 0), min(at + part.shape[1], target.shape[1])
    if stop > start:
        target[:, start:stop] = part[:, start - at : stop - at]
