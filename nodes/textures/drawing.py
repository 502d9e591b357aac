"""Pictures of texture statistics: one panel or two for each class, by what its paths have: frequency, rate, lag."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nodes.textures.curves import Curve, draw_complex, draw_curves, draw_numbered
from nodes.textures.domains import into, out_of
from nodes.textures.maps import Colours, add_bar, draw_map, draw_matrix, gridded, parts_of, scale_of
from nodes.textures.model import Domain
from nodes.textures.panels import PARTS, SEVERAL, Look, Sheet, colours_of, label, look_of, rows_of
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nodes.textures.value import TextureStatistics

KEY, LINE_ABOVE = 0.55, 0.2
"""Inches above the panels: for a line of text with what the colours of lines mean, and for a line alone."""

MOST_LINES = 24
"""Channels or points in time that are drawn, evenly chosen where there are more."""

MOST_SHADED = 3
"""Lines whose deviations are drawn; those of more would hide each other."""

THIRD = {"rate": "rate (Hz)", "lag": "lag (s)", "scale": "scale (cycles per octave)"}
"""What maps show beside frequency."""


class Shown(NamedTuple):
    """One class as it is drawn.

    Parameters
    ----------
    name, look, domain
        Its name, how it is drawn, and in which domain its means are taken.
    axes
        The axes of its paths that are of the right length.
    curves
        A line for each channel or point in time.
    mean
        Mean of all channels and points: one value a path.
    counts
        Which paths count in some channel at some point.
    """

    name: str
    look: Look
    domain: Domain
    axes: dict[str, Array]
    curves: list[Curve]
    mean: Array
    counts: Array


class Panel(NamedTuple):
    """The title of a panel, and what draws it into axes of a sheet."""

    title: str
    draw: Callable[[Sheet, Axes], None]


def draw_statistics(statistics: TextureStatistics) -> Figure:
    """Return the statistics as small multiples, each class by the axes that its model tells.

    What has one value a band is a line over frequency, one for each channel, with a shade of a standard deviation
    where that is known; statistics that move are lines from dark to bright, of the mean of the channels. All else is a
    matrix of bands, or a map of frequency and rate or lag, of the mean of channels and points. What channels have in
    common is a line for each with the one before, of two channels one line. Bands that do not count are faint; grey is
    what is not known.
    """
    panels = [panel for name in statistics.classes for panel in panels_of(shown(statistics, name))]
    several = statistics.channels > 1 or len(statistics.times) > 1
    sheet = Sheet(len(panels), KEY if several else LINE_ABOVE)
    sheet.write(_heading(statistics))
    _add_key(sheet, statistics)
    for number, panel in enumerate(panels):
        panel.draw(sheet, sheet.cell(number, panel.title))
    return sheet.figure


def shown(statistics: TextureStatistics, name: str) -> Shown:
    """Return how a class is drawn."""
    rows = rows_of(statistics, name)
    values, domain = statistics.classes[name][rows], statistics.model.domains.get(name, "linear")
    paths = values.shape[1]
    axes = {key: np.asarray(v, np.float64) for key, v in statistics.axes().get(name, {}).items() if len(v) == paths}
    weights = statistics.weights.get(name, np.ones((statistics.channels, paths, 1), np.float32))[rows]
    counts: Array = np.asarray(np.broadcast_to(weights, values.shape) > 0)
    if values.shape[2] > 1:
        chosen = _chosen(values.shape[2])
        lines = [(mean_of(values[:, :, point], domain, (0,)), None, np.any(counts[:, :, point], 0)) for point in chosen]
    else:
        known = name in statistics.deviations and len(values) <= MOST_SHADED
        deviations = statistics.deviations[name][rows] if known else None
        lines = [
            (values[row, :, 0], None if deviations is None else deviations[row], counts[row, :, 0])
            for row in _chosen(len(values))
        ]
    colours = colours_of(len(lines))
    curves = [Curve(line, colour, spread, own) for (line, spread, own), colour in zip(lines, colours, strict=True)]
    mean = mean_of(values, domain, (0, 2))
    return Shown(name, look_of(name, domain), domain, axes, curves, mean, np.any(counts, (0, 2)))


def mean_of(values: Array, domain: Domain, over: tuple[int, ...]) -> Array:
    """Return the mean over some axes in the natural domain."""
    return out_of(into(values, domain).mean(over), domain)


def panels_of(own: Shown) -> list[Panel]:
    """Return the panels that suit the axes of a class."""
    keys, title = set(own.axes), own.name
    third = next((key for key in THIRD if key in keys), None)
    if "frequency" not in keys or not np.isfinite(own.axes["frequency"]).all():
        return [Panel(title, lambda sheet, axes: _draw_numbered(axes, own))]
    if "other" in keys and third == "lag":
        at_once = f"{title}, least lag"
        maps = Panel(f"{title} by lag", lambda sheet, axes: _draw_maps(sheet, axes, own, "lag"))
        return [Panel(at_once, lambda sheet, axes: _draw_matrix(sheet, axes, own)), maps]
    if "other" in keys and third:
        return [Panel(title, lambda sheet, axes: _draw_lines(sheet, axes, own, third))]
    if "other" in keys:
        return [Panel(title, lambda sheet, axes: _draw_matrix(sheet, axes, own))]
    if third:
        return [Panel(title, lambda sheet, axes: _draw_maps(sheet, axes, own, third))]
    if parts_of(own.axes["frequency"]) == len(PARTS[2]):
        frequencies = own.axes["frequency"]
        return [Panel(title, lambda sheet, axes: draw_complex(sheet, axes, frequencies, own.curves, own.look))]
    return [Panel(title, lambda sheet, axes: _draw_bands(axes, own))]


def _draw_bands(axes: Axes, own: Shown) -> None:
    draw_curves(axes, own.axes["frequency"], own.curves, own.look)
    label(axes, "frequency (Hz)", own.look.label)


def _draw_numbered(axes: Axes, own: Shown) -> None:
    draw_numbered(axes, own.curves, own.look)
    label(axes, "statistic", own.look.label)


def _draw_matrix(sheet: Sheet, axes: Axes, own: Shown) -> None:
    """Draw what compares pairs of bands; of several lags the shortest."""
    first, second, values = own.axes["frequency"], own.axes["other"], own.look.of(own.mean)
    lags = np.abs(own.axes.get("lag", np.zeros(len(values))))
    if len(lags):
        values = np.where(lags == np.nanmin(lags), values, np.nan)
    bands = np.unique(np.concatenate([first, second]))
    rows, columns = np.concatenate([first, second, bands]), np.concatenate([second, first, bands])
    both = np.concatenate([values, values, np.zeros(len(bands))])  # the diagonal, so that no band is missing
    _, _, grid = gridded(rows, columns, both)
    np.fill_diagonal(grid, np.nan)
    colours = scale_of(grid, own.domain, own.look)
    add_bar(sheet, axes, colours, own.look.label)
    draw_matrix(axes, bands, grid, colours)


def _draw_lines(sheet: Sheet, axes: Axes, own: Shown, third: str) -> None:
    """Draw the mean of the pairs that each band is in as a line over frequency, a line for each rate."""
    bands = np.concatenate([own.axes["frequency"], own.axes["other"]])
    rows, columns, grid = gridded(np.tile(own.axes[third], 2), bands, np.tile(own.look.of(own.mean), 2))
    _, _, counts = gridded(np.tile(own.axes[third], 2), bands, np.tile(own.counts.astype(float), 2))
    colours = colours_of(len(rows))
    curves = [Curve(row, c, None, n) for row, n, c in zip(grid, counts, colours, strict=True)]
    add_bar(sheet, axes, Colours(SEVERAL, 0.0, 1.0), THIRD[third], rows.tolist())
    draw_curves(axes, columns, curves, own.look._replace(decibels=0))
    label(axes, "frequency (Hz)", f"mean {own.look.label}")


def _draw_maps(sheet: Sheet, axes: Axes, own: Shown, third: str) -> None:
    """Draw frequency × rate or lag; of complex statistics the parts one below the other."""
    rates, frequencies, values = own.axes[third], own.axes["frequency"], own.look.of(own.mean)
    parts = parts_of(rates, frequencies) if "other" not in own.axes else 1
    colours, names = scale_of(values, own.domain, own.look), PARTS.get(parts, ("",) * parts)
    for number, (each, name) in enumerate(zip(sheet.stacked(axes, parts), names, strict=True)):
        chosen = slice(number, None, parts)
        rows, columns, grid = gridded(rates[chosen], frequencies[chosen], values[chosen])
        _, _, counts = gridded(rates[chosen], frequencies[chosen], own.counts[chosen].astype(float))
        add_bar(sheet, each, colours, own.look.label)
        if grid.size:
            draw_map(each, rows, columns, grid, colours, counts)
        label(each, "frequency (Hz)" if number == parts - 1 else "", f"{THIRD[third]}" + (f"\n{name}" if name else ""))


def _chosen(count: int) -> list[int]:
    return [int(i) for i in np.unique(np.linspace(0, count - 1, min(count, MOST_LINES)).round())]


def _heading(statistics: TextureStatistics) -> str:
    seconds = statistics.length / statistics.sample_rate
    return f"{statistics.count} statistics of {seconds:.2f} s at {statistics.sample_rate} Hz"


def _add_key(sheet: Sheet, statistics: TextureStatistics) -> None:
    """Tell which colours the channels or the points in time have."""
    if len(statistics.times) > 1:
        sheet.add_key(statistics.times[_chosen(len(statistics.times))].tolist(), "time (s)", False)
    elif statistics.channels > 1:
        sheet.add_key([row + 1 for row in _chosen(statistics.channels)], "channel", True)
