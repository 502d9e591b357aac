"""Two sounds in one pursuit that choose its atoms by turns: each atom is taken out of both, by weights of their own.

Each sound has coefficients and a threshold of its own. A sweep is led by one of them; the other follows, atom by atom.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.decomposing import Pursuit
from nodes.dictionaries.pursuit.dictionary import Dictionary
from nodes.dictionaries.pursuit.searching import Course, Search, Taken
from pipelines.value import Array


class Turns(NamedTuple):
    """Who chooses, and for whom the limit is.

    Parameters
    ----------
    channels
        Channels of the first sound; the others are those of the second.
    share
        Share of the sweeps that the first sound leads.
    limited
        For each sound whether the pursuit goes on until no more is left of it than the limit.
    """

    channels: int
    share: float
    limited: tuple[bool, bool]


def pursue_in_turns(
    turns: Turns,
    sound: Array,
    dictionary: Dictionary,
    most: int,
    energy: float,
    course: Course,
    heard: Callable[[int], None],
    counted: int,
) -> Pursuit:
    """Return the atoms of two sounds, until there are `most` or no more than `energy` is left of each that is limited.

    `sound` holds the channels of the first sound and then those of the second; see `pursue`. The gain of an atom is the
    energy that it took from the sound that chose it.
    """
    parts = (sound[: turns.channels], sound[turns.channels :])
    duet = _Duet([Search(np.array(part, np.float64), dictionary, course, counted) for part in parts], turns)
    stalled = False
    while duet.count < most and duet.left > energy and not stalled:
        wholes, count = duet.energies, duet.count
        for search in duet.searches:
            search.refresh()
        while (found := duet.sweep(energy)) is not None:
            if duet.keep(found, most, energy) or any(search.worn(most) for search in duet.searches):
                break
        for search in duet.searches:
            search.take_out()
        stalled = not any(now < before for now, before in zip(duet.energies, wholes, strict=True))
        heard(duet.count - count)
    return duet.pursuit(stalled)


class _Found(NamedTuple):
    """Atoms of a sweep as each sound has them, and the energy that each took from the sound that chose it."""

    each: list[Taken]
    gains: Array


@dataclass
class _Duet:
    """Two pursuits that go side by side."""

    searches: list[Search]
    turns: Turns
    sweeps: int = 0
    leader: int = 0
    gains: list[Array] = field(default_factory=lambda: [np.zeros(0)])

    @property
    def count(self) -> int:
        return self.searches[0].count

    @property
    def left(self) -> float:
        """The greater one of the energies that are left of the limited sounds."""
        return max(search.left for search in self._limited())

    @property
    def energies(self) -> list[float]:
        return [search.whole for search in self._limited()]

    def _limited(self) -> list[Search]:
        return [search for search, limited in zip(self.searches, self.turns.limited, strict=True) if limited]

    def sweep(self, energy: float) -> _Found | None:
        """Sweep through the sound whose turn it is, and let the other follow; None where there is nothing at all."""
        for leader in self._leaders(energy):
            if leader != self.leader:
                self.leader = leader
                self.searches[leader].bound()  # the other one has taken out of it
            led = self.searches[leader].sweep()
            if led is not None:
                followed = self.searches[1 - leader].follow(led)
                each = [
                    search.merged(led if number == leader else followed, led)
                    for number, search in enumerate(self.searches)
                ]
                return _Found(each, each[leader].gains)
        return None

    def _leaders(self, energy: float) -> list[int]:
        """Return who may choose now, by preference: a sound that is within the limit leaves its turn to the other."""
        ends = [math.floor(number * self.turns.share + 0.5) for number in (self.sweeps, self.sweeps + 1)]
        self.sweeps += 1
        order = [0, 1] if ends[1] > ends[0] else [1, 0]
        return [number for number in order if self.turns.limited[number] and self.searches[number].estimate > energy]

    def keep(self, found: _Found, most: int, energy: float) -> bool:
        """Keep what was found, until there is enough; return whether there is."""
        limits = [energy if limited else math.inf for limited in self.turns.limited]
        parts = list(zip(self.searches, found.each, limits, strict=True))
        enough = np.all([search.enough(taken, most, limit) for search, taken, limit in parts], axis=0)
        stop = int(np.argmax(enough)) + 1 if enough.any() else len(enough)
        for search, taken, _ in parts:
            search.hold(taken, stop)
        self.gains.append(found.gains[:stop])
        return bool(enough.any())

    def pursuit(self, stalled: bool) -> Pursuit:
        """Return what was found, channels of both sounds together."""
        first, second = (search.book() for search in self.searches)
        residual = np.concatenate([search.residual for search in self.searches])
        weights = np.concatenate([first.weights, second.weights], axis=1)
        return Pursuit(first.atoms, weights, np.concatenate(self.gains), residual, stalled)
