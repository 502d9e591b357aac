"""Matching pursuit with pieces of another sound: the best grain of all, again and again.

Where a grain was taken only the places that it overlaps are looked at again: their frames are multiplied with all
pieces of the source, and at each the best piece is tried at every sample up to half a step away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.grains.book import GrainBook
from nodes.dictionaries.grains.pieces import Pieces, Rule
from pipelines.value import Array

AT_ONCE = 2**21
"""Most samples of frames that are cut out together."""

NOTHING = 1e-16
"""A grain that takes less than this part of the sound's energy away takes nothing away."""


class Dictionary(NamedTuple):
    """Which grains there are.

    Parameters
    ----------
    lengths
        Samples of grains, each a multiple of `overlap` and of `places`.
    window
        One of `nodes.dictionaries.windows.WINDOWS`.
    overlap
        Pieces of each length that cover each moment of the source.
    places
        Places of each length that cover each moment of the sound, before the best is shifted by samples.
    rule
        What weights grains may have.
    uses
        How often a piece may be used; None for any number.
    apart
        Samples of the sound that uses of one piece are apart at least.
    """

    lengths: tuple[int, ...]
    window: str = "hann"
    overlap: int = 2
    places: int = 8
    rule: Rule = Rule()
    uses: int | None = None
    apart: int = 0


class Grain(NamedTuple):
    """A grain that was taken: start and length in samples, its origin in the source, weights and gains by channel."""

    start: int
    origin: int
    length: int
    weights: Array
    gains: Array


class Left(NamedTuple):
    """What is left of a sound, with silence around it.

    Parameters
    ----------
    samples
        channels × samples, float64.
    lead
        Samples before the sound.
    length
        Samples of the sound.
    """

    samples: Array
    lead: int
    length: int

    def frames(self, starts: Array, length: int) -> Array:
        """Return channels × frames × length, float32."""
        views = np.lib.stride_tricks.sliding_window_view(self.samples, length, axis=1)
        return views[:, starts + self.lead].astype(np.float32)

    def energy(self) -> float:
        """Return the sum of squares over all channels."""
        return float(np.vdot(self.samples, self.samples))


class Search:
    """The best grain of one length at each place of a sound."""

    def __init__(self, pieces: Pieces, dictionary: Dictionary, left: Left) -> None:
        self.pieces, self.left = pieces, left
        self.uses, self.apart = dictionary.uses, dictionary.apart
        self.step = pieces.length // dictionary.places
        self.reach = self.step // 2
        self.places = np.arange(self.step - pieces.length, left.length, self.step)
        self.gains = np.zeros(len(self.places))
        self.best = np.full(len(self.places), -1)
        self.starts = self.places.copy()
        self.counts = np.zeros(pieces.count, np.int64)
        self.used: list[tuple[int, int]] = []

    def look(self, places: Array) -> None:
        """Find the best grain at some places anew."""
        for some in self.parts(places):
            self._look(some)

    def parts(self, places: Array) -> list[Array]:
        """Return places in parts that are looked at together."""
        most = max(1, AT_ONCE // (len(self.left.samples) * self.pieces.length))
        return [places[first : first + most] for first in range(0, len(places), most)]

    def begin(self, looked: Callable[[int], None]) -> None:
        """Find the best grain at all places; tell the number of places after each part."""
        for some in self.parts(np.arange(len(self.places))):
            self._look(some)
            looked(len(some))

    def _look(self, which: Array) -> None:
        places = self.places[which]
        frames = self.left.frames(places, self.pieces.length)
        heard = frames.any(axis=(0, 2))  # silence needs no grain
        self.gains[which], self.best[which] = 0, -1
        which, places = which[heard], places[heard]
        self.best[which] = self.pieces.best(frames[:, heard], self._barred(places))
        which = which[self.best[which] >= 0]
        spans = self.left.frames(self.places[which] - self.reach, self.pieces.length + 2 * self.reach)
        gains, shifts = self.pieces.shifted(spans, self.best[which])
        self.gains[which] = gains
        self.starts[which] = self.places[which] - self.reach + shifts

    def _barred(self, places: Array) -> Array:
        """Return pairs of the number of a place and a piece that must not be used there."""
        used = np.array(self.used, np.int64).reshape(-1, 2)
        rows, uses = np.nonzero(self._near(places[:, None], used[:, 0]))
        return np.stack([rows, used[uses, 1]], axis=1)

    def _near(self, places: Array, starts: Array) -> Array:
        """Return at which places a grain could come too near to a start."""
        return np.asarray(np.abs(places - starts) < self.apart + self.reach)

    def touched(self, start: int, stop: int) -> Array:
        """Return the places whose grains can overlap a part of the sound."""
        low = np.searchsorted(self.places, start - self.pieces.length - self.reach, side="right")
        return np.arange(low, np.searchsorted(self.places, stop + self.reach))

    def take(self, place: int) -> tuple[Grain, float]:
        """Take the best grain of a place out of what is left; return it, and the energy that is gone."""
        piece, start, length = int(self.best[place]), int(self.starts[place]), self.pieces.length
        first, last = max(-start, 0), min(length, self.left.length - start)
        shape = self.pieces.unit(np.array([piece]))[:, 0].astype(np.float64)
        norms = self.pieces.norms[:, piece]
        inside = shape[:, first:last]
        part = self.left.samples[:, self.left.lead + start + first : self.left.lead + start + last]
        correlations, heard = (part * inside).sum(1), np.square(inside).sum(1)
        known = np.broadcast_to((heard > 0) & self.pieces.known[:, piece], correlations.shape)
        weights = np.where(known, self.pieces.rule.taken(correlations, norms, np.where(heard > 0, heard, 1)), 0)
        weights = weights.astype(np.float32)  # what the book holds is what is taken away
        part -= weights[:, None].astype(np.float64) * inside
        gains = np.divide(weights, norms, out=np.zeros(len(weights)), where=known).astype(np.float32)
        gone = float((weights * (2 * correlations - weights * heard)).sum())
        return Grain(start, piece * self.pieces.hop, length, weights, gains), gone

    def use(self, place: int) -> None:
        """Count a use of the best piece of a place, and look for others wherever it must not be used any more."""
        piece, start = self.best[place], self.starts[place]
        others = np.flatnonzero(self.best == piece)
        self.counts[piece] += 1
        if self.counts[piece] == self.uses:
            self.pieces.bar(piece)
            self.look(others)
        elif self.apart:
            self.used.append((start, piece))
            self.look(others[self._near(self.places[others], start)])


class Found(NamedTuple):
    """The grains of a sound in the order in which they were found, and the energy that is left after each."""

    grains: list[Grain]
    energies: list[float]


def pursue(
    samples: Array,
    source: Array,
    dictionary: Dictionary,
    most: int,
    least: float,
    looked: Callable[[int, int], None] = lambda new, most: None,
    heard: Callable[[int, int], None] = lambda new, most: None,
) -> Found:
    """Take grains out of a sound until there are enough, little enough is left, or none takes anything away.

    Parameters
    ----------
    samples
        channels × samples, finite.
    source
        voices × samples, float32: what plays the channels, as `voices_of` returns it; no shorter than any grain.
    dictionary
        The grains that there are.
    most
        Most grains.
    least
        Sum of squares that may be left.
    looked
        Told of places at which the first grains were looked for, and how many there are.
    heard
        Told of new grains, and the most that there may be.
    """
    left = _left(samples, max(dictionary.lengths))
    whole = energy = left.energy()
    searches = []
    for length in dictionary.lengths:
        pieces = Pieces(source, length, dictionary.window, dictionary.overlap, dictionary.rule)
        searches.append(Search(pieces, dictionary, left))
    total = sum(len(search.places) for search in searches)
    for search in searches:
        search.begin(lambda new: looked(new, total))
    grains: list[Grain] = []
    energies: list[float] = []
    while len(grains) < most and energy > least:
        search, place = _best(searches)
        if search.gains[place] <= NOTHING * whole:
            break
        grain, gone = search.take(place)
        grains.append(grain)
        energies.append(energy := energy - gone)
        search.use(place)
        for each in searches:
            each.look(each.touched(grain.start, grain.start + grain.length))
        heard(1, most)
    return Found(grains, energies)


def book_of(found: Found, form: tuple[int, int], window: str, source_samples: int, sample_rate: int) -> GrainBook:
    """Return grains as a book of channels × samples."""
    grains, (channels, samples) = found.grains, form
    weights, gains = (
        np.array([getattr(grain, name) for grain in grains], np.float32).reshape(-1, channels).T.copy()
        for name in ("weights", "gains")
    )
    starts, origins = (np.array([getattr(grain, name) for grain in grains], np.int64) for name in ("start", "origin"))
    lengths = np.array([grain.length for grain in grains], np.int32)
    return GrainBook(starts, origins, lengths, gains, weights, window, samples, source_samples, sample_rate)


def _left(samples: Array, longest: int) -> Left:
    """Return a sound with as much silence around it as grains can reach into."""
    channels, count = samples.shape
    around = np.zeros((channels, count + 4 * longest))
    around[:, 2 * longest : 2 * longest + count] = samples
    return Left(around, 2 * longest, count)


def _best(searches: Sequence[Search]) -> tuple[Search, int]:
    """Return where the grain is that takes most energy away; the first of equals, by the order of lengths."""
    places = [int(search.gains.argmax()) for search in searches]
    number = int(np.argmax([search.gains[place] for search, place in zip(searches, places, strict=True)]))
    return searches[number], places[number]
