"""Pictures of books: wivigram, spikegram, and how the energy falls from atom to atom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.wivigrams import Grid, grid_of, wivigram
from nodes.scattering.drawing import GRID, INK, LINE, RIGHT, Page, Shades, spaced
from nodes.scattering.scattergrams import hertz, round_numbers
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from nodes.values.scales import Side, Ticks

Kind = Literal["wivigram", "spikegram", "decay"]
Colour = Literal["scale", "energy", "phase"]

HEIGHTS: dict[Kind, float] = {"wivigram": 3.4, "decay": 1.8, "spikegram": 3.4}
"""Inches of each picture."""

SHADES = Shades(floor=-80.0, compressed=False)
MOST_DOTS, MOST_POINTS = 20_000, 2000
SMALLEST, LARGEST = 0.6, 9.0
"""Areas of dots in square points, at the floor and of the strongest atom."""

LEVELS = (0, -20, -40, -60, -80)
BLUE = "#1f4e79"


class Key(NamedTuple):
    """The scale of colours beside a picture: its ends, where numbers stand, and what it is of."""

    colours: Colormap
    low: float
    high: float
    ticks: list[tuple[float, str]]
    label: str


def draw_book(book: Book) -> Figure:
    """Return a wivigram, how the energy falls from atom to atom, and a spikegram with colours by scale."""
    return draw_kinds(book, [("wivigram", "energy"), ("decay", "energy"), ("spikegram", "scale")])


def draw_kinds(book: Book, kinds: Sequence[tuple[Kind, Colour]]) -> Figure:
    """Return pictures one below the other, each with what its colours are of."""
    draw = {"wivigram": _draw_wivigram, "spikegram": _draw_spikegram, "decay": _draw_decay}
    page = Page([HEIGHTS[kind] for kind, _ in kinds])
    for axes, (kind, colour) in zip(page.axes, kinds, strict=True):
        draw[kind](page, axes, book, colour)
    return page.figure


def decay_of(book: Book) -> Array:
    """Return in dB what is left of the energies of all atoms after 0, 1, 2, … of them, but for the last; float64.

    This is an estimate: atoms overlap, so that the energy of their sum is not the sum of their energies; and what the
    book leaves of the sound that it describes, which it does not know, is not in it.
    """
    energies = book.energies
    left = np.cumsum(energies[::-1])[::-1]
    left = left[left > 0]
    return np.asarray(10 * np.log10(left / left[0])) if len(left) else left


def _draw_wivigram(page: Page, axes: Axes, book: Book, colour: Colour) -> None:
    from matplotlib import colormaps

    grid = grid_of(book)
    energies = wivigram(book, grid)
    peak = math.sqrt(max(0.0, float(energies.max())))
    image = SHADES.of(np.sqrt(np.maximum(energies, 0)), peak)
    low, high = np.log2(grid.frequencies[[0, -1]])
    extent = (0.0, _end(book), float(low), float(high))
    if colour == "energy":
        axes.imshow(image, origin="lower", aspect="auto", cmap=SHADES.colours, extent=extent, vmin=0, vmax=1)
        places, texts = SHADES.marks()
        levels = list(zip(places, texts, strict=True))
        _add_key(page, axes, Key(colormaps[SHADES.colours], 0.0, 1.0, levels, "dB below the loudest"))
    else:
        key = _key_of(book, colour)
        tints = key.colours((_tint(book, grid, energies, colour) - key.low) / (key.high - key.low))[..., :3]
        axes.imshow(1 - image[..., None] * (1 - tints), origin="lower", aspect="auto", extent=extent)
        _add_key(page, axes, key)
    _head(axes, "wivigram: energy of the atoms per second and octave, without cross terms" + _down_to(colour))
    _label(axes, book, grid)


def _tint(book: Book, grid: Grid, energies: Array, colour: Colour) -> Array:
    """Return the mean scale or phase in each cell, weighted by energy."""
    values, floor = _values_of(book, colour), 1e-12 * energies.max()
    if colour == "scale":
        return np.asarray(wivigram(book, grid, book.energies * values) / np.maximum(energies, floor or 1.0))
    parts = [wivigram(book, grid, book.energies * turn(values)) for turn in (np.cos, np.sin)]
    return np.arctan2(parts[1], parts[0])


def _draw_spikegram(page: Page, axes: Axes, book: Book, colour: Colour) -> None:
    grid, energies = grid_of(book), book.energies
    chosen = np.argsort(energies, kind="stable")[-MOST_DOTS:]  # the strongest last, above the others
    chosen = chosen[energies[chosen] > 0]
    if len(chosen):
        key = _key_of(book, colour)
        heights = np.log2(np.clip(book.frequencies[chosen] * book.sample_rate, *grid.frequencies[[0, -1]]))
        areas = SMALLEST + (LARGEST - SMALLEST) * SHADES.of(np.sqrt(energies[chosen]), math.sqrt(energies.max()))
        look: dict[str, Any] = {
            "cmap": key.colours,
            "vmin": key.low,
            "vmax": key.high,
            "linewidths": 0,
            "rasterized": True,
        }
        axes.scatter(book.centres[chosen], heights, areas, _values_of(book, colour)[chosen], **look)
        _add_key(page, axes, key)
    cut = f", the strongest {len(chosen)} of {book.count}" if len(chosen) < book.count else ""
    _head(axes, f"spikegram: a dot for each atom, larger where it is stronger{cut}")
    axes.set_ylim(*np.log2(grid.frequencies[[0, -1]]))
    _label(axes, book, grid)


def _draw_decay(page: Page, axes: Axes, book: Book, colour: Colour) -> None:
    levels = decay_of(book)
    if len(levels):
        shown = np.unique(np.linspace(0, len(levels) - 1, min(MOST_POINTS, len(levels))).astype(np.int64))
        axes.plot(shown, levels[shown], color=BLUE, linewidth=1.3, marker="." if len(shown) == 1 else "")
    axes.set_xlim(0, max(1, book.count))
    _number(axes, "left", None, "dB", grid=True)
    _number(axes, "bottom", None, "number of atoms", grid=True)
    _head(axes, "what is left of the atoms' own energies after each: an estimate, for atoms overlap")


def _values_of(book: Book, colour: Colour) -> Array:
    """Return what gives each atom its colour: log₂ of the length, level in dB, or phase in the middle."""
    if colour == "scale":
        return np.log2(book.lengths)
    if colour == "energy":
        energies = book.energies
        return np.asarray(SHADES.of(np.sqrt(energies), math.sqrt(energies.max(initial=0.0))))
    loudest = np.argmax(np.abs(book.weights), axis=0) if book.count else np.zeros(0, np.int64)
    phases = np.angle(book.weights[loudest, np.arange(book.count)]) + np.pi * book.frequencies * book.lengths
    return np.asarray(np.mod(phases + np.pi, 2 * np.pi) - np.pi)


def _key_of(book: Book, colour: Colour) -> Key:
    from matplotlib import colormaps

    from nodes.textures.panels import dark_to_bright

    if colour == "scale":
        low, high = (math.log2(length) for length in (book.lengths.min(initial=2**20), book.lengths.max(initial=1)))
        low, high = (low, high) if low < high else (high - 0.5, high + 0.5)
        octaves = range(math.ceil(low), math.floor(high) + 1)
        return Key(dark_to_bright(), low, high, [(octave, f"{2**octave}") for octave in octaves], "length (samples)")
    if colour == "energy":
        ticks = [(float(SHADES.of(np.array(10 ** (level / 20)), 1.0)), f"{level}") for level in LEVELS]
        named = [(place, text.replace("-", "−")) for place, text in ticks]
        return Key(colormaps[SHADES.colours], 0.0, 1.0, named, "dB below the strongest")
    return Key(colormaps["hsv"], -math.pi, math.pi, [(-math.pi, "−π"), (0, "0"), (math.pi, "π")], "phase")


def _add_key(page: Page, beside: Axes, key: Key) -> None:
    """Draw the scale of colours at the right of some axes."""
    box = beside.get_position()
    bar = page.add(page.width - RIGHT + 0.15, box.y0 * page.height, 0.12, box.height * page.height)
    bar.imshow(
        np.linspace(0, 1, 256)[:, None],
        origin="lower",
        aspect="auto",
        cmap=key.colours,
        extent=(0, 1, key.low, key.high),
    )
    bar.xaxis.set_visible(False)
    _number(bar, "right", key.ticks, key.label)


def _label(axes: Axes, book: Book, grid: Grid) -> None:
    low, high = grid.frequencies[[0, -1]]
    least = 1.3 * LINE * math.log2(high / low) / 3.0
    ticks = spaced([(math.log2(number), hertz(number)) for number in round_numbers(low, high)], least)
    axes.set_xlim(0, _end(book))
    _number(axes, "left", ticks, "frequency (Hz)")
    _number(axes, "bottom", None, "time (s)")


def _number(axes: Axes, side: Side, ticks: Ticks | None, label: str, grid: bool = False) -> None:
    from nodes.values.scales import Scale

    Scale(axes, side, ticks, label, ink=INK, pale=GRID, grid=grid)


def _end(book: Book) -> float:
    return max(1, book.samples) / book.sample_rate


def _head(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=9, color=INK, y=1.0)  # a given place need not be measured out


def _down_to(colour: Colour) -> str:
    return "" if colour == "energy" else f"; paler where there is less, white {-SHADES.floor:g} dB below the loudest"
