"""From a sound and its settings to a part of a mix or of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nodes.mixing.gains import FadeShape, Gain, PanLaw, fade_gain, level_gain
from nodes.mixing.routing import feeds_of
from nodes.mixing.summing import Feed, Part
from nodes.values.audio import Audio, Marker
from pipelines.mistakes import mistake
from pipelines.quantities import Envelope


class Settings(NamedTuple):
    """What `mix` is told of one track: times in seconds, the first output channel from 1."""

    gain: Envelope
    pan: Envelope | None
    offset: float
    fade_in: float
    fade_out: float
    first: int


def track_part(name: str, audio: Audio, settings: Settings, shape: FadeShape, law: PanLaw, outputs: int) -> Part:
    """Return a track of a mix with `outputs` channels.

    Raises
    ------
    MistakeError
        Where the track does not fit into the outputs, or a fade is longer than it.
    """
    rate = audio.sample_rate
    gains = (level_gain(settings.gain, rate), *fades(audio, name, settings.fade_in, settings.fade_out, shape))
    feeds = feeds_of(name, audio.channels, settings.first, outputs, settings.pan, law, rate)
    return Part(name, audio, round(settings.offset * rate), gains, feeds)


def clip_part(name: str, audio: Audio, start: int, fade: tuple[int, int], shape: FadeShape, channels: int) -> Part:
    """Return a clip of a sequence; start and fades are in samples, a mono clip goes to all channels."""
    feeds = tuple(Feed(channel if audio.channels > 1 else 0, channel) for channel in range(channels))
    gains = (fade_gain(audio.length, *fade, shape),) if any(fade) else ()
    return Part(name, audio, start, gains, feeds)


def fades(audio: Audio, name: str, fade_in: float, fade_out: float, shape: FadeShape) -> tuple[Gain, ...]:
    """Return the gain of fades in seconds at the ends of a sound; nothing where there is no fade.

    Raises
    ------
    MistakeError
        Where a fade is longer than the sound.
    """
    lengths = []
    for parameter, time in (("fade_in", fade_in), ("fade_out", fade_out)):
        lengths.append(round(time * audio.sample_rate))
        if lengths[-1] > audio.length:
            raise mistake(
                f"{name} is shorter than its fade",
                parameter=parameter,
                given=f"{time:g} s",
                allowed=f"{audio.duration:.6g} s or less, as long as {name} lasts",
            )
    return (fade_gain(audio.length, lengths[0], lengths[1], shape),) if any(lengths) else ()


def common_channels(widths: Sequence[int]) -> int:
    """Return how many channels clips have together, of which some may be mono.

    Raises
    ------
    MistakeError
        Where they have different numbers of channels, mono apart.
    """
    wide = sorted({width for width in widths if width > 1})
    if len(wide) > 1:
        raise mistake(
            "the clips differ in channels",
            parameter="clips",
            given=", ".join(f"clip {number}: {width}" for number, width in enumerate(widths, 1)),
            allowed="one number of channels for all; mono clips go to all channels",
            hint="bring them to one number of channels with 'mix' and its route",
        )
    return wide[0] if wide else 1


def stretch_of(length: int, sample_rate: int, start: float, duration: float | None) -> tuple[int, int]:
    """Return the first sample of a stretch of a sound of `length` samples, and the one behind its last.

    Raises
    ------
    MistakeError
        Where the stretch is empty or goes on after the end of the sound.
    """
    first = round(start * sample_rate)
    last = length if duration is None else first + round(duration * sample_rate)
    if first < last <= length:
        return first, last
    raise mistake(
        "the stretch does not lie within the sound",
        parameter="start" if first >= length else "duration",
        given=f"{first / sample_rate:.6g} s to {max(first, last) / sample_rate:.6g} s",
        allowed=f"at least one sample between 0 s and {length / sample_rate:.6g} s",
        hint="use 'loop' to make a sound longer, or 'sequence' with a duration to add silence",
    )


def cut_markers(markers: Sequence[Marker], start: float, stop: float) -> tuple[Marker, ...]:
    """Return the markers between two times, moved to begin at `start` and shortened to what lies within."""
    kept = []
    for marker in markers:
        begin, end = max(marker.time, start), min(marker.time + marker.duration, stop)
        if start <= marker.time < stop or begin < end:
            kept.append(Marker(begin - start, marker.label, max(0.0, end - begin)))
    return tuple(kept)
