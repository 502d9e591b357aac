"""Atoms in time: stretched, turned back to front, scrubbed, scattered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.operations.phases import moved, scaled, turned
from nodes.dictionaries.windows import PEAKS, WINDOWS
from pipelines.mistakes import mistake
from pipelines.quantities import Envelope
from pipelines.value import Array

Distribution = Literal["uniform", "normal"]

LONGEST = 1 << 30
"""Samples of the longest atom and, times 64, of the longest sound."""

MIRRORED = {"gamma": "reversed_gamma", "reversed_gamma": "gamma"}


def halfway(one: Array, other: Array) -> Array:
    """Return the mean of a straight line between two values."""
    return np.asarray((one + other) / 2)


def integral(envelope: Envelope, times: Array, mean: Callable[[Array, Array], Array] = halfway) -> Array:
    """Return the area under an envelope from 0 s to `times`; below 0 s it goes on as it begins.

    `mean` is that of what is integrated, a function of the envelope's value, on a straight line between two values.
    """
    if envelope.constant:
        value = np.asarray(envelope.points[0][1])
        return np.asarray(mean(value, value) * times)
    edges, values = (np.array(part) for part in zip(*envelope.points, strict=True))
    edges, values = np.append(0.0, edges), np.append(values[0], values)
    areas = np.append(0.0, np.cumsum(np.diff(edges) * mean(values[:-1], values[1:])))
    at = np.clip(np.searchsorted(edges, times, "right") - 1, 0, len(edges) - 1)
    return np.asarray(areas[at] + (times - edges[at]) * mean(values[at], envelope.at(times)))


def stretched(book: Book, factor: Envelope, with_lengths: bool, advanced: bool) -> Book:
    """Return a book played slower by a factor over its own seconds; the peak of an atom goes with its moment.

    Atoms that become longer themselves keep their amplitude.
    """
    rate = book.sample_rate
    samples = round(float(integral(factor, np.array(book.duration))) * rate)
    if samples > 64 * LONGEST:
        raise mistake("the stretched sound is too long", parameter="factor", given=f"{samples} samples")
    own = factor.at(book.peaks) if with_lengths else np.ones(book.count)
    lengths = np.clip(np.rint(book.lengths * own), 1, LONGEST).astype(np.int32)
    before = np.array(PEAKS)[book.windows] * lengths
    result = moved(book, np.rint(integral(factor, book.peaks) * rate - before).astype(np.int64), advanced)
    return _amplified(replace(result, lengths=lengths, samples=samples), book.lengths)


def _amplified(book: Book, before: Array) -> Book:
    """Return a book whose atoms keep the amplitude that they had at the lengths before."""
    return replace(book, weights=scaled(book.weights, np.sqrt(book.lengths / before)))


def reversed_book(book: Book, atoms: bool, advanced: bool) -> Book:
    """Return a book played from the end to the beginning, its atoms reversed as well or forwards as they are.

    With n → L - n a window from 0 to L - 1 comes to itself or, of gamma, to its mirror image, as what falls on L is
    next to nothing; a rectangular one, and one of a single sample, with n → L - 1 - n.
    """
    if not atoms:
        return moved(book, book.samples - book.lengths - book.starts, advanced)
    numbers = np.array([WINDOWS.index(MIRRORED.get(name, name)) for name in WINDOWS], np.uint8)
    even = (book.windows == WINDOWS.index("rectangular")) | (book.lengths == 1)
    last = book.lengths.astype(np.int64) - even
    starts = book.samples - 1 - book.starts - last
    weights = np.conj(turned(book.weights, book.frequencies * last))
    return replace(book, starts=starts, windows=numbers[book.windows], weights=weights)


def padded(book: Book, before: int, after: int) -> Book:
    """Return a book with samples of silence before it and after it, in which its atoms sound on."""
    return replace(moved(book, book.starts + before, advanced=False), samples=book.samples + before + after)


def scrubbed(book: Book, position: Envelope, samples: int, hop: float, advanced: bool) -> Book:
    """Return what sounds where `position`, in seconds of the book over those of the result, moves through a book.

    Every hop, a fraction of the length of atoms, atoms of that length sound whose middles lie within half a hop of the
    position, as far from there as they were: as many at any speed, and over and over where it stands still.
    """
    picked, starts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    doubled = 2 * book.starts + book.lengths
    for length in np.unique(book.lengths):
        own = np.flatnonzero(book.lengths == length)
        own = own[np.argsort(doubled[own], kind="stable")]
        step = max(1, round(float(length) * hop))
        before = -(-int(length) // (2 * step)) + 1
        ticks = np.arange(-before, -(-samples // step) + before) * step
        places = _places(position, ticks, samples, book.sample_rate)
        first, last = (np.searchsorted(doubled[own], 2 * places + side) for side in (-step, step))
        each = last - first
        steps = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
        which = own[np.repeat(first, each) + steps]
        picked.append(which)
        starts.append(book.starts[which] + np.repeat(ticks - places, each))
    found, begun = np.concatenate(picked), np.concatenate(starts)
    order = np.lexsort((begun, found))
    return replace(moved(book.taken(found[order]), begun[order], advanced), samples=samples)


def _places(position: Envelope, ticks: Array, samples: int, rate: int) -> Array:
    """Return positions in samples of the book at ticks, samples of the result; beyond its ends at the speed there."""
    inside = np.clip(ticks, 0, samples)
    edges = np.array([[0, min(1, samples)], [max(0, samples - 1), samples]]) / rate
    speeds = np.diff(position.at(edges), axis=1)[:, 0] * rate
    over = np.where(ticks < 0, speeds[0], speeds[1]) * (ticks - inside)
    return np.asarray(np.rint(position.at(inside / rate) * rate + over).astype(np.int64))


def jittered(
    book: Book, time: Envelope, frequency: Envelope, distribution: Distribution, generator: np.random.Generator
) -> tuple[Book, Array]:
    """Return a book with its atoms scattered in time, and by how many semitones each is to go up.

    Each atom keeps its two random numbers whatever the widths are.
    """
    size = (2, book.count)
    drawn = generator.uniform(-1, 1, size) if distribution == "uniform" else generator.standard_normal(size)
    ways, semitones = drawn[0] * time.at(book.centres), drawn[1] * frequency.at(book.centres)
    starts = book.starts + np.rint(ways * book.sample_rate).astype(np.int64)
    return moved(book, starts, advanced=False), semitones
