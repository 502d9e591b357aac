"""A sound cut into equal segments."""

from typing import Annotated

import numpy as np
from pydantic import Field

from nodes.takes.cutting import Rest, asked_spans
from nodes.takes.facts import segments_facts
from nodes.values.audio import Audio, Takes
from nodes.values.blocks import require_finite, spans
from pipelines.context import Context, release
from pipelines.node import node
from pipelines.quantities import Seconds, Unit


@node(facts=segments_facts)
def segments(
    audio: Audio,
    *,
    duration: Seconds | None = None,
    samples: Annotated[int, Field(ge=1), Unit("samples")] | None = None,
    count: Annotated[int, Field(ge=1, le=10_000), Unit("segments")] | None = None,
    hop: Seconds | None = None,
    rest: Rest = "pad",
    context: Context,
) -> Takes:
    """Cut a sound into equal segments, as takes labelled 1, 2, 3 and so on.

    Their length is given in one of three ways. `take` with a label selects one of them for an inversion, in
    copies made by `each`; `takes_pool` brings the iterates of all together again.

    Parameters
    ----------
    audio
        A sound.
    duration
        Length of a segment, to the nearest sample.
    samples
        The same in samples, as in 262144 = 2^18 (5.944 s at 44.1 kHz, Hecker and Lostanlen's *Experimental
        Palimpsest*), 1048576 = 2^20 (21.845 s at 48 kHz, *FAVN*), 2097152 = 2^21 (43.691 s, *Modulator*).
    count
        Number of segments that the sound is cut into.
    hop
        Time from the beginning of a segment to that of the next, with `duration` or `samples`: shorter than a
        segment they overlap, longer they leave something out. The segment's length unless given.
    rest
        What becomes of a last segment that goes on after the end of the sound: 'pad' fills it up with silence,
        'keep' leaves it shorter, 'drop' leaves it out.

    Raises
    ------
    MistakeError
        Where the length is given in no way or in several, nothing is left, there would be more than 10 000
        segments, or a sample is NaN or infinite.
    """
    asked = {"duration": duration, "samples": samples, "count": count, "hop": hop, "rest": rest}
    found = asked_spans(audio.length, audio.sample_rate, asked)
    size = max(stop - start for start, stop in found)
    cut = context.array((len(found), audio.channels, size), np.float32)
    for own, (first, last) in zip(cut, context.progress(found), strict=True):
        for start, stop in spans(min(last, audio.length) - first):
            block = audio.samples[:, first + start : first + stop]
            require_finite(block, audio.sample_rate, first + start)
            own[:, start:stop] = block
            release(audio.samples)
        release(cut)
    kept = tuple(own[:, : last - first] for own, (first, last) in zip(cut, found, strict=True))
    return Takes(kept, audio.sample_rate, tuple(str(number) for number in range(1, len(found) + 1)))
