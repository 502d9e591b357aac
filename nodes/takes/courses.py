"""Which iterate sounds in which pass of a rise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal

import numpy as np

from nodes.mixing.gains import FadeShape, fade_gain
from nodes.mixing.summing import Feed, Part
from nodes.values.audio import Audio, Marker, Takes
from pipelines.mistakes import listed, mistake, shown

Entry = Literal["hold", "silence"]
Course = list[int | None]
"""The iterate of each pass, from 0; None is silence."""


def spread_passes(iterates: int, passes: int, curve: float) -> list[int]:
    """Return which of `iterates` sounds in each pass: min(⌊n xᶜ⌋, n - 1) with x from 0 to 1.

    The first pass is the first iterate and the last pass the last one (a single pass is the last one). With
    curve 1 every iterate has as many passes as any other, or as near to it as whole passes allow; above 1 the
    early iterates last longer, below 1 the late ones.
    """
    way = np.linspace(0.0, 1.0, passes) if passes > 1 else np.ones(1)
    # 1e-9 lifts products such as 7 · (3/7) = 2.999… to the whole number that they are
    return [int(place) for place in np.minimum(np.floor(iterates * way**curve + 1e-9), iterates - 1)]


def delays_of(lag: int | Sequence[int], channels: int) -> list[int]:
    """Return how many passes each channel runs behind, never less than 0.

    Parameters
    ----------
    lag
        Passes between neighbouring channels, or a list with the passes of each channel.
    channels
        Number of channels.

    Raises
    ------
    MistakeError
        Where a list does not have one number for each channel.
    """
    delays = [lag * channel for channel in range(channels)] if isinstance(lag, int) else list(lag)
    if len(delays) != channels:
        raise mistake(
            f"there are {channels} channels and {len(delays)} lags",
            parameter="lag",
            given=shown(lag),
            allowed=f"one number, or a list of {channels}",
            hint="the takes of a mono sound go to as many channels as 'channels' says",
        )
    earliest = min([0, *delays])
    return [delay - earliest for delay in delays]


def delayed(order: Sequence[int], delay: int, total: int, entry: Entry) -> Course:
    """Return a course that runs `delay` passes behind and then stays on its last iterate, `total` passes in all."""
    before: Course = [order[0] if entry == "hold" else None] * delay
    return [*before, *order, *[order[-1]] * total][:total]


def course_parts(takes: Takes, course: Course, channels: Sequence[int], crossfade: int, shape: FadeShape) -> list[Part]:
    """Return a course as parts of a mix: pass k begins at sample k × length, whatever the crossfade.

    Where the iterate changes, the last `crossfade` samples of a pass go over into the same samples of the next
    iterate, so that the next pass begins untouched. The crossfade is in samples.
    """
    length = takes.samples[0].shape[1]
    feeds = tuple(Feed(channel if takes.samples[0].shape[0] > 1 else 0, channel) for channel in channels)
    parts = []
    for number, (iterate, following) in enumerate(zip(course, [*course[1:], None], strict=True)):
        if iterate is None:
            continue
        changes = bool(crossfade) and following is not None and following != iterate
        parts.append(_part(takes, iterate, number * length, 0, (0, crossfade if changes else 0), shape, feeds))
        if changes and following is not None:
            skipped = length - crossfade
            parts.append(_part(takes, following, number * length + skipped, skipped, (crossfade, 0), shape, feeds))
    return parts


def _part(
    takes: Takes,
    iterate: int,
    start: int,
    skipped: int,
    fades: tuple[int, int],
    shape: FadeShape,
    feeds: tuple[Feed, ...],
) -> Part:
    audio = Audio(takes.samples[iterate][:, skipped:], takes.sample_rate)
    gains = (fade_gain(audio.length, *fades, shape),) if any(fades) else ()
    return Part(f"take '{takes.labels[iterate]}'", audio, start, gains, feeds)


def course_markers(takes: Takes, course: Course) -> tuple[Marker, ...]:
    """Return a marker for each run of passes of one iterate, with its label and duration."""
    seconds = takes.samples[0].shape[1] / takes.sample_rate
    markers, start = [], 0
    for iterate, run in groupby(course):
        passes = len(list(run))
        if iterate is not None:
            markers.append(Marker(start * seconds, takes.labels[iterate], passes * seconds))
        start += passes
    return tuple(markers)


def loop_shape(takes: Takes) -> tuple[int, int]:
    """Return the channels and the samples of the loop that every take is a pass of.

    Raises
    ------
    MistakeError
        Where there is no take, they are empty, or they differ in length or channels.
    """
    shapes = {samples.shape for samples in takes.samples}
    if len(shapes) == 1 and min(min(shapes)) > 0:
        channels, length = min(shapes)
        return int(channels), int(length)
    named = [
        f"'{label}': {samples.shape[1]} samples, {len(samples)} ch"
        for label, samples in zip(takes.labels, takes.samples, strict=True)
    ]
    raise mistake(
        "the takes are not passes of one loop",
        parameter="takes",
        given=listed(named, most=6) or "no takes",
        allowed="takes of one length, of a sample or more, and with as many channels",
        hint="the iterates of one inversion are",
    )


def crossfade_samples(crossfade: float, length: int, sample_rate: int) -> int:
    """Return a crossfade in samples.

    Raises
    ------
    MistakeError
        Where it is longer than the loop of `length` samples.
    """
    samples = round(crossfade * sample_rate)
    if samples > length:
        raise mistake(
            "the crossfade is longer than the loop",
            parameter="crossfade",
            given=f"{crossfade:g} s",
            allowed=f"{length / sample_rate:.6g} s or less",
        )
    return samples
