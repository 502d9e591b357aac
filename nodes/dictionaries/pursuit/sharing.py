"""How many atoms the blocks of a long sound get, and how much energy may be left in each: about as without blocks.

A pursuit of a whole sound takes the strongest atoms wherever they are, and so leaves about as much energy a second
everywhere, or less where there is less: that is the reverse water-filling of rate and distortion. Of atoms it is
assumed that so many a sample bring the energy down by a factor of e, in every block as many as in those before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pipelines.value import Array

USUAL = 0.008
"""Atoms a sample that bring the energy down by e where no block tells yet: 350 a second at 44.1 kHz."""

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
    fallen: float = 0.0
    allotted: Array = field(init=False)

    def __post_init__(self) -> None:
        self.allotted = self._allot(slice(None), self.energy)

    def next(self) -> tuple[int, float]:
        """Return the most atoms of the next block, and the energy that may be left of it."""
        rest = slice(self.done, None)
        energy = max(self.energy - self.left, float(self.allotted[rest].sum()))
        if self.done + 1 == len(self.lengths):
            return self.atoms - self.spent, energy
        return round((self.atoms - self.spent) * self._share(rest)), float(self._allot(rest, energy)[0])

    def note(self, atoms: int, left: float) -> None:
        """Note how many atoms a block got, and how much energy was left of it."""
        energy = self.energies[self.done]
        if energy > left > 0:
            self.fallen += float(self.lengths[self.done] * (np.log(energy) - np.log(left)))
        self.done, self.spent, self.left = self.done + 1, self.spent + atoms, self.left + left

    def _allot(self, which: slice, energy: float) -> Array:
        """Return what may be left of each block: one level of energy a sample, and nowhere more than there is."""
        energies, lengths = self.energies[which], self.lengths[which]
        low, high = 0.0, float((energies / lengths).max(initial=0.0))
        if energies.sum() <= energy:
            return energies
        for _ in range(HALVINGS):
            level = (low + high) / 2
            low, high = (level, high) if np.minimum(energies, level * lengths).sum() <= energy else (low, level)
        return np.asarray(np.minimum(energies, low * lengths))

    def _share(self, which: slice) -> float:
        """Return which part of the atoms that are left goes to the next block."""
        energies, lengths = self.energies[which], self.lengths[which]
        density = np.log(np.maximum(energies / lengths, np.exp(NEVER / 2)))
        density[energies <= 0] = NEVER
        wanted = (self.atoms - self.spent) / (self.spent / self.fallen if self.fallen and self.spent else USUAL)
        low, high = NEVER - wanted / lengths.sum(), float(density.max())
        for _ in range(HALVINGS):
            level = (low + high) / 2
            low, high = (low, level) if (lengths * np.maximum(0, density - level)).sum() <= wanted else (level, high)
        falls = lengths * np.maximum(0, density - high)
        return float(falls[0] / falls.sum()) if falls.sum() > 0 else float(lengths[0] / lengths.sum())
