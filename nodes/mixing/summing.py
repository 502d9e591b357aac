"""Adding up sounds that lie at their places in time, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nodes.mixing.gains import Gain
from nodes.values.audio import Audio, Marker
from nodes.values.blocks import require_finite, spans
from pipelines.context import release
from pipelines.mistakes import listed, mistake
from pipelines.value import Array


class Feed(NamedTuple):
    """A channel of a track that goes to an output channel, both from 0, times a gain."""

    source: int
    output: int
    gain: Gain | None = None


@dataclass(frozen=True)
class Part:
    """A sound in a mix.

    Parameters
    ----------
    name
        What it is called in messages, 'track 2'.
    audio
        The sound; its samples may be mapped from a file.
    start
        Its place in the mix, in samples.
    gains
        Factors for all its channels.
    feeds
        Where its channels go.
    """

    name: str
    audio: Audio
    start: int
    gains: tuple[Gain, ...]
    feeds: tuple[Feed, ...]

    @property
    def stop(self) -> int:
        """Where it ends, in samples of the mix."""
        return self.start + self.audio.length

    def add(self, sums: Array, start: int) -> None:
        """Add what falls into a block of the mix (channels × samples, float64) that begins at `start`."""
        first, last = max(start, self.start), min(start + sums.shape[1], self.stop)
        if first >= last:
            return
        positions = np.arange(first - self.start, last - self.start)
        block = self.audio.samples[:, positions[0] : positions[-1] + 1]
        require_finite(block, self.audio.sample_rate, int(positions[0]), self.name)
        factors: Array | float = 1.0
        for gain in self.gains:
            factors = factors * gain(positions)
        for source, output, own in self.feeds:
            factor = factors if own is None else factors * own(positions)
            sums[output, first - start : last - start] += block[source] * np.asarray(factor, np.float64)
        release(self.audio.samples)

    def markers(self) -> tuple[Marker, ...]:
        """Return the sound's markers at their places in the mix."""
        offset = self.start / self.audio.sample_rate
        return tuple(Marker(offset + m.time, m.label, m.duration) for m in self.audio.markers)


def summed(parts: Sequence[Part], channels: int, length: int) -> Array:
    """Return channels × length, float32, the sum of all parts; it is never scaled.

    Raises
    ------
    MistakeError
        Where a part holds NaN or infinity.
    """
    mixed = np.empty((channels, length), np.float32)
    for start, stop in spans(length):
        sums = np.zeros((channels, stop - start))
        for part in parts:
            part.add(sums, start)
        mixed[:, start:stop] = sums
    return mixed


def in_order(markers: Sequence[Marker]) -> tuple[Marker, ...]:
    """Return markers by time, equal ones once; those of one time stay in their order."""
    different = {(marker.time, marker.label, marker.duration): marker for marker in markers}
    return tuple(sorted(different.values(), key=lambda marker: marker.time))


def common_rate(sounds: Sequence[Audio], port: str, what: str) -> int:
    """Return the sample rate of all sounds.

    Raises
    ------
    MistakeError
        Where there are no sounds, or their rates differ; names each sound's.
    """
    if not sounds:
        raise mistake(f"there is no {what}", parameter=port, given="an empty list", allowed=f"one {what} or more")
    rates = [sound.sample_rate for sound in sounds]
    if len(set(rates)) > 1:
        raise mistake(
            f"the {what}s differ in sample rate",
            parameter=port,
            given=listed([f"{what} {number}: {rate} Hz" for number, rate in enumerate(rates, 1)]),
            allowed="one sample rate for all",
            hint="set the piece's sample_rate, or that of the loads",
        )
    return rates[0]
