"""The slots of a piece: which take of a pool sounds where, and how that reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, groupby
from typing import NamedTuple

from nodes.mixing.gains import FadeShape, fade_gain
from nodes.mixing.summing import Feed, Part
from nodes.takes.cutting import whole_samples
from nodes.takes.pool import Pool
from nodes.values.audio import Audio, Marker
from pipelines.mistakes import mistake

MOST_SLOTS = 1_000_000
MOST_MARKERS = 500
"""More would neither be read nor drawn; the score has them all."""


class Slot(NamedTuple):
    """A take in its place; channel, segment and iterate count from 0, the start is in samples."""

    channel: int
    start: int
    segment: int
    iterate: int


def line_up(segments: Iterable[int], lengths: Sequence[int], length: int, crossfade: int) -> Iterator[tuple[int, int]]:
    """Yield (start, segment) of segments one after another until they reach `length` samples.

    Neighbours overlap by `crossfade` samples. `segments` must not end before.
    """
    start = 0
    for segment in segments:
        yield start, segment
        if start + lengths[segment] >= length:
            return
        start += lengths[segment] - crossfade


def whole_length(lengths: Sequence[int], duration: float | None, crossfade: int, sample_rate: int) -> int:
    """Return the samples of the piece: its duration, or all segments once, one after another.

    Raises
    ------
    MistakeError
        Where the duration is less than a sample.
    """
    if duration is None:
        return sum(lengths) - crossfade * (len(lengths) - 1)
    return whole_samples(duration, sample_rate, "duration")


def refuse_long_crossfade(shortest: int, crossfade: int, sample_rate: int, segment: str) -> None:
    """Refuse a crossfade that does not fit twice into the shortest segment; all lengths are in samples.

    Raises
    ------
    MistakeError
        Names the segment as it is called here.
    """
    if 2 * crossfade > shortest:
        raise mistake(
            f"{segment} is shorter than a crossfade at both of its ends",
            parameter="crossfade",
            given=f"{crossfade / sample_rate:.6g} s",
            allowed=f"{shortest / 2 / sample_rate:.6g} s or less",
        )


def refuse_short(lengths: Sequence[int], crossfade: int, length: int, channels: int, sample_rate: int) -> None:
    """Refuse segments too short for a crossfade at both ends, or so short that there would be too many slots.

    Raises
    ------
    MistakeError
        Names the shortest segment.
    """
    shortest = min(lengths)
    refuse_long_crossfade(shortest, crossfade, sample_rate, f"segment {lengths.index(shortest) + 1}")
    if channels * length / (shortest - crossfade) > MOST_SLOTS:
        raise mistake(
            "the segments are too short for the duration",
            parameter="duration",
            given=f"{channels} channels of {length / sample_rate:.6g} s",
            allowed=f"at most {MOST_SLOTS} slots of {shortest} samples",
        )


def slot_part(pool: Pool, slot: Slot, source: int, length: int, crossfade: int, shape: FadeShape) -> Part:
    """Return a slot as a part of a mix: one channel of its take, faded where another one comes before or after.

    `source` is the channel of the pool, from 0; `length` that of the piece, and `crossfade`, are in samples.
    """
    samples = pool.samples(slot.segment, slot.iterate)[source : source + 1]
    last = slot.start + samples.shape[1] >= length
    fades = (crossfade if slot.start else 0, 0 if last else crossfade)
    gains = (fade_gain(samples.shape[1], *fades, shape),) if any(fades) else ()
    name = f"segment {slot.segment + 1}, iterate '{pool.iterates[slot.iterate]}'"
    return Part(name, Audio(samples, pool.sample_rate), slot.start, gains, (Feed(0, slot.channel),))


def score_text(pool: Pool, slots: Sequence[Slot], length: int) -> str:
    """Return the slots in order of time as CSV: channel and segment from 1, start and duration in seconds."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(("channel", "start", "segment", "iterate", "duration"))
    rate = pool.sample_rate
    for channel, start, segment, iterate in sorted(slots, key=lambda slot: (slot.start, slot.channel)):
        seconds = min(pool.lengths[segment], length - start) / rate
        rows.writerow((channel + 1, f"{start / rate:.6f}", segment + 1, pool.iterates[iterate], f"{seconds:.6f}"))
    return file.getvalue()


def slot_markers(pool: Pool, slots: Sequence[Slot]) -> tuple[Marker, ...]:
    """Return a marker wherever slots begin, which names all that begin there: 'ch01 seg012 it7, …'.

    Where they begin at more than `MOST_MARKERS` places, there are none.
    """
    if len({slot.start for slot in slots}) > MOST_MARKERS:
        return ()
    ordered = sorted(slots, key=lambda slot: (slot.start, slot.channel))
    return tuple(
        Marker(start / pool.sample_rate, ", ".join(_named(pool, slot) for slot in together))
        for start, together in groupby(ordered, key=lambda slot: slot.start)
    )


def _named(pool: Pool, slot: Slot) -> str:
    return f"ch{slot.channel + 1:02d} seg{slot.segment + 1:03d} it{pool.iterates[slot.iterate]}"


def fixed_slots(pool: Pool, chosen: Sequence[int], length: int, crossfade: int) -> list[Slot]:
    """Return the slots of channels that each keep to one of the `chosen` iterates and play all segments in order."""
    row = list(line_up(cycle(range(pool.segments)), pool.lengths, length, crossfade))
    return [Slot(channel, *place, iterate) for channel, iterate in enumerate(chosen) for place in row]
