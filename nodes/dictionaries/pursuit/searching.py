"""What a pursuit does between two refreshes: sweeps with a falling threshold, and what they have found so far."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.dictionary import Dictionary, empty_state
from nodes.dictionaries.pursuit.refreshing import analyse, subtract
from nodes.dictionaries.pursuit.sweeping import Found, follow, sweep
from pipelines.value import Array
from pipelines.workers import spread, workers

MOST = 4096
"""Atoms of a stretch in one sweep."""

FEW = 60
"""Atoms of a sweep below which another thread does not pay."""

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
        self.moves = None if self.course.grid is None else np.random.default_rng(self.course.grid)
        self._note_energy()
        self.phases = _stretches(samples, self.dictionary.longest, self.course.stretch)
        self.found = [_room(len(stretches), channels) for stretches in self.phases]

    def refresh(self) -> None:
        """Measure the coefficients of what is left, on a grid that may have moved."""
        if self.moves is not None:
            self.origin = int(self.moves.integers(max(self.dictionary.hops)))
        analyse(self.residual[:, self.origin :], self.dictionary, self.layout, self.state)
        self.estimate = self.left

    def worn(self, most: int) -> bool:
        """Whether so much was taken out that the coefficients are to be measured anew, on the way to `most` atoms."""
        return self.estimate < self.left * 10 ** (-self.course.refresh / 10) and self.count < (1 - LAST) * most

    def sweep(self) -> list[Found] | None:
        """Lower the threshold and take out of the coefficients what lies above; None where there is nothing at all."""
        self.threshold = min(self.threshold, float(self.state.best_in_frame.max()))
        if self.threshold < np.finfo(np.float32).tiny:
            return None
        self.threshold *= 10 ** (-self.course.step / 10)
        return [self._swept(stretches, found) for stretches, found in zip(self.phases, self.found, strict=True)]

    def _swept(self, stretches: Array, found: Found) -> Found:
        """Return what is found in each stretch of a set."""
        least = np.float32(self.threshold)

        def swept(chosen: Array, scratch: Array) -> None:
            sweep(stretches, chosen, least, scratch, found, self.dictionary.tables, self.layout, self.state)

        self._spread(swept, found.counts)
        return found

    def follow(self, led: list[Found]) -> list[Found]:
        """Take out of the coefficients what another search has found, each with the weights that it has here."""
        return [self._followed(each, found) for each, found in zip(led, self.found, strict=True)]

    def _followed(self, led: Found, room: Found) -> Found:
        found = room._replace(counts=led.counts, atoms=led.atoms)

        def followed(chosen: Array, scratch: Array) -> None:
            follow(chosen, scratch, found, self.dictionary.tables, self.layout, self.state)

        self._spread(followed, led.counts)
        return found

    def _spread(self, job: Callable[[Array, Array], None], counts: Array) -> None:
        """Do a job for all stretches: chosen ones, and room for the weights of an atom; threads work side by side.

        `counts` are the atoms of each stretch, now or in the sweep before.
        """
        threads = workers() if self.last >= FEW else 1
        order = np.argsort(-counts, kind="stable")  # the longest first, so that threads end together
        left = iter(order[:, np.newaxis] if threads > 1 else [order])

        def done(thread: int) -> None:
            scratch = np.zeros((2, 2 * len(self.residual)), np.float32)
            for chosen in left:  # the one that comes first takes the next
                job(chosen, scratch)

        spread(done, range(threads))

    def merged(self, found: list[Found], led: list[Found]) -> Taken:
        """Return the atoms of all stretches by the falling gain that they have in `led`, which found them."""
        places = [
            (phase, row, count)
            for phase, each in enumerate(led)
            for row, count in enumerate(each.counts)
            if count or not row
        ]
        order = falling([led[phase].gains[row, :count] for phase, row, count in places])
        frames, weights, gains = (
            np.concatenate([found[i][part][row, :n] for i, row, n in places])[order] for part in (1, 2, 3)
        )
        atoms = frames.astype(np.int64)
        atoms[:, 1] = atoms[:, 1] * np.array(self.dictionary.hops)[atoms[:, 0]] + self.origin
        return Taken(atoms, weights, gains)

    def keep(self, found: Taken, most: int, energy: float) -> bool:
        """Keep what was found, until there is enough; return whether there is."""
        enough = self.enough(found, most, energy)
        self.hold(found, int(np.argmax(enough)) + 1 if enough.any() else len(enough))
        return bool(enough.any())

    def enough(self, found: Taken, most: int, energy: float) -> Array:
        """Return for each atom whether there are `most` with it, or no more than `energy` is left."""
        full = self.count + np.cumsum(self._counts(found)) >= most
        return np.asarray((self.estimate - self._taken(found) <= energy) | full)

    def hold(self, found: Taken, stop: int) -> None:
        """Keep the first atoms of those found."""
        self.last = len(found.atoms)
        self.kept.append(Taken(*(part[:stop] for part in found)))
        self.count += int(self._counts(found)[:stop].sum())
        self.estimate -= float(self._taken(found)[stop - 1]) if stop else 0.0

    def _taken(self, found: Taken) -> Array:
        """Return the energy that each atom and those before it took away, of what the limits are for."""
        return np.cumsum(np.where(self._counts(found), found.gains, 0.0))

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


def _stretches(samples: int, longest: int, stretch: int | None) -> list[Array]:
    """Return two sets of (first, last) samples between which atoms lie, that together hold all frames.

    The longest scale lies between two stretches of a set on each side, so that none changes what another looks at.
    """
    if stretch is None:
        return [np.array([[0, samples]])]
    length = stretch * longest
    sets = [np.arange(-longest - shift, samples, length) for shift in (0, length // 2)]
    return [np.stack([starts + longest, starts + length - longest], axis=1) for starts in sets]
