"""Pictures of sounds: waveform and spectrogram of each channel, quick even for long pieces."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nodes.values.axes import (
    COLOURS,
    RANGE,
    add_axes,
    ceiling_of,
    name_axes,
    number,
    number_times,
    show_levels,
)
from nodes.values.blocks import spans
from nodes.values.log_spectra import Levels, sound_levels, spectrogram_levels
from nodes.values.pages import PAGE
from pipelines.context import release
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nodes.values.audio import Audio, Marker, Takes
    from nodes.values.spectrogram import Spectrogram

LEFT, RIGHT, TOP, BOTTOM, GAP = 0.75, 0.95, 0.4, 0.5, 0.12
TALLEST, LOWEST_ROW, HEIGHT = 2.4, 0.5, 5.0
COLUMNS, FRAMES, FEWEST_FRAMES = 1200, 1500, 200
STEP = 10.0
MOST_CHANNELS, MOST_TAKES = 24, 6
INK, MARK = "#1f4e79", "#b5442e"
CHARACTER = 0.075


def draw_audio(audio: Audio) -> Figure:
    """Return waveform and spectrogram of each channel (the first 24), with the markers.

    The waveform shows the extremes of all samples. The spectrogram is taken at up to 1500 places, fewer
    with many channels, in dB of a sine of full scale.
    """
    channels = min(audio.channels, MOST_CHANNELS)
    levels = [
        sound_levels(audio.samples[channel : channel + 1], audio.sample_rate, _frames_for(channels))
        for channel in range(channels)
    ]
    page = _Page([0.4, 1.0] * channels)
    waves = [extremes(audio.samples[channel]) for channel in range(channels)]
    peak = max((float(np.max(np.abs(wave), initial=0.0, where=np.isfinite(wave))) for wave in waves), default=0.0)
    for channel, wave in enumerate(waves):
        _draw_wave(page.axes[2 * channel], wave, audio.duration, peak, page.tall)
    page.draw_levels(page.axes[1::2], levels)
    _name_channels(page.axes[1::2], audio.channels)
    page.finish(audio.duration)
    _draw_markers(page.axes, audio.markers, audio.duration)
    return page.figure


def draw_takes(takes: Takes) -> Figure | None:
    """Return the spectrograms of up to six takes, evenly chosen; None without takes.

    The power of a take's channels is averaged.
    """
    if not len(takes):
        return None
    chosen = np.linspace(0, len(takes) - 1, min(MOST_TAKES, len(takes))).round().astype(int)
    levels = [sound_levels(takes.samples[i], takes.sample_rate, _frames_for(len(chosen))) for i in chosen]
    page = _Page([1.0] * len(chosen))
    for axes, i in zip(page.axes, chosen, strict=True):
        name_axes(axes, shown_label(takes.labels[i]))
    page.draw_levels(page.axes, levels)
    page.finish(max(level.stop for level in levels))
    return page.figure


def draw_spectrogram(spectrogram: Spectrogram) -> Figure:
    """Return the magnitudes of each channel (the first 24) in dB of a sine of full scale."""
    channels = min(spectrogram.channels, MOST_CHANNELS)
    levels = [spectrogram_levels(spectrogram, channel, _frames_for(channels)) for channel in range(channels)]
    page = _Page([1.0] * channels)
    page.draw_levels(page.axes, levels)
    _name_channels(page.axes, spectrogram.channels)
    page.finish(spectrogram.samples / spectrogram.sample_rate)
    return page.figure


def _frames_for(rows: int) -> int:
    return max(FEWEST_FRAMES, 2 * FRAMES // max(2, rows))


class _Page:
    """A figure with axes one below the other, placed in inches: quicker than an automatic layout."""

    def __init__(self, shares: Sequence[float]) -> None:
        from matplotlib.figure import Figure

        unit = min(TALLEST, max(LOWEST_ROW, HEIGHT / max(1, shares.count(1.0))))
        gaps = [GAP if share == 1.0 else GAP / 4 for share in shares]
        self.tall = unit > 1
        self.height = TOP + BOTTOM + unit * sum(shares) + sum(gaps)
        self.figure = Figure(figsize=(PAGE, self.height))
        self.axes: list[Axes] = []
        at = self.height - TOP
        for share, gap in zip(shares, gaps, strict=True):
            at -= share * unit
            self.axes.append(add_axes(self.figure, LEFT, at, PAGE - LEFT - RIGHT, share * unit))
            at -= gap

    def draw_levels(self, rows: Sequence[Axes], levels: Sequence[Levels]) -> None:
        """Draw spectrograms with one scale of colours; the scale stands at the right."""
        ceiling = ceiling_of(levels)
        for axes, level in zip(rows, levels, strict=True):
            show_levels(axes, level, ceiling, self.tall)
        if levels:
            self._add_bar(ceiling)

    def _add_bar(self, ceiling: float) -> None:
        """Draw the scale of colours, in dB: an image, which is quicker than a colour bar of Matplotlib's."""
        height = min(TALLEST, self.height - TOP - BOTTOM)
        bar = add_axes(self.figure, PAGE - RIGHT + 0.12, self.height - TOP - height, 0.12, height)
        colours, extent = np.linspace(0, 1, 256)[:, None], (0, 1, ceiling - RANGE, ceiling)
        bar.imshow(colours, origin="lower", aspect="auto", cmap=COLOURS, extent=extent)
        bar.set_frame_on(False)
        bar.xaxis.set_visible(False)
        levels = np.arange(ceiling - RANGE, ceiling + 1, STEP if height > 1 else 3 * STEP)
        number(bar, "right", [(float(level), f"{level:g}".replace("-", "−")) for level in levels], "dB")

    def finish(self, duration: float) -> None:
        """Give all axes the same time, numbered at the bottom."""
        for axes in self.axes:
            number_times(axes, duration, axes is self.axes[-1])


def extremes(samples: Array) -> Array:
    """Return 2 × up to 1200: the lowest and the highest sample of each stretch."""
    edges = np.linspace(0, len(samples), min(COLUMNS, len(samples)) + 1).astype(int)
    found = np.empty((2, len(edges) - 1), np.float32)
    for first, last in spans(len(edges) - 1, 64):
        block = samples[edges[first] : edges[last]]
        starts = edges[first:last] - edges[first]
        found[0, first:last] = np.minimum.reduceat(block, starts)
        found[1, first:last] = np.maximum.reduceat(block, starts)
        release(samples)
    return found


def _draw_wave(axes: Axes, wave: Array, duration: float, peak: float, numbered: bool) -> None:
    edges = np.linspace(0, duration, wave.shape[1] + 1)
    low, high = np.append(wave, wave[:, -1:], axis=1)
    axes.fill_between(edges, low, high, step="post", color=INK, linewidth=0.4)
    limit = peak if peak > 0 else 1.0
    axes.set_ylim(-1.05 * limit, 1.05 * limit)
    number(axes, "left", [(0.0, "0"), (limit, f"{limit:.2g}")] if numbered else [])


def _name_channels(rows: Sequence[Axes], channels: int) -> None:
    for channel, axes in enumerate(rows, 1):
        if channels > 1:
            name_axes(axes, f"channel {channel} of {channels}")


def _draw_markers(rows: Sequence[Axes], markers: Sequence[Marker], duration: float) -> None:
    """Draw each marker as a thin line, a region as a shade of the waveform; labels where there is room."""
    if not rows or duration <= 0:
        return
    width, taken = PAGE - LEFT - RIGHT, -1.0
    times = [marker.time for marker in markers]
    for axes in rows:
        colour = "white" if axes.images else MARK
        axes.vlines(times, 0, 1, transform=axes.get_xaxis_transform(), colors=colour, linewidth=0.7, alpha=0.7)
    for marker in sorted(markers, key=lambda marker: marker.time):
        if marker.duration > 0:
            rows[0].axvspan(marker.time, marker.time + marker.duration, color=MARK, alpha=0.12, linewidth=0)
        place = marker.time / duration * width
        if taken <= place <= width:
            label = shown_label(marker.label)
            _write_above(rows[0], marker.time, label)
            taken = place + CHARACTER * (len(label) + 1)


def _write_above(axes: Axes, time: float, label: str) -> None:
    axes.annotate(
        label,
        (time, axes.get_ylim()[1]),
        xytext=(0, 3),
        textcoords="offset points",
        annotation_clip=False,
        fontsize=8,
        color=MARK,
        parse_math=False,
    )


def shown_label(text: str) -> str:
    """Return a label as it can be drawn: one line, at most 32 characters, all known to the font."""
    characters = _drawable()
    line = "".join(sign if ord(sign) in characters else "·" for sign in " ".join(text.split()))
    return line if len(line) <= 32 else line[:31] + "…"


@lru_cache
def _drawable() -> frozenset[int]:
    from matplotlib import font_manager

    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())
