from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nodes.values.scales import Scale, Side, Ticks

SIDES: tuple[Side, ...] = ("bottom", "left", "right")


def dots_of(side: Side, ticks: Ticks | None, label: str = "", grid: bool = False, own: bool = True) -> Any:
    """400 × 400 dots, turned until the axis is at the bottom: 100 to 300 are 0 to 10. Texts are blue, lines red."""
    figure = Figure(figsize=(4, 4), dpi=100)
    axes = figure.add_axes((0.25, 0.25, 0.5, 0.5))
    axes.set(xlim=(0, 10), ylim=(0, 10))
    axes.set_frame_on(False)
    axes.xaxis.set_visible(False)
    axes.yaxis.set_visible(False)
    if own:
        Scale(axes, side, ticks, label, ink="blue", pale="red", grid=grid)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    dots = np.asarray(canvas.buffer_rgba())[..., :3]
    turned = dots.transpose(1, 0, 2)[:, ::-1]
    return {"bottom": dots, "left": turned[::-1], "right": turned}[side]


@pytest.mark.parametrize("side", SIDES)
def test_a_tick_is_at_its_place_outside_of_the_axes_and_those_out_of_view_are_not_drawn(side: Side) -> None:
    dots = dots_of(side, [(-1.0, "a"), (2.5, "b"), (10.0, "c"), (11.0, "d")])
    red = np.argwhere((dots[..., 0] > 200) & (dots[..., 2] < 120))
    assert {int(column) for column in red[:, 1]} <= {149, 150, 299, 300} and len({*red[:, 1] // 10}) >= 2
    assert red[:, 0].min() >= 299 and red[:, 0].max() <= 306


@pytest.mark.parametrize("side", SIDES)
def test_numbers_stand_beside_their_ticks_and_the_label_beyond(side: Side) -> None:
    without, dots = dots_of(side, [(5.0, "888")]), dots_of(side, [(5.0, "888")], "a label")
    number = np.argwhere(without[..., 0] < 128)
    both = np.argwhere(dots[..., 0] < 128)
    assert abs(number[:, 1].mean() - 200) < 4 and number[:, 0].min() > 305
    label = both[both[:, 0] > number[:, 0].max()]
    assert len(label) > 50 and label[:, 0].min() > number[:, 0].max() + 1
    assert abs((label[:, 1].min() + label[:, 1].max()) / 2 - 200) < 4


@pytest.mark.parametrize("side", SIDES)
def test_a_grid_crosses_the_axes_and_round_numbers_are_found(side: Side) -> None:
    dots = dots_of(side, None, grid=True)
    lines = np.flatnonzero((dots[120:280, :, 1] < 250).all(axis=0))
    centres = [float(group.mean()) for group in np.split(lines, np.flatnonzero(np.diff(lines) > 1) + 1)]
    steps = np.diff(centres)
    assert len(centres) >= 5 and np.ptp(steps) <= 2 and abs(centres[0] - 100) <= 1 and abs(centres[-1] - 300) <= 1


def test_nothing_else_is_drawn() -> None:
    assert (dots_of("bottom", []) == dots_of("bottom", None, own=False)).all()
