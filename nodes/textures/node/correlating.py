"""Correlations of random networks as a node: `texture_correlate`."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from nodes.textures.correlations.model import Correlate, CorrelationModel, Spectrogram
from nodes.textures.correlations.value import TextureCorrelations
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Seconds, Unit

FRAME_SECONDS = 0.0232
"""Length of a frame unless it is given: 1024 samples at 44100 Hz."""

BANDS = 64
"""Bands of a log spectrogram unless they are given."""

COPYING = 1.0
"""Statistics a sample beyond which a resynthesis tends to copy."""

FEWER: dict[Correlate, str] = {"filters": ", or correlate=gram", "frequencies": ", or correlate=filters", "gram": ""}
"""What else has fewer statistics."""

MOST_STATISTICS = 10**8
"""Statistics of a channel beyond which they would fill the memory."""

Size = Annotated[int, Field(ge=1, le=1024)]
KERNELS: dict[Spectrogram, list[tuple[int, int]]] = {
    "log": [(25, 2), (13, 3), (5, 5), (1, 51)],
    "ri": [(101, 2), (53, 3), (11, 5), (27, 27)],
}
"""Kernels unless they are given; those of 'ri' are four of the eight of Caracalla and Roebel (ICASSP 2020)."""


def _facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse what does not fit before anything runs; tell channels and classes where the sound is known."""
    known: Facts = inputs["audio"] or {}
    if known.get("sample_rate"):
        choices = {name: value for name, value in parameters.items() if name != "diversity"}
        classes = _model(known["sample_rate"], **choices).classes
        kept = {name: known[name] for name in ("sample_rate", "channels") if name in known}
        return {"value": {**kept, "classes": (*classes, "diversity") if parameters["diversity"] else classes}}
    if parameters["kernels"] is not None and parameters["spectrogram"] == "log":
        _refuse_kernels(parameters["kernels"], parameters["bands"] or BANDS)
    return {}


@node(facts=_facts)
def texture_correlate(
    audio: Audio,
    *,
    spectrogram: Spectrogram = "log",
    bands: Annotated[int, Field(ge=2, le=512), Unit("bands")] | None = None,
    kernels: Annotated[list[tuple[Size, Size]], Unit("bands × frames")] | None = None,
    filters: Annotated[int, Field(ge=1, le=512), Unit("filters per kernel")] = 16,
    network_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0,
    correlate: Correlate = "filters",
    autocorrelation: Annotated[list[Seconds], Field(min_length=1, max_length=64)] | None = None,
    diversity: Annotated[float, Field(ge=0, le=1e6)] = 0.0,
    n_fft: Annotated[int, Field(ge=16, le=2**16), Unit("samples")] | None = None,
    hop: Annotated[int, Field(ge=1), Unit("samples")] | None = None,
    context: Context,
) -> TextureCorrelations:
    """Return statistics of a sound from which another sound of the same texture can be made with `invert`.

    Classes: `level` of each band, of a log spectrogram also the `mean` of each band and the `covariance` of every two,
    and for each kernel `kernel_25x2`: the products of the feature maps of its random filters (Caracalla and Roebel,
    DAFx 2019 and ICASSP 2020). All are averages over time: the length of what is made from them is free. Magnitudes
    are relative to the level of their band. Logged as `statistics_per_sample` is how many there are; where they come
    near 1 and above a resynthesis begins to copy its source.

    Parameters
    ----------
    audio
        A sound that is alike everywhere, of some seconds.
    spectrogram
        What the filters see: `log`, the logarithm of magnitudes in bands; or `ri`, real and imaginary parts of each
        bin, compressed, which tell phase too and are many more.
    bands
        Number of frequency bands of a log spectrogram, spaced as the ear's; 64 unless given.
    kernels
        Sizes [bands, frames] of the random filters: tall ones see how bands go together, long ones see rhythm.
        Unless given [25, 2], [13, 3], [5, 5] and [1, 51]; of `ri` [101, 2], [53, 3], [11, 5] and [27, 27]; no taller
        than there are bands or bins.
    filters
        Number of filters of each kernel.
    network_seed
        Seed of the filters; statistics can be compared only at one seed.
    correlate
        `filters`: every two filters at each frequency. `frequencies`: every two frequencies of each filter, which are
        more, and of `ri` so many more that they give the source back. `gram`: every two filters over all frequencies,
        the fewest; with kernels as tall as there are bands these are the statistics of Antognini, Hoffman and Weiss
        (ICASSP 2019).
    autocorrelation
        Lags at which each feature map is compared with itself, as `autocorrelation_25x2`: for rhythms that are longer
        than the kernels. Lags count in whole hops.
    diversity
        How much it counts that the result is not made of pieces of this sound, beside 1 for each other class: for
        settings with so many statistics that they copy, such as `ri` with many filters or `frequencies`; 1 to 4 do.
        Each fifth of a second is compared with every place of the sound, or of its first minute (of all channels
        together), which is kept with the statistics. What lies above what is natural, as the sound has with other
        places of itself or with its own spectrum at random phases, makes up the class `diversity`. After Antognini,
        Hoffman and Weiss. It costs the nearness that comes of copying.
    n_fft
        Length of a frame; the power of two nearest to 23 ms unless given.
    hop
        Distance of frames; a quarter of n_fft unless given.

    Raises
    ------
    MistakeError
        Where the sound is too short, bands, kernels, lags or frames do not fit each other, there are more statistics
        than memory holds, or a sample is NaN or infinite.
    """
    from nodes.textures.correlations.analysis import correlations_of
    from nodes.values.blocks import require_finite_sound

    model = _model(
        audio.sample_rate, spectrogram, bands, kernels, filters, network_seed, correlate, autocorrelation, n_fft, hop
    )
    require_finite_sound(audio.samples, audio.sample_rate)
    found = correlations_of(audio, model, context.device, diversity)
    density = found.count / audio.length
    context.log("statistics_per_sample", density)
    unlike = "" if diversity else "; or set diversity"
    if density > COPYING:
        context.note(
            f"{density:.3g} statistics a sample ({found.count} of {audio.length} samples): a resynthesis can become "
            f"a copy of its source; fewer has a longer sound, or fewer kernels or filters{FEWER[correlate]}{unlike}"
        )
    return found


def _model(
    sample_rate: int,
    spectrogram: Spectrogram,
    bands: int | None,
    kernels: list[tuple[int, int]] | None,
    filters: int,
    network_seed: int,
    correlate: Correlate,
    autocorrelation: list[float] | None,
    n_fft: int | None,
    hop: int | None,
) -> CorrelationModel:
    """Return the front end that is asked for; refuse what does not fit."""
    n_fft = n_fft or max(16, 2 ** round(math.log2(FRAME_SECONDS * sample_rate)))
    hop = hop or n_fft // 4
    rows = _rows(spectrogram, bands, n_fft)
    if kernels is None:
        kernels = list(dict.fromkeys((min(height, rows), width) for height, width in KERNELS[spectrogram]))
    _refuse_kernels(kernels, rows)
    _refuse_hop(n_fft, hop)
    lags = _lags(autocorrelation or [], hop, sample_rate)
    model = CorrelationModel(
        sample_rate, n_fft, hop, spectrogram, rows, tuple(kernels), filters, network_seed, correlate, lags
    )
    _refuse_count(model)
    return model


def _rows(spectrogram: Spectrogram, bands: int | None, n_fft: int) -> int:
    """Return the number of bands or bins; refuse bands where there are bins, and more bands than bins."""
    if spectrogram == "ri":
        if bands is not None:
            raise mistake(
                "a spectrogram of real and imaginary parts has the bins of its frames, no bands",
                parameter="bands",
                given=str(bands),
                hint=f"leave bands out ({n_fft // 2 + 1} bins), and set n_fft for fewer or more bins",
            )
        return n_fft // 2 + 1
    bands = bands or BANDS
    if bands > n_fft // 2 - 1:
        raise mistake(
            "there are more bands than bins",
            parameter="bands",
            given=f"{bands} with frames of {n_fft} samples",
            allowed=f"2 to {n_fft // 2 - 1}",
            hint="raise n_fft or lower bands",
        )
    return bands


def _refuse_kernels(kernels: list[tuple[int, int]], bands: int) -> None:
    """Refuse kernels that are taller than the spectrogram, or given twice."""
    for kernel in kernels:
        if kernel[0] > bands:
            raise mistake(
                "a kernel is taller than there are bands",
                parameter="kernels",
                given=f"{list(kernel)} with {bands} bands",
                allowed=f"a height of 1 to {bands}",
            )
        if kernels.count(kernel) > 1:
            raise mistake("a kernel is given twice", parameter="kernels", given=str(list(kernel)))


def _refuse_hop(n_fft: int, hop: int) -> None:
    """Refuse frames so far apart that they miss parts of the sound."""
    if hop > n_fft // 2:
        raise mistake(
            "frames this far apart do not see all of the sound",
            parameter="hop",
            given=f"{hop} with frames of {n_fft} samples",
            allowed=f"1 to {n_fft // 2} samples",
            hint=f"leave hop out to get {n_fft // 4}",
        )


def _lags(seconds: list[float], hop: int, sample_rate: int) -> tuple[int, ...]:
    """Return lags in frames; refuse those that are no frame long, and two of the same number of frames."""
    lags = tuple(round(lag * sample_rate / hop) for lag in seconds)
    for lag, frames in zip(seconds, lags, strict=True):
        if frames == 0 or lags.count(frames) > 1:
            raise mistake(
                "a lag is shorter than a hop" if frames == 0 else "two lags are the same number of hops",
                parameter="autocorrelation",
                given=f"{lag:g} s, {frames} hops of {hop / sample_rate:.4g} s",
                allowed="lags of different numbers of whole hops, from 1 hop on",
            )
    return lags


def _refuse_count(model: CorrelationModel) -> None:
    """Refuse more statistics than memory holds."""
    if model.count > MOST_STATISTICS:
        raise mistake(
            "there are more statistics than memory holds",
            given=f"{model.count} a channel",
            allowed=f"{MOST_STATISTICS}; fewer than samples is wise",
            hint=f"take fewer bands (or a shorter n_fft), kernels or filters{FEWER[model.correlate]}",
        )
