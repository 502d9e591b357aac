"""How many atoms the blocks of a long sound get, and how much energy may be left in each: about as without blocks.

A pursuit of a whole sound takes the strongest atoms wherever they are, and so leaves about as much energy a second
everywhere, or less where there is less: that is the reverse water-filling of rate and distortion. Of atoms it is
assumed that equally many bring the energy of a second down by a factor of e everywhere, by e^1.5 in the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from pipelines.value import Array

FALL = 1.5
"""By how much the logarithm of the energy is taken to fall in the mean; less, and atoms go to loud blocks alone."""

HALVINGS = 200
NEVER = -1e3
"""Logarithm of the energy a sample of silence."""


@dataclass
class Shares:
    """Shares of blocks that are decomposed one after another.

    Parameters
    ----------
    energies
        Energy of each block.
    lengths
        Samples of each block.
    atoms
        Atoms of all blocks at most.
    energy
        Energy that may be left of all blocks together.
    """

    energies: Array
    lengths: Array
    atoms: int
    energy: float
    done: int = 0
    spent: int = 0
    left: float = 0.0
    allotted: Array = field(init=False)
    parts: Array = field(init=False)

    def __post_init__(self) -> None:
        self.allotted = self._allot(slice(None), self.energy)
        self.parts = self._parts()

    def next(self) -> tuple[int, float]:
        """Return the most atoms of the next block, and the energy that may be left of it."""
        rest = slice(self.done, None)
        energy = max(self.energy - self.left, float(self.allotted[rest].sum()))
        if self.done + 1 == len(self.lengths):
            return self.atoms - self.spent, energy
        parts = self.parts[rest] if self.parts[rest].any() else self.lengths[rest]
        return round((self.atoms - self.spent) * float(parts[0] / parts.sum())), float(self._allot(rest, energy)[0])

    def note(self, atoms: int, left: float) -> None:
        """Note how many atoms a block got, and how much energy was left of it."""
        self.done, self.spent, self.left = self.done + 1, self.spent + atoms, self.left + left

    def _allot(self, which: slice, energy: float) -> Array:
        """Return what may be left of each block: one level of energy a sample, and nowhere more than there is."""
        energies, lengths = self.energies[which], self.lengths[which]
        if energies.sum() <= energy:
            return energies
        low, _ = _narrowed(
            0.0,
            float((energies / lengths).max(initial=0.0)),
            lambda level: bool(np.minimum(energies, level * lengths).sum() <= energy),
        )
        return np.asarray(np.minimum(energies, low * lengths))

    def _parts(self) -> Array:
        """Return by how much the energy of each block is to fall, times its length: atoms are in proportion to it."""
        density = np.full(len(self.lengths), NEVER)
        sounding = self.energies > 0
        density[sounding] = np.log(self.energies[sounding]) - np.log(self.lengths[sounding])
        wanted = FALL * self.lengths.sum()
        _, high = _narrowed(
            NEVER - 2 * FALL,
            float(density.max()),
            lambda level: bool((self.lengths * np.maximum(0, density - level)).sum() > wanted),
        )
        return np.asarray(self.lengths * np.maximum(0, density - high))


def _narrowed(low: float, high: float, below: Callable[[float], bool]) -> tuple[float, float]:
    """Return the ends of what is left of a range halved again and again, in which `below` goes from true to false."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return low, high
