"""Matching pursuit: sweeps over stretches of time with a falling threshold, and a true residual every so often.

After Mallat and Zhang, Matching Pursuits with Time-Frequency Dictionaries (IEEE Transactions on Signal Processing
1993), with inner products of atoms as in `kernels`. Instead of the one best atom of the whole sound each sweep takes
all that count more than a threshold, best first within stretches that do not touch; then the threshold falls a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.dictionary import Dictionary, empty_state
from nodes.dictionaries.pursuit.refreshing import analyse, subtract
from nodes.dictionaries.pursuit.sweeping import Found, sweep
from pipelines.value import Array
from pipelines.workers import spread, workers

MOST = 4096
"""Atoms of a stretch in one sweep."""

FEW = 60
"""Atoms of a sweep below which another thread does not pay."""

LAST = 1 / 8
"""Part of the atoms that is found without another refresh, which would take longer and be worth under 0.01 dB."""


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
    """

    stretch: int | None = 6
    step: float = 1.0
    refresh: float = 30.0


class Pursuit(NamedTuple):
    """What was found.

    Parameters
    ----------
    atoms
        atoms × (scale, frame, bin), int32, in the order in which they were found.
    weights
        atoms × channels, complex64.
    gains
        Energy that each took away.
    residual
        What is left: channels × samples, float64.
    stalled
        Whether it ended because more atoms did not take more energy away.
    """

    atoms: Array
    weights: Array
    gains: Array
    residual: Array
    stalled: bool


def pursue(
    sound: Array,
    dictionary: Dictionary,
    most: int,
    energy: float,
    course: Course,
    heard: Callable[[int], None] = lambda new: None,
    counted: int | None = None,
) -> Pursuit:
    """Return the atoms of a sound, until there are `most` or no more than `energy` is left of it.

    Parameters
    ----------
    sound
        channels × samples; frames begin up to the longest scale before its end. A multiple of the longest hop; not
        written to.
    heard
        Told after each refresh how many atoms are new.
    counted
        Samples from the start on that the limits are for, and for atoms that begin there; all unless given.
    """
    search = _Search(np.array(sound, np.float64), dictionary, course, sound.shape[1] if counted is None else counted)
    stalled = False
    while search.count < most and search.left > energy and not stalled:
        whole, count = search.whole, search.count
        search.refresh()
        floor = search.left * 10 ** (-course.refresh / 10)
        while (found := search.sweep()) is not None:
            if search.keep(found, most, energy) or (search.estimate < floor and search.count < (1 - LAST) * most):
                break
        search.take_out()
        stalled = not search.whole < whole
        heard(search.count - count)
    return Pursuit(*search.book(), search.residual, stalled)


@dataclass
class _Search:
    """The state of a pursuit."""

    residual: Array
    dictionary: Dictionary
    course: Course
    counted: int
    count: int = 0
    threshold: float = math.inf
    kept: list[tuple[Array, Array, Array]] = field(default_factory=list)
    pending: int = 0
    last: int = 0
    whole: float = 0.0
    left: float = 0.0
    estimate: float = 0.0

    def __post_init__(self) -> None:
        channels, samples = self.residual.shape
        self.layout = self.dictionary.layout(samples - self.dictionary.longest, channels)
        self.state = empty_state(self.layout)
        self._note_energy()
        self.phases = _stretches(samples, self.dictionary.longest, self.course.stretch)
        self.found = [_room(len(stretches), channels) for stretches in self.phases]

    def refresh(self) -> None:
        """Measure the coefficients of what is left."""
        analyse(self.residual, self.dictionary, self.layout, self.state)
        self.estimate = self.left

    def sweep(self) -> tuple[Array, Array, Array] | None:
        """Lower the threshold and take out of the coefficients what lies above; None where there is nothing at all."""
        self.threshold = min(self.threshold, float(self.state.best_in_frame.max()))
        if self.threshold < np.finfo(np.float32).tiny:
            return None
        self.threshold *= 10 ** (-self.course.step / 10)
        return _merged([each for phase in range(len(self.phases)) for each in self._swept(phase)])

    def _swept(self, phase: int) -> list[tuple[Array, Array, Array]]:
        """Return what is found in stretches of a set, which threads sweep side by side."""
        stretches, found, channels = self.phases[phase], self.found[phase], len(self.residual)
        threads = workers() if self.last >= FEW else 1
        order = np.argsort(-found.counts, kind="stable")  # the longest first, so that threads end together
        left = iter(order[:, np.newaxis] if threads > 1 else [order])

        def swept(thread: int) -> None:
            scratch, least = np.zeros((2, 2 * channels), np.float32), np.float32(self.threshold)
            for chosen in left:  # the one that comes first takes the next
                sweep(stretches, chosen, least, scratch, found, self.dictionary.tables, self.layout, self.state)

        spread(swept, range(threads))
        return [
            (found.atoms[row, :count], found.weights[row, :count], found.gains[row, :count])
            for row, count in enumerate(found.counts)
            if count or not row
        ]

    def keep(self, found: tuple[Array, Array, Array], most: int, energy: float) -> bool:
        """Keep what was found, until there is enough; return whether there is."""
        starts = found[0][:, 1] * np.array(self.dictionary.hops)[found[0][:, 0]]
        counts = starts < self.counted
        taken = np.cumsum(np.where(counts, found[2], 0.0))
        enough = (self.estimate - taken <= energy) | (self.count + np.cumsum(counts) >= most)
        stop = int(np.argmax(enough)) + 1 if enough.any() else len(enough)
        self.last = len(enough)
        self.kept.append((found[0][:stop], found[1][:stop], found[2][:stop]))
        self.count += int(counts[:stop].sum())
        self.estimate -= float(taken[stop - 1]) if stop else 0.0
        return bool(enough.any())

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

    def book(self) -> tuple[Array, Array, Array]:
        """Return all atoms, weights and gains."""
        none = (np.zeros((0, 3), np.int32), np.zeros((0, len(self.residual)), np.complex64), np.zeros(0))
        atoms, weights, gains = (np.concatenate([each[part] for each in [none, *self.kept]]) for part in range(3))
        return atoms, weights, gains


def energy_of(sound: Array) -> float:
    """Return the sum of squares."""
    return float(np.einsum("cs,cs->", sound, sound))


def _room(stretches: int, channels: int) -> Found:
    """Return room for what a sweep finds, which is used again each time."""
    return Found(
        np.zeros(stretches, np.int64),
        np.empty((stretches, MOST, 3), np.int32),
        np.empty((stretches, MOST, channels), np.complex64),
        np.empty((stretches, MOST)),
    )


def falling(gains: list[Array]) -> Array:
    """Return the order that merges several lists by falling gain, each in its own order."""
    keys = [np.minimum.accumulate(each) for each in gains]
    return np.argsort(-np.concatenate(keys), kind="stable")


def _merged(each: list[tuple[Array, Array, Array]]) -> tuple[Array, Array, Array]:
    order = falling([gains for _, _, gains in each])
    atoms, weights, gains = (np.concatenate([found[part] for found in each])[order] for part in range(3))
    return atoms, weights, gains


def _stretches(samples: int, longest: int, stretch: int | None) -> list[Array]:
    """Return two sets of (first, last) samples between which atoms lie, that together hold all frames.

    The longest scale lies between two stretches of a set on each side, so that none changes what another looks at.
    """
    if stretch is None:
        return [np.array([[0, samples]])]
    length = stretch * longest
    sets = [np.arange(-longest - shift, samples, length) for shift in (0, length // 2)]
    return [np.stack([starts + longest, starts + length - longest], axis=1) for starts in sets]
