"""Scattering transforms as nodes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from nodes.scattering.choices import Choices, axes_of, chunk_samples, design_for, refuse_nothing_left, require_averaging
from nodes.scattering.value import Scattering
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.node import Facts, node
from pipelines.quantities import Hertz, Seconds, Unit

Octaves = Annotated[float, Field(gt=0, le=16, allow_inf_nan=False), Unit("octaves")]
Scale = Annotated[float, Field(ge=0, allow_inf_nan=False), Unit("cycles per octave")]


def _scatter_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse choices that do not go together; tell what is known of the sound, the classes and their axes.

    The duration is told where the coefficients are compared frame by frame, and so bind what shall have them.
    """
    known: Facts = inputs["audio"] or {}
    names = Choices._fields
    refuse_nothing_left(parameters["normalise"], parameters["averaging"])
    design = design_for(Choices(**{name: parameters[name] for name in names}), known.get("sample_rate"))
    if rate := known.get("sample_rate"):
        chunk_samples(parameters["chunk"], design, rate)
    if rate and "duration" in known:
        require_averaging(design, round(known["duration"] * rate), rate)
    bound = ("duration",) if design.averaging else ()
    kept = {name: value for name, value in known.items() if name in ("sample_rate", "channels", *bound)}
    if rate:
        kept["axes"] = axes_of(design, rate)
    classes = ("order1", "order2") if design.modulators else ("order1",)
    return {"value": {**kept, "classes": classes, "scattering": parameters["kind"]}}


@node(facts=_scatter_facts)
def scatter(
    audio: Audio,
    *,
    kind: Literal["time", "joint", "spiral"] = "joint",
    octaves: Annotated[int, Field(ge=1, le=20), Unit("octaves")] | None = None,
    lowest: Hertz | None = None,
    quality: Annotated[int, Field(ge=1, le=48), Unit("filters per octave")] = 12,
    orders: Literal[1, 2] = 2,
    order1: Literal["bands", "scales"] = "bands",
    averaging: Seconds | Literal["global"] | None = None,
    octave_averaging: Octaves | Literal["global"] | None = None,
    octave_span: Octaves = 1.0,
    rates: Annotated[list[Hertz], Field(min_length=2, max_length=2)] | None = None,
    scales: Annotated[list[Scale], Field(min_length=2, max_length=2)] | None = None,
    rates_per_octave: Annotated[int, Field(ge=1, le=16)] = 1,
    scales_per_octave: Annotated[int, Field(ge=1, le=16)] = 1,
    wavelet: Literal["morlet", "gammatone"] = "morlet",
    boundary: Literal["reflect", "circular"] = "reflect",
    sampling: Literal["fitted", "full"] = "fitted",
    chunk: Seconds | None = None,
    logarithm: Annotated[float, Field(gt=0, le=1e6)] | None = None,
    normalise: bool = False,
    precision: Literal["single", "double"] = "single",
    context: Context,
) -> Scattering:
    """Return the scattering of a sound: how strong each band is, and how strong each modulation of the bands.

    Order 1 is the modulus of each of `quality` bands an octave, averaged over time. Order 2 looks at those moduli
    as at an image of time and log-frequency. `kind: time` filters it along time, at rates in Hz (Mallat 2012; Andén
    and Mallat 2014); `kind: joint` also along log-frequency, at scales in cycles per octave, so that a rising
    pattern (positive scale) differs from a falling one (Andén, Lostanlen and Mallat 2019). It is what `invert`
    descends to, and what `metamodulate` edits.

    Long sounds are computed in overlapping chunks under Hann windows, in bounded memory.

    Parameters
    ----------
    audio
        A sound of any length and number of channels.
    kind
        'joint': rates and scales; 'time': rates alone; 'spiral': also scales across octaves, from band to band of one
        pitch class, in cycles per octave (Lostanlen and Mallat 2015), which costs about seven times as much.
    octaves
        The longest filters have 2^octaves samples: at 44100 Hz 46 ms for 11 octaves, the default.
    lowest
        Instead of octaves: down to which frequency bands keep their `quality`; below they are evenly spaced.
    quality
        Filters in each octave of the first order.
    orders
        1 for the bands alone, 2 for their modulations too.
    order1
        'bands', or 'scales' for the bands filtered along log-frequency and averaged as the second order is: then
        nothing remains that changes with transposition.
    averaging
        Time over which coefficients are averaged, rounded to a power of two of samples; 'global' for one mean over
        the sound; 2^octaves samples where it is not given. The shorter, the more the coefficients determine the
        sound; the longer, the more freedom an inversion has.
    octave_averaging
        Octaves over which what has scales is averaged along log-frequency, rounded to a power of two of bands;
        'global' for one mean; no averaging where it is not given. It makes the coefficients indifferent to
        transposition (kind: joint).
    octave_span
        Octaves that the longest filters along log-frequency span, rounded to a power of two of bands.
    rates
        [least, greatest] rate of the second order. Fast rates cost most: without those over 500 Hz a second order
        takes a third of the time.
    scales
        [least, greatest] scale of the second order without its sign; a least one above 0 leaves out the mean over
        the octaves, scale 0.
    rates_per_octave
        Filters in an octave of rates.
    scales_per_octave
        Filters in an octave of scales.
    wavelet
        'morlet', symmetrical in time, or 'gammatone', which begins at once and dies away.
    boundary
        What stands beside the sound: 'reflect', the sound mirrored, or 'circular', the sound again, as for loops.
    sampling
        'fitted' computes moduli at the rates that their bandwidths ask for, to about 0.2 percent; 'full' at those
        of Kymatio (Andreux et al. 2020), with its coefficients to 1e-5, several times slower.
    chunk
        Length of the chunks in which a longer sound is computed, rounded up to a power of two of samples; where it is
        not given, sounds longer than two chunks of a length that suits the filters (3 s or more at 44100 Hz) are.
    logarithm
        ε of log(1 + S / (ε μ)), with μ the mean over time and channels of the path in this sound (of all paths of its
        order, with `averaging: global`); S itself where not given. It weighs quiet bands as it does loud ones: 1 is a
        good first choice, smaller ones weigh quiet moments more.
    normalise
        Divide each path by that mean; not with `averaging: global`, where nothing else would be left.
    precision
        'single' or 'double' floating point.

    Raises
    ------
    MistakeError
        Where choices do not go together, the sound is empty, or a sample is NaN or infinite.
    """
    from nodes.scattering.analysis import scattering_of
    from nodes.scattering.choices import require_sound

    require_sound(audio)
    refuse_nothing_left(normalise, averaging)
    choices = Choices(
        kind=kind,
        octaves=octaves,
        lowest=lowest,
        quality=quality,
        orders=orders,
        averaging=averaging,
        octave_averaging=octave_averaging,
        octave_span=octave_span,
        rates=rates,
        scales=scales,
        rates_per_octave=rates_per_octave,
        scales_per_octave=scales_per_octave,
        wavelet=wavelet,
        boundary=boundary,
        sampling=sampling,
        order1=order1,
    )
    design = design_for(choices, audio.sample_rate)
    require_averaging(design, audio.length, audio.sample_rate)
    return scattering_of(
        audio,
        design,
        chunk=chunk_samples(chunk, design, audio.sample_rate),
        double=precision == "double",
        logarithm=logarithm,
        normalised=normalise,
        device=context.device,
    )
