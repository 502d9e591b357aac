"""Sounds one after another."""

from typing import Annotated

from pydantic import BeforeValidator

from nodes.mixing.each import require_each
from nodes.mixing.facts import sequence_facts
from nodes.mixing.gains import FadeShape
from nodes.mixing.placing import end_of, fades_of, starts_of
from nodes.mixing.summing import common_rate, in_order, summed
from nodes.mixing.tracks import clip_part, common_channels
from nodes.values.audio import Audio, Marker, Takes, flatten
from pipelines.node import node
from pipelines.quantities import Seconds

Label = Annotated[str, BeforeValidator(lambda label: str(label) if type(label) in (int, float) else label)]


@node(facts=sequence_facts)
def sequence(
    clips: list[Audio | Takes],
    *,
    times: list[Seconds] | None = None,
    gap: Seconds = 0.0,
    crossfade: Seconds = 0.0,
    shape: FadeShape = "equal_power",
    labels: list[Label] | None = None,
    duration: Seconds | None = None,
) -> Audio:
    """Put sounds one after another, or at given times; they are summed where they overlap.

    Without `times` each clip begins where the one before ends, `gap` later or `crossfade` earlier; with
    `times` it begins where it is put. Positions are rounded to the nearest sample. In both cases a crossfade
    fades every clip in at its beginning and out at its end, except for the beginning of the first and the
    end of the last; this makes a crossfade where clips overlap by as much. Mono clips go to all channels.

    Parameters
    ----------
    clips
        Sounds of one sample rate, mono or of one number of channels; takes count as that many.
    times
        Where each clip begins, in the order of the clips.
    gap
        Silence between clips.
    crossfade
        Duration of the fades.
    shape
        'equal_power', sin(πx/2), which keeps the power of unrelated sounds, or 'linear', which keeps the
        amplitude of equal ones.
    labels
        A name for each clip; they become markers with the clip's place and duration.
    duration
        Duration of the whole, filled up with silence.

    Raises
    ------
    MistakeError
        Where sample rates or channels differ, a list does not fit the clips, a clip is too short for its
        crossfades, the whole is longer than `duration`, or a sample is NaN or infinite.
    """
    sounds = flatten(clips)
    rate, lengths = common_rate(sounds, "clips", "clip"), [sound.length for sound in sounds]
    channels, fade = common_channels([sound.channels for sound in sounds]), round(crossfade * rate)
    starts = starts_of(lengths, times, gap, crossfade, rate)
    parts = [
        clip_part(f"clip {number}", sound, start, own, shape, channels)
        for number, (sound, start, own) in enumerate(
            zip(sounds, starts, fades_of(starts, lengths, fade, rate), strict=True), 1
        )
    ]
    markers = [marker for part in parts for marker in part.markers()]
    if labels is not None:
        require_each(labels, len(sounds), "labels")
        named = zip(parts, labels, strict=True)
        markers = [
            *(Marker(part.start / rate, label, part.audio.duration) for part, label in named),
            *markers,
        ]
    length = end_of(max(part.stop for part in parts), duration, rate)
    return Audio(summed(parts, channels, length), rate, in_order(markers))
