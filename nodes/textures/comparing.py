"""Pictures of statistics that were wanted against those of the sound that was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nodes.textures.auditory.model import AuditoryModel, published
from nodes.textures.cochleagrams import Cochleagram, cochleagrams_of, draw_cochleagrams, images_height
from nodes.textures.curves import Curve, draw_complex, draw_curves
from nodes.textures.maps import parts_of
from nodes.textures.panels import BLUE, COLUMNS, FAINT, PARTS, RED, Look, Sheet, dark_to_bright, label, look_of, rows_of
from nodes.textures.quality.scoring import Classes, compared, sides_of
from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio
from pipelines.value import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAD, KEY, HEIGHT, ABOVE_IMAGES = 0.25, 0.55, 1.9, 0.4
"""Inches above the panels, also with a scale of colours, and of and above a cochleagram."""

CAP, CAP_IN_MEAN = 99.0, 30.0
"""Ratio in dB that is told at most, and that counts in the mean at most."""

MOST_DOTS = 20_000
"""Dots of a panel, evenly chosen where there are more."""


class Compared(NamedTuple):
    """Statistics of the sound and those wanted, channels × paths × stretches, which count, and SNR by class in dB.

    `times` are the middles of the stretches in seconds where statistics move; else there is one stretch, the mean.
    """

    found: Classes
    wanted: Classes
    counts: Classes
    ratio: dict[str, float]
    times: Array


def comparison_of(target: TextureStatistics, result: Audio, device: str) -> Compared:
    """Return the statistics of a sound beside those of the target, under the same windows.

    Statistics that stay are compared with the mean over the sound; those that move stretch by stretch. A target of
    one channel is compared with each of the sound.
    """
    pairs = [(row, 0 if target.channels == 1 else row) for row in range(result.channels)]
    found, wanted, weights = sides_of(result.samples, target, pairs, device)
    scores = compared(target.model, found, wanted, weights, {}, CAP)
    counts = {name: np.broadcast_to(weights.get(name, np.ones(1)), wanted[name].shape) > 0 for name in wanted}
    stretches = next(iter(wanted.values())).shape[2]
    times = np.zeros(1) if stretches == 1 else target.layout(result.length).centres
    return Compared(found, wanted, counts, scores.ratio, times)


def draw_comparison(
    target: TextureStatistics, result: Audio, name: str, source: Audio | None = None, device: str = "cpu"
) -> Figure:
    """Return a panel for each class, with its signal-to-noise ratio, and cochleagrams below.

    Statistics with one value a band are lines, the target blue with a shade of one standard deviation, the result
    red; others are dots, the result's value above that wanted: all is right on the diagonal. Of a target that moves
    every class is dots, coloured by time. What does not count is faint.

    Parameters
    ----------
    target
        What is wanted.
    result
        What was made.
    name
        Of the result, above its cochleagram.
    source
        What the target was measured on, if it is to be seen.
    device
        'cpu' or 'cuda'.
    """
    own = comparison_of(target, result, device)
    moving = len(own.times) > 1
    grams = _grams(target, result, name, source, device)
    rows, above = -(-len(own.wanted) // COLUMNS), KEY if moving else HEAD
    sheet = Sheet(COLUMNS * rows, above, images_height(len(grams), HEIGHT) + ABOVE_IMAGES)
    sheet.write(_heading(own))
    if moving:
        sheet.add_key(own.times.tolist(), "time (s)", False)
    for number, each in enumerate(own.wanted):
        look, ratio = look_of(each, target.model.domains.get(each, "linear")), own.ratio.get(each, np.nan)
        told = "not compared" if np.isnan(ratio) else f"{ratio:.1f} dB".replace("-", "−")
        axes = sheet.cell(number, f"{each}: {told}")
        if set(target.axes().get(each, {})) == {"frequency"} and not moving:
            _draw_lines(sheet, axes, target, own, each, look)
        else:
            _draw_dots(axes, own, each, look)
    draw_cochleagrams(sheet, grams, sheet.bottom_of_panels - ABOVE_IMAGES, HEIGHT)
    return sheet.figure


def _draw_lines(sheet: Sheet, axes: Axes, target: TextureStatistics, own: Compared, name: str, look: Look) -> None:
    rows = range(len(own.found[name]))[rows_of(target, name)]
    spread = target.deviations.get(name)
    curves = [
        Curve(
            own.wanted[name][row, :, 0],
            BLUE,
            None if spread is None else spread[min(row, len(spread) - 1)],
            own.counts[name][row, :, 0],
        )
        for row in (rows if target.channels > 1 else [0])
    ]
    curves += [Curve(own.found[name][row, :, 0], RED, None, own.counts[name][row, :, 0]) for row in rows]
    frequencies = target.axes()[name]["frequency"]
    if parts_of(frequencies) == len(PARTS[2]):
        draw_complex(sheet, axes, frequencies, curves, look)
    else:
        draw_curves(axes, frequencies, curves, look)
        label(axes, "frequency (Hz)", look.label)


def _draw_dots(axes: Axes, own: Compared, name: str, look: Look) -> None:
    """Draw the result's values above those wanted, and the diagonal on which they are the same."""
    shape = own.wanted[name].shape
    step = max(1, int(np.prod(shape)) // MOST_DOTS)
    wanted, found = (look.of(each[name]).ravel()[::step] for each in (own.wanted, own.found))
    counts = own.counts[name].ravel()[::step]
    times = np.broadcast_to(own.times[-shape[2] :], shape).ravel()[::step]
    known = np.isfinite(wanted) & np.isfinite(found)
    every = np.concatenate([wanted[known & counts], found[known & counts]])
    every = every if len(every) else np.concatenate([wanted[known], found[known]])
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    low, high = low - room, high + room
    axes.plot([low, high], [low, high], color="#999999", linewidth=0.8)
    for chosen, strength in ((known & ~counts, FAINT / 2), (known & counts, 0.6)):
        if chosen.any():
            colours = {"c": times[chosen], "cmap": dark_to_bright()} if len(own.times) > 1 else {"color": BLUE}
            axes.scatter(wanted[chosen], found[chosen], s=5, alpha=strength, linewidth=0, **colours)
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.locator_params(nbins=6)
    label(axes, f"target: {look.label}", f"result: {look.label}")


def _grams(target: TextureStatistics, result: Audio, name: str, source: Audio | None, device: str) -> list[Cochleagram]:
    """Return the mean over channels of the cochleagrams of source and result, in the bands of auditory statistics."""
    model = target.model
    if not isinstance(model, AuditoryModel):
        model = published(result.sample_rate)
    titled = (("cochleagram of the source", source), (f"cochleagram of {name}", result))
    return [
        Cochleagram(
            title,
            np.mean(cochleagrams_of(audio, model, device), 0),
            model.centres,
            audio.duration,
            model.compression,
        )
        for title, audio in titled
        if audio is not None
    ]


def _heading(own: Compared) -> str:
    """Return which colours there are, the mean ratio and the least one."""
    begin = "target and result" if len(own.times) > 1 else "target (blue) and result (red)"
    known = {each: ratio for each, ratio in own.ratio.items() if not np.isnan(ratio)}
    if not known:
        return begin
    least = min(known, key=lambda each: known[each])
    mean = np.minimum(list(known.values()), CAP_IN_MEAN).mean()
    told = f"{mean:.1f} dB (classes up to {CAP_IN_MEAN:g} dB), least {known[least]:.1f} dB ({least})".replace("-", "−")
    return f"{begin}: mean SNR {told}"
