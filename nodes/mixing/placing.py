"""Where the clips of a sequence begin, and where they are faded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from nodes.mixing.each import require_each
from pipelines.mistakes import mistake


def starts_of(
    lengths: Sequence[int], times: Sequence[float] | None, gap: float, crossfade: float, sample_rate: int
) -> list[int]:
    """Return where clips begin, in samples: at their times, or one after another.

    Parameters
    ----------
    lengths
        Samples of each clip.
    times, gap, crossfade
        Of `sequence`, in seconds.
    sample_rate
        Samples a second.

    Raises
    ------
    MistakeError
        Where a gap is given with what it does not go with, or the times are not as many as the clips.
    """
    if gap and (crossfade or times is not None):
        raise mistake(
            "a gap goes neither with a crossfade nor with times",
            parameter="gap",
            given=f"{gap:g} s",
            allowed="0, or no crossfade and no times",
        )
    if times is not None:
        require_each(times, len(lengths), "times")
        return [round(time * sample_rate) for time in times]
    between = round(gap * sample_rate) - round(crossfade * sample_rate)
    return list(accumulate((length + between for length in lengths[:-1]), initial=0))


def fades_of(starts: Sequence[int], lengths: Sequence[int], crossfade: int, sample_rate: int) -> list[tuple[int, int]]:
    """Return (fade in, fade out) of each clip; all in samples.

    Every clip is faded at both ends, except for the beginning of the one that begins first and the end of
    the one that ends last.

    Raises
    ------
    MistakeError
        Where a clip is too short to hold its fades.
    """
    count = len(starts)
    first = min(range(count), key=lambda clip: starts[clip])
    last = max(range(count), key=lambda clip: (starts[clip] + lengths[clip], clip))
    fades = [(0 if clip == first else crossfade, 0 if clip == last else crossfade) for clip in range(count)]
    for number, (length, fade) in enumerate(zip(lengths, fades, strict=True), 1):
        if sum(fade) > length:
            raise mistake(
                f"clip {number} is shorter than its crossfades",
                parameter="crossfade",
                given=f"{sum(fade) / sample_rate:.6g} s of fades in {length / sample_rate:.6g} s of sound",
                allowed="crossfades that every clip can hold at both of its ends",
            )
    return fades


def end_of(end: int, duration: float | None, sample_rate: int) -> int:
    """Return the length of the whole in samples: the end of the last clip, or the duration asked for.

    Raises
    ------
    MistakeError
        Where the clips go on after the duration.
    """
    if duration is None:
        return end
    length = round(duration * sample_rate)
    if end > length:
        raise mistake(
            "the clips last longer than the whole is to be",
            parameter="duration",
            given=f"{duration:g} s",
            allowed=f"{end / sample_rate:.6g} s or more",
            hint="use 'cut' to shorten a clip or the sequence",
        )
    return length
