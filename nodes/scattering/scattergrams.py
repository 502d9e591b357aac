"""Scattergrams: the coefficients of one order as an image of paths × time, with what stands beside its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nodes.scattering.core.design import Paths
from nodes.scattering.paths import Sort, averages, frames_in, inside_band, paths_of, signed, significant, sorted_paths
from pipelines.mistakes import mistake
from pipelines.value import Array

if TYPE_CHECKING:
    from nodes.scattering.value import Scattering

COLUMNS, ROWS = 1000, 600
"""Most frames and paths of an image: neighbours are averaged, as a picture could not show them apart."""

NICE = (1, 2, 5)
"""Parts of a decade at which frequencies are numbered."""

FEWEST = 4
"""Numbers beside which there need be no others."""

LABELS = {"frequency": "frequency (Hz)", "rate": "rate (Hz)", "scale": "scale (cycles per octave)"}
GROUPED = {"frequency": "", "rate": ", at each rate by frequency", "scale": ", at each scale by rate"}


class Side(NamedTuple):
    """What stands beside the rows, which count from the bottom: its name, (row, text) ticks, where groups meet.

    Where it is `named` the ticks are the paths themselves, the strongest one first.
    """

    label: str
    ticks: list[tuple[float, str]]
    borders: list[int]
    named: bool = False


class Scattergram(NamedTuple):
    """Means of the modulus over channels, rows × columns from the bottom, and their place.

    Parameters
    ----------
    title
        The order and the number of paths.
    values
        rows × columns; a row may stand for several paths.
    start, stop
        Seconds of the left and the right edge.
    paths
        Number of paths.
    chosen
        Places of the paths in the scattering, from the bottom.
    side
        What stands beside the rows.
    """

    title: str
    values: Array
    start: float
    stop: float
    paths: int
    chosen: Array
    side: Side

    @property
    def peak(self) -> float:
        """The greatest of the values."""
        return float(self.values.max(initial=0.0))


def scattergram_of(
    scattering: Scattering,
    order: str,
    sort: Sort = "norm",
    frequencies: Sequence[float] | None = None,
    times: Sequence[float] | None = None,
    chosen: Array | None = None,
) -> Scattergram:
    """Return the scattergram of one order.

    Parameters
    ----------
    scattering
        Coefficients as the transform gives them.
    order
        'order1' or 'order2'.
    sort
        Order of the paths: by 'norm', the strongest at the top; else by 'frequency', 'rate' or 'scale', rising.
        Paths that have neither rate nor scale go by frequency.
    frequencies, times
        What is shown, in Hz and in seconds; all unless given.
    chosen
        The places of the paths of another scattering, so that both have the same rows.

    Raises
    ------
    MistakeError
        Where nothing lies in a range.
    """
    frames, paths = frames_in(scattering, times), paths_of(scattering, order)
    means, widths = averages(scattering.raw()[order], frames, COLUMNS)
    sort = sort_for(paths, sort)
    if chosen is None:
        inside = np.flatnonzero(inside_band(paths.frequency, frequencies))
        ordered = sorted_paths(Paths(*(axis[inside] for axis in paths)), (means @ widths)[inside], sort)
        chosen = inside[ordered[::-1] if sort == "norm" else ordered]
    rows = np.linspace(0, len(chosen), min(ROWS, len(chosen)) + 1).astype(int)
    values = np.add.reduceat(means[chosen], rows[:-1], axis=0) / np.diff(rows)[:, None]
    title = f"{order.replace('order', 'order ')}: {len(chosen)} paths{_ordered(paths, sort)}"
    side = side_of(Paths(*(axis[chosen] for axis in paths)), sort)
    edges = _edges(scattering, frames)
    return Scattergram(title, values, *edges, len(chosen), chosen, side)


def sort_for(paths: Paths, sort: Sort) -> Sort:
    """Return the way of sorting, or 'frequency' where no path has a rate or scale to go by."""
    asked = {"rate": paths.rate, "scale": paths.scale}.get(sort)
    return "frequency" if asked is not None and not _any(asked) else sort


def require_order(scattering: Scattering, order: int) -> None:
    """Refuse a second order that a scattering does not have."""
    if f"order{order}" not in scattering.raw():
        raise mistake(
            f"this scattering has no paths of order {order}",
            parameter="order",
            given=str(order),
            allowed="order: 1",
            hint="give scatter `orders: 2`",
        )


def _ordered(paths: Paths, sort: Sort) -> str:
    """Return what is said of the order of paths, where there is more to say than stands beside them."""
    if sort == "norm":
        return " by l1 norm: " + ", ".join(n for n, axis in zip(Paths._fields, paths, strict=True) if _any(axis))
    return GROUPED[sort] if _any(paths.rate) else ""


def _any(axis: Array) -> bool:
    return not np.isnan(axis).all()


def _edges(scattering: Scattering, frames: slice) -> tuple[float, float]:
    """Return where the first and the last frame meet what is beside them, within the sound."""
    duration, times = scattering.length / scattering.sample_rate, scattering.times
    if len(times) == 1:
        return 0.0, duration
    half = (times[1] - times[0]) / 2
    return float(max(0.0, times[frames.start] - half)), float(min(duration, times[frames.stop - 1] + half))


def side_of(paths: Paths, sort: Sort) -> Side:
    """Return the ticks beside paths in their order from the bottom."""
    if sort == "norm":
        return Side("", _named(paths), [], True)
    axis = np.asarray(getattr(paths, sort))
    if sort == "frequency":
        return Side(LABELS[sort], _frequencies(axis), [])
    starts = [0, *np.flatnonzero(np.diff(np.nan_to_num(axis, nan=np.inf))) + 1, len(axis)]
    text = _signed if sort == "scale" else significant
    ticks = [((first + last) / 2, text(float(axis[first])) or "none") for first, last in pairwise(starts)]
    return Side(LABELS[sort], ticks, [int(start) for start in starts[1:-1]])


def _named(paths: Paths) -> list[tuple[float, str]]:
    """Return the name of every path, from the top: frequency, rate, scale."""
    units = ((paths.frequency, significant, " Hz"), (paths.rate, significant, " Hz"), (paths.scale, _signed, " c/o"))
    columns = [[text(float(value)) for value in axis] for axis, text, _ in units]
    return [
        (row + 0.5, ", ".join(part + unit for part, (_, _, unit) in zip(parts, units, strict=True) if part))
        for row, parts in enumerate(zip(*columns, strict=True))
    ][::-1]


def _signed(scale: float) -> str:
    return signed(scale).replace("-", "−")


def _frequencies(frequency: Array) -> list[tuple[float, str]]:
    """Return round frequencies at the places between the paths at which they lie."""
    known = frequency[np.isfinite(frequency)]
    if not known.size:
        return [(len(frequency) / 2, "all bands")]
    centres, first, counts = np.unique(known, return_index=True, return_counts=True)
    rows = first + counts / 2 + (len(frequency) - len(known))
    wanted = round_numbers(centres[0], centres[-1])
    if len(wanted) < FEWEST:
        wanted = round_numbers(centres[0], centres[-1], range(1, 10))
    if not wanted:
        return [(float(rows[0]), significant(float(centres[0])))]
    return [(float(np.interp(np.log(f), np.log(centres), rows)), hertz(f)) for f in wanted]


def round_numbers(low: float, high: float, digits: Iterable[int] = NICE) -> list[float]:
    """Return the numbers 1, 2, 5, 10, 20 … within low..high, or those with other digits."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    return [
        float(f"{part}e{decade}") for decade in decades for part in digits if low <= float(f"{part}e{decade}") <= high
    ]


def hertz(frequency: float) -> str:
    """Return a frequency as short as it is written on an axis: 500, 2k."""
    return f"{frequency / 1000:g}k" if frequency >= 1000 else f"{frequency:g}"
