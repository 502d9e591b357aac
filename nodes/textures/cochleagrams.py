"""Cochleagrams: the compressed envelopes of an auditory model as images of bands × time, computed in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch

from nodes.scattering.drawing import INK, LINE, SMALL, spaced
from nodes.textures.auditory.measuring import Measuring
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.maps import Colours, band_ticks
from nodes.textures.panels import BAR, LEFT, WIDTH, Sheet, head, label
from nodes.textures.stretches import stretches_of
from nodes.values.audio import Audio
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Scale = Literal["compressed", "decibels"]

COLUMNS = 1200
"""Most moments that an image shows apart."""

RANGE = 60.0
"""Levels in dB that are shown, down from the loudest."""

MARGIN = 0.2
"""Seconds of silence around a sound, so that its end does not ring into its beginning."""

GAP, BELOW, AFTER = 0.3, 0.4, 0.85
"""Inches between images, below the last, and at their right for the scale of colours."""

TALLEST, LOWEST, TALL = 3.4, 0.7, 7.0
"""Inches of the image of one sound, of each of many, and of all where that is enough."""


class Cochleagram(NamedTuple):
    """Mean compressed envelopes at evenly spaced moments.

    Parameters
    ----------
    title
        What is heard.
    envelopes
        bands × moments.
    centres
        Centre of each band in Hz.
    duration
        Seconds from the beginning of the first moment to the end of the last.
    compression
        Exponent of the envelopes.
    """

    title: str
    envelopes: Array
    centres: Array
    duration: float
    compression: float

    def of(self, scale: Scale) -> Array:
        """Return what is shown: envelopes, or amplitudes in dB of full scale."""
        if scale == "compressed":
            return self.envelopes
        return 20 / self.compression * np.log10(np.maximum(self.envelopes, 1e-12))


def cochleagrams_of(audio: Audio, model: AuditoryModel, device: str) -> list[Array]:
    """Return for each channel the compressed envelopes, bands × moments; each moment is a mean of frames.

    Computed stretch by stretch, so that a long sound takes no more memory than a short one.

    Parameters
    ----------
    audio
        One finite sample or more; before and after it counts as silent.
    model
        Tells the bands.
    device
        'cpu' or 'cuda'.
    """
    return [_channel(samples, model, device) for samples in audio.samples]


def _channel(samples: Array, model: AuditoryModel, device: str) -> Array:
    rate, margin = model.sample_rate, round(MARGIN * model.sample_rate)
    layout = stretches_of(model, len(samples) + 2 * margin)
    front_end = Measuring(
        model, layout.size, layout.samples / rate, layout.edge / rate, device, torch.float32
    ).front_end
    places = np.arange(front_end.frames) * (layout.size / rate / front_end.frames)
    seconds = len(samples) / rate
    moments = max(1, min(COLUMNS, math.floor(seconds * model.envelope_rate / 2)))  # each then has a frame at least
    sums, counts = np.zeros((model.bands + 2, moments)), np.zeros(moments)
    middles = [(start + layout.edge / 2 - margin) / rate for start in layout.starts[1:]]
    begins, ends = [0.0, *middles], [*middles, max(seconds, 1 / model.envelope_rate)]
    for start, begin, end in zip(layout.starts, begins, ends, strict=True):
        times = (start - margin) / rate + places
        chosen = np.flatnonzero((times >= begin) & (times < end))
        into = np.minimum((times[chosen] * moments / seconds).astype(int), moments - 1)
        part = torch.from_numpy(_cut(samples, start - margin, layout.samples, layout.size)[None]).to(device)
        with torch.no_grad():
            found = front_end(part).envelopes[0].cpu().numpy()
        np.add.at(counts, into, 1)
        np.add.at(sums.T, into, found[:, chosen].T)
    return sums / np.maximum(counts, 1)


def _cut(samples: Array, start: int, count: int, size: int) -> Array:
    """Return `size` samples, of which `count` come from a place in a sound; around the sound there is silence."""
    found = np.zeros(size, np.float32)
    first, last = max(start, 0), min(start + count, len(samples))
    found[first - start : last - start] = samples[first:last]
    return found


def height_of(count: int) -> float:
    """Return the height in inches of each of so many images below each other."""
    return min(TALLEST, max(LOWEST, TALL / max(1, count) - GAP))


def images_height(count: int, height: float) -> float:
    """Return the inches that so many images need from the top of the first on."""
    return count * height + (count - 1) * GAP + BELOW


def draw_cochleagrams(
    sheet: Sheet, grams: Sequence[Cochleagram], top: float, height: float, scale: Scale = "compressed"
) -> None:
    """Draw images below each other from `top` inches above the bottom of a sheet on, all with one scale of colours."""
    shown = [gram.of(scale) for gram in grams]
    low, high = _limits(shown, scale)
    colours, unit = Colours("magma", low, high), "dB of full scale" if scale == "decibels" else "compressed amplitude"
    longest = max(gram.duration for gram in grams)
    for number, (gram, values) in enumerate(zip(grams, shown, strict=True)):
        place = top - (number + 1) * height - number * GAP
        axes = sheet.add(LEFT, place, WIDTH - LEFT - AFTER, height)
        axes.imshow(
            values,
            origin="lower",
            aspect="auto",
            cmap=colours.map(),
            vmin=low,
            vmax=high,
            extent=(0, gram.duration, -0.5, len(values) - 0.5),
            interpolation="nearest",
        )
        axes.set_xlim(0, longest)
        ticks = spaced(band_ticks(gram.centres), 1.3 * LINE * len(values) / height)
        axes.set_yticks([at for at, _ in ticks], [text for _, text in ticks])
        head(axes, gram.title)
        last = number == len(grams) - 1
        axes.tick_params(labelbottom=last)
        label(axes, "time (s)" if last else "", "band (Hz)")
    _add_scale(sheet, top - height, height, colours, unit)


def _limits(shown: Sequence[Array], scale: Scale) -> tuple[float, float]:
    """Return the values at the ends of the colours."""
    high = max(float(values.max(initial=-np.inf)) for values in shown)
    if scale == "decibels":
        return high - RANGE, high
    return 0.0, high if high > 0 else 1.0


def _add_scale(sheet: Sheet, bottom: float, height: float, colours: Colours, unit: str) -> None:
    bar: Axes = sheet.add(WIDTH - AFTER + 0.12, bottom, BAR, height)
    extent = (0, 1, colours.low, colours.high)
    bar.imshow(np.linspace(0, 1, 256)[:, None], origin="lower", aspect="auto", cmap=colours.map(), extent=extent)
    bar.yaxis.tick_right()
    bar.yaxis.set_label_position("right")
    bar.set_xticks([])
    bar.locator_params(axis="y", nbins=max(2, min(6, int(height / (2 * LINE)))))
    bar.set_ylabel(unit if height > 1.4 else unit.split()[0], fontsize=SMALL, color=INK, labelpad=2)
