"""The short-time Fourier transform as nodes."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from nodes.spectra.windows import WindowName, default_hop, require_hop, window_of
from nodes.values.audio import Audio
from nodes.values.spectrogram import Spectrogram
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit


def _stft_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse a hop that cannot be undone before anything runs."""
    n_fft = parameters["n_fft"]
    require_hop(parameters["window"], n_fft, parameters["hop"] or default_hop(n_fft))
    return {"value": inputs["audio"] or {}}


@node(facts=_stft_facts)
def stft(
    audio: Audio,
    *,
    n_fft: Annotated[int, Field(ge=2, le=2**20), Unit("samples")] = 2048,
    hop: Annotated[int, Field(ge=1), Unit("samples")] | None = None,
    window: WindowName = "hann",
    context: Context,
) -> Spectrogram:
    """Return the complex short-time spectra of a sound; `istft` brings it back.

    Frame k is centred on sample k·hop, with zeros outside of the sound; there are
    1 + ⌈(samples - 1) / hop⌉ frames of n_fft // 2 + 1 bins. `istft` of the result differs from the sound by
    less than 1e-6 of full scale. The spectra are 8 · (n_fft / 2 + 1) / hop bytes a sample; they lie on disk.

    Parameters
    ----------
    audio
        A sound of one sample or more.
    n_fft
        Length of a frame and of its transform.
    hop
        Distance of frames; a quarter of n_fft where it is not given.
    window
        Weighting of each frame, periodic.

    Raises
    ------
    MistakeError
        Where the hop is too large for the way back, the sound is empty, or a sample is NaN or infinite.
    """
    from nodes.spectra.transform import frame_count, transform

    hop = hop or default_hop(n_fft)
    require_hop(window, n_fft, hop)
    if audio.length == 0:
        raise mistake("the sound is empty", parameter="audio", given="0 samples", allowed="one sample or more")
    shape = (audio.channels, n_fft // 2 + 1, frame_count(audio.length, hop))
    spectra = context.array(shape, np.complex64)
    transform(audio.samples, audio.sample_rate, window_of(window, n_fft), hop, spectra)
    return Spectrogram(spectra, audio.sample_rate, n_fft, hop, window, audio.length)


def _istft_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return what was known of the sound that was analysed."""
    return {"value": inputs["spectrogram"] or {}}


@node(facts=_istft_facts)
def istft(spectrogram: Spectrogram) -> Audio:
    """Return the sound whose short-time spectra are nearest to these: the exact one where there is one.

    The frames are overlap-added with the window of the analysis, which is the least-squares answer for
    spectra that were changed in between.

    Parameters
    ----------
    spectrogram
        Spectra with the parameters of their analysis.

    Raises
    ------
    MistakeError
        Where the spectra do not fit their parameters, their hop is too large, or they hold NaN or infinity.
    """
    from nodes.spectra.transform import frame_count, inverse
    from nodes.values.blocks import require_finite_sound

    s = spectrogram
    require_hop(s.window, s.n_fft, s.hop)
    expected = (s.n_fft // 2 + 1, frame_count(s.samples, s.hop))
    if s.spectra.shape[1:] != expected:
        raise mistake(
            "the spectra do not fit the parameters of their analysis",
            parameter="spectrogram",
            given=f"{s.spectra.shape[1]} bins × {s.spectra.shape[2]} frames",
            allowed=f"{expected[0]} bins × {expected[1]} frames for {s.samples} samples",
        )
    samples = inverse(s.spectra, window_of(s.window, s.n_fft), s.hop, s.samples)
    require_finite_sound(samples, s.sample_rate, "the sound of these spectra")
    return Audio(samples, s.sample_rate)
