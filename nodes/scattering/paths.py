"""The paths of a scattering as a list: where each lies, how strong it is, in what order they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from nodes.scattering.core.design import Paths
from nodes.values.blocks import spans
from pipelines.mistakes import mistake
from pipelines.value import Array

if TYPE_CHECKING:
    from nodes.scattering.value import Scattering

Sort = Literal["norm", "frequency", "rate", "scale"]

BLOCK = 256
"""Paths whose squares are computed at a time."""


def paths_of(scattering: Scattering, order: str) -> Paths:
    """Return frequency (Hz), rate (Hz) and signed scales (cycles per octave) of each path; NaN where it has none."""
    axes = scattering.axes()[order]
    none = np.full(len(axes["frequency"]), np.nan)
    rest = (axes.get(name, none) for name in ("rate", "scale", "octave_scale"))
    return Paths(axes["frequency"], *rest)


def energies(values: Array, frames: slice = slice(None)) -> Array:
    """Return the energy of each path of channels × paths × frames: its squares summed over channels and frames."""
    found = np.zeros(values.shape[1])
    for channel in values:
        for first, last in spans(len(found), BLOCK):
            found[first:last] += np.square(channel[first:last, frames], dtype=np.float64).sum(-1)
    return found


def averages(values: Array, frames: slice, columns: int) -> tuple[Array, Array]:
    """Return the mean modulus over all channels, paths × at most `columns`, and the number of frames of each column."""
    first, last, _ = frames.indices(values.shape[2])
    edges = np.linspace(0, last - first, min(columns, last - first) + 1).astype(int)
    found = np.zeros((values.shape[1], len(edges) - 1))
    for channel in values:
        for start, stop in spans(len(found), BLOCK):
            moduli = np.abs(channel[start:stop, first:last])
            found[start:stop] += np.add.reduceat(moduli, edges[:-1], axis=1, dtype=np.float64)
    widths = np.diff(edges)
    return found / (widths * max(1, len(values))), widths


def sorted_paths(paths: Paths, norms: Array, sort: Sort) -> Array:
    """Return the places of the paths from the first one on: the strongest, or the lowest.

    Parameters
    ----------
    paths
        Where they lie. What a path does not have counts as lowest.
    norms
        The l1 norm of each.
    sort
        'norm'; or 'frequency', then rate and scale; 'rate', then frequency and scale; 'scale', then rate and frequency.
    """
    if sort == "norm":
        return np.argsort(-norms, kind="stable")
    frequency, rate, scale, across = (np.nan_to_num(axis, nan=-np.inf) for axis in paths)
    keys = {"frequency": (scale, rate, frequency), "rate": (scale, frequency, rate), "scale": (frequency, rate, scale)}
    return np.lexsort((across, *keys[sort]))


def frames_in(scattering: Scattering, times: Sequence[float] | None) -> slice:
    """Return the frames that lie in [from, to] seconds.

    Raises
    ------
    MistakeError
        Where there is none.
    """
    first, last = ordered(times, "times", "s")
    inside = np.flatnonzero((scattering.times >= first) & (scattering.times <= last))
    if not len(inside):
        raise mistake(
            "no frame lies in this range of times",
            parameter="times",
            given=f"[{first:g}, {last:g}] s",
            allowed=f"a range with frames, which lie from {scattering.times[0]:.4g} to {scattering.times[-1]:.4g} s",
            hint="give scatter a shorter averaging" if len(scattering.times) == 1 else "",
        )
    return slice(int(inside[0]), int(inside[-1]) + 1)


def inside_band(frequency: Array, frequencies: Sequence[float] | None, parameter: str = "frequencies") -> Array:
    """Return which paths have their frequency in [low, high] Hz; all of them where no range is given.

    Raises
    ------
    MistakeError
        Where none has.
    """
    if frequencies is None:
        return np.ones(len(frequency), bool)
    low, high = ordered(frequencies, parameter, "Hz")
    inside = np.asarray((frequency >= low) & (frequency <= high))
    if not inside.any():
        known = frequency[np.isfinite(frequency)]
        ends = f"paths lie from {known.min():.4g} to {known.max():.4g} Hz" if known.size else "paths have no frequency"
        raise mistake(
            "no path lies in this range of frequencies",
            parameter=parameter,
            given=f"[{low:g}, {high:g}] Hz",
            allowed=f"a range with paths; {ends}",
        )
    return inside


def ordered(limits: Sequence[float] | None, parameter: str, unit: str) -> tuple[float, float]:
    """Return a range, without ends where none is given.

    Raises
    ------
    MistakeError
        Where its upper end comes first.
    """
    first, last = (-np.inf, np.inf) if limits is None else limits
    if first > last:
        raise mistake(
            "the range is upside down",
            parameter=parameter,
            given=f"[{first:g}, {last:g}] {unit}",
            allowed="[least, greatest]",
        )
    return first, last


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, never with an exponent: 0.0123, 1.23, 12300; nothing for NaN."""
    if not np.isfinite(value):
        return ""
    return np.format_float_positional(float(f"{value:.{digits}g}"), trim="-")


def signed(scale: float) -> str:
    """Return a scale with its sign: +0.525, -0.525, 0; nothing for NaN."""
    return ("+" if scale > 0 else "") + significant(scale) if scale else "0"
