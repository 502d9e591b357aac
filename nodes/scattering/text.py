"""A scattering as a list of its paths, the strongest first, after the book 'Scattering to Text' (Kunsthalle Wien)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from nodes.scattering.paths import energies, paths_of, signed, significant
from pipelines.value import Array

if TYPE_CHECKING:
    from nodes.scattering.value import Scattering

Share = Literal["whole", "order"]

MILLION = 1e6
TITLES = ("Energy (ppm)", "Frequency (Hz)", "Rate (Hz)", "Scale (c/o)", "Octaves (c/o)")
FIELDS = ("energy_ppm", "frequency_hz", "rate_hz", "scale_cycles_per_octave", "octave_scale_cycles_per_octave")
NOTHING = "(no path has so much energy, or any at all)"


class Listing(NamedTuple):
    """Paths from the strongest to the weakest: energy in parts per million, Hz, Hz, cycles per octave twice."""

    energy: Array
    frequency: Array
    rate: Array
    scale: Array
    octave_scale: Array


def listing(scattering: Scattering, orders: Sequence[str], share: Share) -> Listing:
    """Return the paths of some orders by falling energy; none of a silent sound.

    The energy of a path is the sum of its squared coefficients over time and channels. Equal ones go by rising
    frequency, then by order, rate and scale.

    Parameters
    ----------
    scattering
        Its coefficients are taken as the transform gives them, without logarithm and normalisation.
    orders
        'order1', 'order2', or both.
    share
        Of what the parts per million are: 'whole', of all paths together; 'order', of those of the same order.
    """
    values = scattering.raw()
    found = [energies(values[order]) for order in orders]
    whole = sum(float(energy.sum()) for energy in found)
    parts = [energy * MILLION / ((whole if share == "whole" else float(energy.sum())) or 1.0) for energy in found]
    axes = [paths_of(scattering, order) for order in orders]
    energy, number = np.concatenate(parts), np.repeat(range(len(parts)), [len(part) for part in parts])
    frequency, rate, scale, across = (np.concatenate(axis) for axis in zip(*axes, strict=True))
    falling = np.lexsort((across, scale, rate, number, frequency, -energy))[: len(energy) if whole else 0]
    return Listing(*(column[falling] for column in (energy, frequency, rate, scale, across)))


def cut(found: Listing, lines: int | None, minimum: float) -> Listing:
    """Return at most so many lines, and of these the ones with at least `minimum` parts per million."""
    count = min(len(found.energy) if lines is None else lines, int((found.energy >= minimum).sum()))
    return Listing(*(column[:count] for column in found))


def columns_of(scattering: Scattering) -> int:
    """Return the number of columns to write: one more for a scattering on the spiral."""
    return len(TITLES) - (scattering.design.kind != "spiral")


def as_csv(found: Listing, columns: int) -> str:
    """Return a header and a line for each path, with nothing where a path has no such axis."""
    rows = (",".join(row).replace("+", "") for row in _rows(found, columns))
    return "\n".join([",".join(FIELDS[:columns]), *rows, ""])


def as_text(found: Listing, columns: int) -> str:
    """Return columns under their titles, numbers aligned at the decimal point."""
    rows = _rows(found, columns)
    cells = list(zip(*rows, strict=True)) if rows else [()] * columns
    aligned = [_aligned(title, column) for title, column in zip(TITLES[:columns], cells, strict=True)]
    lines = ["  ".join(cells).rstrip() for cells in zip(*aligned, strict=True)]
    return "\n".join([*lines, *([] if rows else [NOTHING]), ""])


def _rows(found: Listing, columns: int) -> list[tuple[str, ...]]:
    """Return energy as a whole number, Hz and cycles per octave with three significant digits."""
    return [
        (f"{energy:.0f}", significant(frequency), significant(rate), signed(scale), signed(across))[:columns]
        for energy, frequency, rate, scale, across in zip(*found, strict=True)
    ]


def _aligned(title: str, cells: Sequence[str]) -> list[str]:
    parts = [cell.partition(".") for cell in cells]
    before, behind = (max((len(part[side]) for part in parts), default=0) for side in (0, 2))
    behind += behind > 0
    numbers = [f"{whole:>{before}}{point + fraction:<{behind}}" for whole, point, fraction in parts]
    width = max(len(title), before + behind)
    return [f"{line:>{width}}" for line in [title, *numbers]]
