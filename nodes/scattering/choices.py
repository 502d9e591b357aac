"""From what a composer writes, in seconds, Hz and octaves, to what a transform is, in samples and bands."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from nodes.scattering.core.design import Boundary, Design, Kind, Sampling
from nodes.scattering.core.filters import LOWEST_WIDTH, Wavelet, bank, least_octaves, relative_width
from nodes.values.audio import Audio
from nodes.values.blocks import require_finite_sound
from pipelines.mistakes import mistake
from pipelines.value import Array

DEFAULT_OCTAVES = 11

ALWAYS_AVERAGED = 2**16
"""Averaging in samples that every sound may have, however short it is."""

ANY_RATE = 44100
"""Sample rate with which choices are checked where that of the sound is not known yet."""


class Choices(NamedTuple):
    """The parameters of `scatter` that make its design."""

    kind: Kind
    octaves: int | None
    lowest: float | None
    quality: int
    orders: int
    averaging: float | Literal["global"] | None
    octave_averaging: float | Literal["global"] | None
    octave_span: float
    rates: Sequence[float] | None
    scales: Sequence[float] | None
    rates_per_octave: int
    scales_per_octave: int
    wavelet: Wavelet
    boundary: Boundary
    sampling: Sampling
    order1: Literal["bands", "scales"]


def design_for(choices: Choices, sample_rate: int | None) -> Design:
    """Return the design; without a sample rate one that serves to check the choices.

    Raises
    ------
    MistakeError
        Where choices do not go together.
    """
    rate = sample_rate or ANY_RATE
    octaves = _octaves(choices, rate)
    _require_filters(choices.quality, octaves)
    if choices.kind == "time" and choices.scales is not None:
        raise mistake("scattering in time has no scales", parameter="scales", allowed="null", hint="kind: joint")
    if choices.kind == "time" and choices.order1 == "scales":
        raise mistake("scattering in time has no scales", parameter="order1", allowed="bands", hint="kind: joint")
    averaging = choices.averaging
    design = Design(
        kind=choices.kind,
        octaves=octaves,
        quality=choices.quality,
        orders=choices.orders,
        averaging=0 if averaging == "global" else int(2**octaves) if averaging is None else _power(averaging * rate),
        band_averaging=_band_averaging(choices),
        band_octaves=round(math.log2(_power(choices.octave_span * choices.quality))),
        rates=_range(choices.rates, rate, "rates"),
        scales=_range(choices.scales, choices.quality, "scales"),
        wavelet=choices.wavelet,
        boundary=choices.boundary,
        sampling=choices.sampling,
        rates_per_octave=choices.rates_per_octave,
        scales_per_octave=choices.scales_per_octave,
        band_scales=choices.order1 == "scales",
    )
    if design.kind != "time" and not bank(design.band_octaves, design.scales_per_octave):
        raise mistake(
            "filters along log-frequency of this length have no room for so many scales",
            parameter="scales_per_octave",
            given=f"{design.scales_per_octave} within {2**design.band_octaves} bands",
            allowed=f"{_most_scales(design.band_octaves)} or less",
            hint="raise quality or octave_span",
        )
    if sample_rate:
        _require_paths(design, rate)
    return design


def axes_of(design: Design, sample_rate: int) -> dict[str, dict[str, Array]]:
    """Return for each class and axis the values that its paths have, as far as the design tells: not their pairs.

    As `Scattering.axes`, whose values these are, in Hz and cycles per octave; a mean over all bands has NaN.
    """
    bands = {"frequency": np.array([carrier.centre * sample_rate for carrier in design.carriers])}
    scales = {"scale": np.array([each.scale * design.quality for each in design.scale_filters])}
    rates = {"rate": np.array([modulator.centre * sample_rate for modulator, _ in design.modulators])}
    scaled = {**scales, **({"frequency": np.array([math.nan])} if design.band_averaging < 0 else bands)}
    first = scaled if design.band_scales else bands
    second = {**rates, **(bands if design.kind == "time" else scaled)}
    return {"order1": first} | ({"order2": second} if design.modulators else {})


def require_averaging(design: Design, length: int, sample_rate: int) -> None:
    """Refuse filters, or an averaging, much longer than the sound."""
    most = max(2 * length, ALWAYS_AVERAGED)
    if 2**design.octaves > 2 * most:
        raise mistake(
            "the longest filters are much longer than the sound",
            parameter="octaves",
            given=f"{design.octaves}, {2**design.octaves / sample_rate:.4g} s for {length / sample_rate:.4g} s",
            allowed=f"{math.floor(math.log2(2 * most))} or less",
        )
    if design.averaging > max(2**design.octaves, most):
        raise mistake(
            "coefficients cannot be averaged over much more than the sound",
            parameter="averaging",
            given=f"{design.averaging / sample_rate:.4g} s for a sound of {length / sample_rate:.4g} s",
            allowed=f"{most / sample_rate:.4g} s or less",
            hint="averaging: global is one mean over the sound",
        )


def refuse_nothing_left(normalise: bool, averaging: float | str | None) -> None:
    """Refuse to divide means over the sound by themselves."""
    if normalise and averaging == "global":
        raise mistake(
            "a mean over the sound divided by itself is 1",
            parameter="normalise",
            given="true with averaging: global",
            allowed="false",
            hint="logarithm compares the paths with each other instead",
        )


def require_sound(audio: Audio) -> None:
    """Refuse a sound without channels or samples, or with a sample that is NaN or infinite."""
    if not audio.samples.size:
        raise mistake(
            "there is no sound to scatter",
            parameter="audio",
            given=f"{audio.channels} channels of {audio.length} samples",
            allowed="one channel and one sample or more",
        )
    require_finite_sound(audio.samples, audio.sample_rate)


def chunk_samples(seconds: float | None, design: Design, sample_rate: int) -> int | None:
    """Return the length of chunks in samples: the next power of two.

    Raises
    ------
    MistakeError
        Where chunks are shorter than four of the longest filters or averagings.
    """
    if seconds is None:
        return None
    samples = round(seconds * sample_rate)
    if samples < 4 * design.unit:
        raise mistake(
            "chunks are too short for filters and averaging of this length",
            parameter="chunk",
            given=f"{seconds:g} s",
            allowed=f"{_upwards(4 * design.unit / sample_rate)} s or more",
            hint="raise chunk, or lower octaves or averaging",
        )
    return int(2 ** math.ceil(math.log2(samples)))


def _octaves(choices: Choices, rate: int) -> int:
    if choices.lowest is None:
        return DEFAULT_OCTAVES if choices.octaves is None else choices.octaves
    if choices.octaves is not None:
        raise mistake(
            "the longest filters are given by octaves or by lowest, not by both",
            parameter="lowest",
            given=f"{choices.lowest:g} Hz with octaves: {choices.octaves}",
            allowed="one of the two",
        )
    if choices.lowest >= rate / 2:
        raise mistake(
            "there is no band at or above half the sample rate",
            parameter="lowest",
            given=f"{choices.lowest:g} Hz",
            allowed=f"less than {rate / 2:g} Hz",
        )
    width = relative_width(choices.quality) * choices.lowest / rate
    octaves = math.log2(LOWEST_WIDTH / width) if width > 0 else math.inf
    if not octaves <= 20:
        raise mistake(
            "filters down to this frequency would be longer than 2^20 samples",
            parameter="lowest",
            given=f"{choices.lowest:g} Hz",
            allowed=f"{_upwards(LOWEST_WIDTH * rate / 2**20 / relative_width(choices.quality))} Hz or more",
            hint="raise lowest, or lower quality",
        )
    return max(round(octaves), least_octaves(choices.quality))


def _require_filters(quality: int, octaves: int) -> None:
    if octaves < least_octaves(quality):
        raise mistake(
            f"with {quality} filters in an octave the filters are longer than this",
            parameter="octaves",
            given=str(octaves),
            allowed=f"{least_octaves(quality)} or more",
            hint="raise octaves, or lower quality",
        )


def _band_averaging(choices: Choices) -> int:
    octaves = choices.octave_averaging
    if octaves is None:
        return 0
    if choices.kind == "time" or (choices.orders < 2 and choices.order1 == "bands"):
        raise mistake(
            "only scales of joint scattering are averaged along log-frequency",
            parameter="octave_averaging",
            given=f"{octaves} with kind {choices.kind}, orders {choices.orders}, order1 {choices.order1}",
            allowed="kind: joint with orders: 2, or with order1: scales",
        )
    return -1 if octaves == "global" else _power(octaves * choices.quality)


def _upwards(number: float) -> str:
    """Return a number in three digits that is not below it, so that what a message allows is allowed."""
    step = 10.0 ** (math.floor(math.log10(number)) - 2)
    return f"{math.ceil(number / step) * step:.3g}"


def _most_scales(band_octaves: int) -> int:
    return max(number for number in range(1, 17) if number == 1 or bank(band_octaves, number))


def _power(number: float) -> int:
    """Return the nearest power of two, 1 or more."""
    return int(2 ** max(0, round(math.log2(max(number, 1.0)))))


def _range(limits: Sequence[float] | None, unit: float, parameter: str) -> tuple[float, float]:
    if limits is None:
        return (0.0, 1.0)
    if limits[0] > limits[1]:
        raise mistake(
            "the range is upside down",
            parameter=parameter,
            given=f"[{limits[0]:g}, {limits[1]:g}]",
            allowed="[least, greatest]",
        )
    return (limits[0] / unit, limits[1] / unit)


def _require_paths(design: Design, rate: int) -> None:
    """Refuse ranges of rates or scales in which no filter lies."""
    if design.orders < 2 and not design.band_scales:
        return
    centres = [modulator.centre * rate for modulator, _ in dataclasses.replace(design, rates=(0.0, 1.0)).modulators]
    if centres and not design.modulators:
        raise mistake(
            "no rate of the second order lies in this range",
            parameter="rates",
            given=f"[{design.rates[0] * rate:.4g}, {design.rates[1] * rate:.4g}] Hz",
            allowed=f"a range with one of {', '.join(f'{centre:.3g}' for centre in centres[::-1])} Hz in it",
        )
    if design.kind != "time" and not design.scale_filters:
        scales = [f.centre * design.quality for f in bank(design.band_octaves, design.scales_per_octave)]
        raise mistake(
            "no scale of the second order lies in this range",
            parameter="scales",
            given=f"[{design.scales[0] * design.quality:.4g}, {design.scales[1] * design.quality:.4g}]",
            allowed=f"a range with one of 0, {', '.join(f'{s:.3g}' for s in scales[::-1])} cycles per octave in it",
        )
