"""What a pursuit does between two refreshes: sweeps with a falling threshold, and what they have found so far."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.dictionary import Dictionary, empty_state
from nodes.dictionaries.pursuit.refreshing import analyse, subtract
from nodes.dictionaries.pursuit.schedule import AHEAD, run, schedule_of
from nodes.dictionaries.pursuit.sweeping import Found, follow, sweep
from pipelines.value import Array
from pipelines.workers import workers

MOST = 2048
"""Atoms of a stretch in one sweep."""

STRETCHES = 1024
"""Stretches at most, each of which takes memory; they are longer where the longest scale is short."""

FEW = 60
"""Atoms of a single sweep below which another thread does not pay."""

LOWEST = float(np.finfo(np.float32).tiny)
"""Least threshold: nothing counts less."""

APART = 64
"""Numbers between what two threads write, which do not wait for each other's lines of the cache."""

LAST = 1 / 8
"""Part of the atoms that is found without another refresh, which would take longer and be worth under 0.01 dB."""


MOVING = 6.0
"""Fall of the residual's energy after which a grid that moves does, in dB: often, but measuring anew takes long."""


@dataclass(frozen=True)
class Course:
    """How the pursuit goes on.

    Parameters
    ----------
    stretch
        Length of a stretch in longest scales, 6 or more; None for the whole sound, and so the exact order.
    step
        Fall of the threshold, in dB.
    refresh
        Fall of the residual's energy between two refreshes, in dB.
    grid
        Seed of the random numbers of samples by which the grid of all frames moves at each refresh; None for one that
        stays. After the random subdictionaries of Moussallam, Daudet and Richard (Signal Processing 2012).
    """

    stretch: int | None = 6
    step: float = 1.0
    refresh: float = 30.0
    grid: int | None = None


def course_of(grid: int | None) -> Course:
    """Return how a pursuit goes on whose frames stay on one grid, or move by random numbers of a seed."""
    return Course() if grid is None else Course(refresh=MOVING, grid=grid)


class Taken(NamedTuple):
    """Atoms × (scale, first sample, bin), int64; atoms × channels, complex64; the energy that each took away."""

    atoms: Array
    weights: Array
    gains: Array


@dataclass
class Search:
    """The state of a pursuit."""

    residual: Array
    dictionary: Dictionary
    course: Course
    counted: int
    origin: int = 0
    count: int = 0
    threshold: float = math.inf
    kept: list[Taken] = field(default_factory=list)
    pending: int = 0
    last: int = 0
    whole: float = 0.0
    left: float = 0.0
    estimate: float = 0.0

    def __post_init__(self) -> None:
        channels, samples = self.residual.shape
        self.layout = self.dictionary.layout(samples - self.dictionary.longest, channels)
        self.state = empty_state(self.layout)
        self.parts = self.dictionary.kernels, self.dictionary.tables, self.layout, self.state
        self.moves = None if self.course.grid is None else np.random.default_rng(self.course.grid)
        self._note_energy()
        self.fall = 10 ** (-self.course.step / 10)
        self.stretches = _stretches(samples, self.dictionary.longest, self.course.stretch)
        self.schedule = schedule_of(len(self.stretches))
        self.found = _room(len(self.stretches), channels)

    def refresh(self) -> None:
        """Measure the coefficients of what is left, on a grid that may have moved."""
        if self.moves is not None:
            self.origin = int(self.moves.integers(max(self.dictionary.hops)))
        analyse(self.residual[:, self.origin :], self.dictionary, self.layout, self.state)
        self.estimate = self.left
        self.bound()

    def bound(self) -> None:
        """Have the threshold no higher than what counts most."""
        self.threshold = min(self.threshold, float(self.state.best_in_frame.max()))

    def worn(self, most: int) -> bool:
        """Whether so much was taken out that the coefficients are to be measured anew, on the way to `most` atoms."""
        return self.estimate < self.left * 10 ** (-self.course.refresh / 10) and self.count < (1 - LAST) * most

    def descend(self, most: int, energy: float) -> None:
        """Sweep with a falling threshold until there is enough, or nothing, or the coefficients are worn."""
        steps = math.log(LOWEST / self.threshold) / math.log(self.fall) if self.threshold else 0.0
        thresholds = np.multiply.accumulate([self.threshold] + [self.fall] * max(0, math.ceil(steps)))[1:]

        def complete(number: int) -> bool:
            self.threshold = float(thresholds[number])
            return self.keep(self.merged(self.found, self.found, number % AHEAD), most, energy) or self.worn(most)

        self._sweep(thresholds, complete, workers())

    def sweep(self) -> Found | None:
        """Lower the threshold and take out of the coefficients what lies above; None where there is nothing at all."""
        if self.threshold < LOWEST:
            return None
        self.threshold *= self.fall
        self._sweep(np.array([self.threshold]), lambda number: True, self._few())
        return self.found

    def follow(self, led: Found) -> Found:
        """Take out of the coefficients what another search has found, each with the weights that it has here."""
        found, scratch = self.found._replace(counts=led.counts, atoms=led.atoms), self._scratch()

        def work(thread: int) -> int:
            return follow(self.schedule, scratch[thread], found, *self.parts)

        run(self.schedule, work, lambda number: True, self._few(), 1)
        return found

    def _sweep(self, thresholds: Array, complete: Callable[[int], bool], threads: int) -> None:
        scratch = self._scratch()

        def work(thread: int) -> int:
            return sweep(self.stretches, thresholds, self.schedule, scratch[thread], self.found, *self.parts)

        run(self.schedule, work, complete, threads, len(thresholds))

    def _few(self) -> int:
        """Return how many threads a single sweep is worth."""
        return workers() if self.last >= FEW else 1

    def _scratch(self) -> Array:
        """Return room for the weights of an atom for each thread."""
        return np.zeros((workers(), 2, 2 * len(self.residual) + APART), np.float32)

    def merged(self, found: Found, led: Found, slot: int = 0) -> Taken:
        """Return the atoms of a sweep by the falling gain that they have in `led`, which found them."""
        places = [(slot, row, slice(count)) for row, count in enumerate(led.counts[slot]) if count or not row]
        order = falling([led.gains[place] for place in places])
        frames, weights, gains = (
            np.concatenate([part[place] for place in places]).take(order, axis=0) for part in found[1:]
        )
        atoms = frames.astype(np.int64)
        atoms[:, 1] = atoms[:, 1] * self.dictionary.tables.hops[atoms[:, 0]] + self.origin
        return Taken(atoms, weights, gains)

    def keep(self, found: Taken, most: int, energy: float) -> bool:
        """Keep what was found, until there is enough; return whether there is."""
        enough = self.enough(found, most, energy)
        self.hold(found, int(np.argmax(enough)) + 1 if enough.any() else len(enough))
        return bool(enough.any())

    def enough(self, found: Taken, most: int, energy: float) -> Array:
        """Return for each atom whether there are `most` with it, or no more than `energy` is left."""
        counts = self._counts(found)
        left = self.estimate - np.cumsum(np.where(counts, found.gains, 0.0))
        return np.asarray((left <= energy) | (self.count + np.cumsum(counts) >= most))

    def hold(self, found: Taken, stop: int) -> None:
        """Keep the first atoms of those found."""
        self.last = len(found.atoms)
        kept = Taken(*(part[:stop] for part in found))
        counts = self._counts(kept)
        self.kept.append(kept)
        self.count += int(np.count_nonzero(counts))
        self.estimate -= float(kept.gains.sum(where=counts))

    def _counts(self, found: Taken) -> Array:
        """Return whether the limits are for an atom."""
        return np.asarray(found.atoms[:, 1] < self.counted)

    def take_out(self) -> None:
        """Subtract the new atoms from the sound."""
        new = self.kept[self.pending :]
        self.pending = len(self.kept)
        if new:
            atoms, weights = (np.concatenate([each[part] for each in new]) for part in range(2))
            subtract(self.residual, atoms, weights, self.dictionary)
        self._note_energy()

    def _note_energy(self) -> None:
        """Note the energy of what is left: of all, and of what the limits are for."""
        self.whole = self.left = self.estimate = energy_of(self.residual)
        if self.counted < self.residual.shape[1]:
            self.left = self.estimate = energy_of(self.residual[:, : self.counted])

    def book(self) -> Taken:
        """Return all atoms, weights and gains."""
        none = Taken(np.zeros((0, 3), np.int64), np.zeros((0, len(self.residual)), np.complex64), np.zeros(0))
        return Taken(*(np.concatenate(parts) for parts in zip(none, *self.kept, strict=True)))


def energy_of(sound: Array) -> float:
    """Return the sum of squares."""
    return float(np.einsum("cs,cs->", sound, sound))


def _room(stretches: int, channels: int) -> Found:
    """Return room for what sweeps find, which is used again each time."""
    return Found(
        np.zeros((AHEAD, stretches), np.int64),
        np.empty((AHEAD, stretches, MOST, 3), np.int32),
        np.empty((AHEAD, stretches, MOST, channels), np.complex64),
        np.empty((AHEAD, stretches, MOST)),
    )


def falling(gains: list[Array]) -> Array:
    """Return the order that merges several lists by falling gain, each in its own order."""
    keys = [np.minimum.accumulate(each) for each in gains]
    return np.argsort(-np.concatenate(keys), kind="stable")


def _stretches(samples: int, longest: int, stretch: int | None) -> Array:
    """Return (first, last) samples between which atoms lie, one stretch after another; together they hold all frames.

    The longest scale lies twice between every other one, so that neither changes what the other looks at.
    """
    if stretch is None:
        return np.array([[0, samples]])
    stretch = max(stretch, 2 * -(-samples // (STRETCHES * longest)))
    starts = np.arange(-longest - stretch * longest // 2, samples, stretch * longest // 2)
    return np.stack([starts + longest, starts + (stretch - 1) * longest], axis=1)
