"""Statistics of textures: `texture_statistics`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from nodes.textures.auditory.model import AuditoryModel, published
from nodes.textures.bins.model import BinModel
from nodes.textures.model import TextureModel, refuse_short
from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.mistakes import mistake, shown
from pipelines.node import Facts, node
from pipelines.quantities import Hertz, Unit

OF_ONE_MODEL = {"auditory": ("lowest", "highest", "modulation_bands"), "stft": ("n_fft", "hop")}
"""Parameters that only one of the models has."""

FEW = 3.0
"""Seconds of a sound below which statistics say little."""

Model = Literal["auditory", "stft"]


def _facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse choices that do not fit; tell what is known of the sound, and the classes of the statistics."""
    known: Facts = inputs["audio"] or {}
    choices = {name: value for name, value in parameters.items() if name != "model"}
    front_end = model_of(parameters["model"], known.get("sample_rate", 44100), **choices)
    kept = {name: value for name, value in known.items() if name in ("sample_rate", "channels")}
    kept["model"] = front_end.name
    left_out = front_end.linked if known.get("channels") == 1 else ()
    if "sample_rate" in known:
        if "duration" in known:
            refuse_short(round(known["duration"] * known["sample_rate"]), front_end)
        kept["shortest"] = front_end.shortest()
        kept["axes"] = {name: axes for name, axes in front_end.axes().items() if name not in left_out}
    return {"value": {**kept, "classes": tuple(name for name in front_end.domains if name not in left_out)}}


@node(facts=_facts)
def texture_statistics(
    audio: Audio,
    *,
    model: Model = "auditory",
    bands: Annotated[int, Field(ge=4, le=200), Unit("bands")] | None = None,
    lowest: Hertz | None = None,
    highest: Hertz | None = None,
    modulation_bands: Annotated[int, Field(ge=4, le=60), Unit("bands")] | None = None,
    n_fft: Annotated[int, Field(ge=64, le=2**15), Unit("samples")] | None = None,
    hop: Annotated[int, Field(ge=1), Unit("samples")] | None = None,
    context: Context,
) -> TextureStatistics:
    """Return statistics of a sound from which others of the same texture, of any length, are made with `invert`.

    `model: auditory`, after McDermott and Simoncelli (Neuron 2011), has the power of each band (`band_power`); mean,
    relative deviation, skewness and kurtosis of its compressed envelope (`envelope_mean`, `envelope_variation`,
    `envelope_skewness`, `envelope_kurtosis`); how envelopes go together (`envelope_correlation`), and each with
    itself 10 ms to 0.75 s later, which tells rhythms and how long events last (`envelope_autocorrelation`); how strong
    each rate of modulation is (`modulation_power`), how the modulations of neighbouring bands go together
    (`modulation_correlation`), and how those an octave apart do in one band, which tells attacks from decays
    (`modulation_phase`). To these come two of what is slower than 2 Hz: how bands swell together (`swell_correlation`),
    and how much stronger faster modulations become as a band swells (`swell_coupling`); sounds and stretches of less
    than 3 s have too few swells for them. Of several channels also what each has in common with the one before, the
    first with the last: of the bands themselves (`interaural_coherence`, real and imaginary part: how wide, and of
    which phase) and of their envelopes (`interaural_correlation`: whether events are in both). Bands 50 dB below the
    strongest do not count.

    `model: stft`, after Liao, Roebel and Su (DAFx 2013), has the same moments of the magnitudes of bins, grouped in
    bands (`bin_mean`, `bin_variation`, `bin_skewness`, `bin_kurtosis`), their autocorrelation functions
    (`bin_autocorrelation`) and cross-correlation functions (`bin_crosscorrelation`), up to a second and a quarter.

    All are means over time. Sounds longer than 6 s are measured in stretches, whose statistics are averaged.

    Parameters
    ----------
    audio
        A sound that is alike everywhere, of 3 s or more.
    model
        The front end.
    bands
        Frequency bands, spaced as the ear's: 30 between a low-pass and a high-pass (auditory), or 64 groups of bins
        (stft), unless given.
    lowest, highest
        auditory: where the bands begin and end; from 20 Hz to 10 kHz, as published, or to half the sample rate
        unless given.
    modulation_bands
        auditory: bands of modulation from 0.5 to 200 Hz, evenly spaced in octaves; 20 unless given.
    n_fft, hop
        stft: length of a frame, 1024 samples unless given, and distance of frames, a quarter of that unless given.

    Raises
    ------
    MistakeError
        Where the bands do not fit, a parameter belongs to the other model, the sound is too short, or a sample is NaN
        or infinite.
    """
    from nodes.textures.measuring import statistics_of

    front_end = model_of(
        model,
        audio.sample_rate,
        bands=bands,
        lowest=lowest,
        highest=highest,
        modulation_bands=modulation_bands,
        n_fft=n_fft,
        hop=hop,
    )
    found = statistics_of(audio, front_end, context.device)
    if audio.duration < FEW:
        context.note(f"{audio.duration:.3g} s are few for statistics: {FEW:g} s and more are wise")
    return found


def model_of(model: Model, sample_rate: int, **choices: Any) -> TextureModel:
    """Return a front end; choices that are None are left to it.

    Raises
    ------
    MistakeError
        Where a choice belongs to the other model, or bands do not fit.
    """
    for other, names in OF_ONE_MODEL.items():
        for name in names:
            if other != model and choices[name] is not None:
                raise mistake(
                    f"'{name}' goes with model: {other} only",
                    parameter=name,
                    given=shown(choices[name]),
                    allowed=f"nothing with model: {model}",
                )
    given = {name: value for name, value in choices.items() if value is not None}
    if model == "stft":
        n_fft = given.get("n_fft", 1024)
        return BinModel(sample_rate, n_fft, given.get("hop", n_fft // 4), given.get("bands", 64))
    lowest = given.pop("lowest", 20.0)
    return AuditoryModel(sample_rate, lowest, top_of(lowest, given.pop("highest", None), sample_rate), **given)


def top_of(lowest: float, highest: float | None, sample_rate: int) -> float:
    """Return the highest frequency of the bands.

    Raises
    ------
    MistakeError
        Where it is above half the sample rate, or not above the lowest.
    """
    half = sample_rate / 2
    top = published(sample_rate).highest if highest is None else highest
    if top > half or lowest >= top:
        wrong = "highest" if top > half else "lowest"
        raise mistake(
            "the bands do not fit between 0 Hz and half the sample rate",
            parameter=wrong,
            given=f"{top if wrong == 'highest' else lowest:g} Hz",
            allowed=f"up to {half:g} Hz" if wrong == "highest" else f"less than {top:g} Hz",
        )
    return top
