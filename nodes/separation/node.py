"""Taking a sound apart as nodes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit


class Parts(NamedTuple):
    """Three sounds that add up to the one that was separated."""

    harmonic: Audio
    percussive: Audio
    residual: Audio


def _hop_of(n_fft: int, hop: int | None) -> int:
    hop = hop or n_fft // 4
    if hop > n_fft // 2:
        raise mistake(
            "frames this far apart lose parts of the sound",
            parameter="hop",
            given=f"{hop} with frames of {n_fft} samples",
            allowed=f"1 to {n_fft // 2} samples",
            hint=f"leave hop out to get {n_fft // 4}",
        )
    return hop


def _separate_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse a hop that is too large before anything runs; every part is like the input."""
    _hop_of(parameters["n_fft"], parameters["hop"])
    return {part: inputs["audio"] or {} for part in Parts._fields}


@node(facts=_separate_facts)
def separate(
    audio: Audio,
    *,
    method: Literal["harmonic_percussive"] = "harmonic_percussive",
    harmonic_kernel: Annotated[int, Field(ge=1, le=1001), Unit("frames")] = 31,
    percussive_kernel: Annotated[int, Field(ge=1, le=1001), Unit("bins")] = 31,
    harmonic_margin: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0,
    percussive_margin: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0,
    power: Annotated[float, Field(gt=0)] = 2.0,
    n_fft: Annotated[int, Field(ge=16, le=2**16), Unit("samples")] = 2048,
    hop: Annotated[int, Field(ge=1), Unit("samples")] | None = None,
    context: Context,
) -> Parts:
    """Return the harmonic and the percussive part of a sound, and what is neither.

    Each channel is separated on its own, by median filtering of its spectrogram (FitzGerald, "Harmonic/
    percussive separation using median filtering", DAFx 2010) as librosa does it. The residual is the sound
    less the two parts, so that the three add up to it; it holds something only where a margin is above 1
    (Driedger, Müller and Disch, "Extending harmonic-percussive separation of audio", ISMIR 2014). A long
    sound is separated in chunks with so much around them that their number does not change the result
    by more than rounding. The parts lie on disk.

    Parameters
    ----------
    audio
        A sound of any length.
    method
        How to separate.
    harmonic_kernel
        Length of the median along time: longer asks for steadier tones.
    percussive_kernel
        Length of the median along frequency: longer asks for broader strokes.
    harmonic_margin
        How many times the percussive estimate the harmonic one must reach.
    percussive_margin
        How many times the harmonic estimate the percussive one must reach.
    power
        Exponent of the masks: 2 shares a bin between the parts, '.inf' gives it to the stronger one.
    n_fft
        Length of a frame.
    hop
        Distance of frames, at most half of n_fft; a quarter of n_fft where it is not given.

    Raises
    ------
    MistakeError
        Where the hop is too large, or a sample is NaN or infinite.
    """
    from nodes.separation.hpss import MedianFilters, chunks_of, separate_into

    filters = MedianFilters(
        harmonic_kernel,
        percussive_kernel,
        power,
        harmonic_margin,
        percussive_margin,
        n_fft,
        _hop_of(n_fft, hop),
    )
    parts = [context.array(audio.samples.shape, np.float32) for _ in Parts._fields]
    chunks = context.progress(chunks_of(filters, audio.samples.shape))
    separate_into(filters, audio.samples, audio.sample_rate, chunks, *parts)
    return Parts(*(Audio(part, audio.sample_rate, audio.markers) for part in parts))
