"""Numbers beside axes, drawn quickly: Matplotlib's own take most of the time of a picture of several small axes.

It makes five objects for each tick, and measures every text several times to place others around it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator
from matplotlib.transforms import IdentityTransform

from pipelines.value import Array

Side = Literal["bottom", "left", "right"]
Ticks = list[tuple[float, str]]
"""Places along an axis and what stands there."""

SIZE, LENGTH, PAD = 8.0, 3.0, 2.0
"""Points: of the text, of a tick, and from a tick to its number and on to the label."""

WIDE, HIGH = 5.2, 9.0
"""Points: width of a digit and height of a line."""

_MARKERS: dict[Side, Literal[0, 1, 3]] = {"left": 0, "right": 1, "bottom": 3}
"""Matplotlib's ticks, on the outer side of the axes."""

_ANCHORS: dict[Side, tuple[str, str]] = {
    "left": ("right", "center_baseline"),
    "right": ("left", "center_baseline"),
    "bottom": ("center", "top"),
}
"""Which point of a number is beside its tick."""


class Scale(Artist):
    """Draws an axis of some axes in place of Matplotlib: its ticks, its numbers and its label.

    Parameters
    ----------
    axes, side
        Which axis: the horizontal one at the bottom, or the vertical one at the left or the right.
    ticks
        Where ticks are, and what stands there; None where Matplotlib finds round numbers.
    label
        What the numbers are.
    ink, pale
        Colours of the text, and of the ticks and the grid.
    grid
        Whether a line crosses the axes at each tick.
    """

    def __init__(
        self, axes: Axes, side: Side, ticks: Ticks | None, label: str, *, ink: str, pale: str, grid: bool = False
    ) -> None:
        super().__init__()
        self._host, self._side, self._flat, self._grid = axes, side, side == "bottom", grid
        self._axis = axes.xaxis if self._flat else axes.yaxis
        if ticks is not None:
            self._axis.set_major_locator(FixedLocator([place for place, _ in ticks]))
            self._axis.set_major_formatter(FixedFormatter([text for _, text in ticks]))
        if side != "bottom":
            axes.yaxis.set_label_position(side)
        self._axis.set_label_text(label, fontsize=SIZE, color=ink, transform=IdentityTransform())
        self._axis.set_visible(False)
        across, up = _ANCHORS[side]
        self._text = Text(color=ink, fontsize=SIZE, ha=across, va=up, parse_math=False)
        self._ticks = Line2D([], [], linestyle="", marker=_MARKERS[side], markersize=LENGTH, color=pale)
        self._lines = Line2D([], [], linewidth=0.4, color=pale)
        self.set_zorder(1.5)  # a grid is above images and behind lines
        axes.add_artist(self)
        for part in (self._text, self._ticks, self._lines):
            part.set_figure(self.get_figure(root=True))  # type: ignore[arg-type]

    def draw(self, renderer: RendererBase) -> None:
        """Draw the axis."""
        places = self._axis.get_majorticklocs()
        texts = self._axis.get_major_formatter().format_ticks(places)  # type: ignore[arg-type]
        low, high = sorted(self._axis.get_view_interval())
        shown = [(place, text) for place, text in zip(places, texts, strict=True) if low <= place <= high]
        dots = self._dots([place for place, _ in shown])
        self._draw_lines(renderer, dots)
        for dot, (_, text) in zip(dots, shown, strict=True):
            self._text.set_text(text)
            self._text.set_position(self._outside(dot, LENGTH + PAD))
            self._text.draw(renderer)
        self._draw_label(renderer, max((len(text) for _, text in shown), default=0))

    def _dots(self, places: list[float]) -> Array:
        """Return places along the axis in dots of the picture."""
        nothing = np.zeros(len(places))
        points = np.column_stack([places, nothing] if self._flat else [nothing, places])
        return np.asarray(self._host.transData.transform(points)[:, 0 if self._flat else 1])

    def _outside(self, dot: float, points: float) -> tuple[float, float]:
        """Return in dots what lies so many points outside of the axes."""
        box, away = self._host.bbox, points * self._host.figure.dpi / 72
        if self._flat:
            return dot, box.y0 - away
        return (box.x0 - away if self._side == "left" else box.x1 + away), dot

    def _draw_lines(self, renderer: RendererBase, dots: Array) -> None:
        box = self._host.bbox
        if self._grid:
            ends = np.array([box.y0, box.y1, np.nan] if self._flat else [box.x0, box.x1, np.nan])
            along, across = np.repeat(dots, 3), np.tile(ends, len(dots))
            self._lines.set_data(*((along, across) if self._flat else (across, along)))
            self._lines.draw(renderer)
        self._ticks.set_data(*np.array([self._outside(dot, 0) for dot in dots]).reshape(-1, 2).T)
        self._ticks.draw(renderer)

    def _draw_label(self, renderer: RendererBase, characters: int) -> None:
        """Draw the label beyond the numbers, for which so many characters need room."""
        room = (HIGH if self._flat else WIDE * characters) if characters else 0.0
        box, label = self._host.bbox, self._axis.label
        middle = (box.x0 + box.x1) / 2 if self._flat else (box.y0 + box.y1) / 2
        label.set_position(self._outside(middle, LENGTH + PAD + room + PAD))
        label.draw(renderer)
