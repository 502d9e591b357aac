"""Pictures of textures as nodes: `texture_comparison` and `cochleagram`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from nodes.mixing.node.sequencing import Label
from nodes.takes.labels import nearest_label
from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio, Takes
from nodes.values.pages import PAGE
from nodes.values.plain import Figure
from pipelines.context import Context
from pipelines.mistakes import listed, mistake
from pipelines.node import Facts, node
from pipelines.quantities import Hertz, Unit

MOST_CHANNELS = 24
"""Channels of a cochleagram that are drawn."""

Width = Annotated[int, Field(ge=400, le=8000), Unit("pixels")]


def _comparison_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse a take that there is known not to be, and channels that do not go together; a plan sees to the rates."""
    target: Facts = inputs["target"] or {}
    result: Facts = inputs["result"] or {}
    if result.get("kind") == "Audio":
        _refuse_take(parameters["take"])
    elif result.get("labels") is not None:
        _place_of(parameters["take"], result["labels"])
    if target.get("channels") and result.get("channels"):
        _refuse_channels(result["channels"], target["channels"])
    return {}


@node(facts=_comparison_facts)
def texture_comparison(
    target: TextureStatistics,
    result: Audio | Takes,
    source: Audio | None = None,
    *,
    take: Label | None = None,
    width: Width = 1650,
    context: Context,
) -> Figure:
    """Draw the statistics of a sound against those that it should have, and its cochleagram.

    Each class is a panel with its signal-to-noise ratio in dB. What has one value a band is a line over frequency: the
    target blue, with a shade of one standard deviation, the result red. All else is dots: to the right what is wanted,
    upwards what is there, and what is right lies on the line. Statistics that move are compared stretch by stretch,
    as dots coloured by time. What does not count, such as bands 50 dB below the strongest, is faint.

    Parameters
    ----------
    target
        What the sound should have.
    result
        What was made.
    source
        The sound that the target was measured on, whose cochleagram is then drawn above that of the result.
    take
        Label of the take that is shown; the last one unless given.
    width
        Width of the picture.

    Raises
    ------
    MistakeError
        Where there are no takes, none has this label, sample rates or channels do not go together, a sound is too
        short, or a sample is NaN or infinite.
    """
    from nodes.scattering.multiples import own_style, pixels_of
    from nodes.textures.comparing import draw_comparison
    from nodes.textures.model import refuse_short
    from nodes.values.blocks import require_finite_sound
    from nodes.values.drawing import shown_label

    audio, name = _chosen(result, take)
    _refuse_channels(audio.channels, target.channels)
    for label, sound in (("result", audio), ("source", source)):
        if sound is not None:
            _refuse_rate(label, sound, target)
            require_finite_sound(sound.samples, sound.sample_rate, f"the {label}")
    refuse_short(audio.length, target.model)
    with own_style():
        figure = draw_comparison(target, audio, shown_label(name), source, context.device)
        return Figure(pixels_of(figure, width / PAGE))


def _cochleagram_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse bands that do not fit into a sound of known sample rate."""
    known: Facts = inputs["audio"] or {}
    if "sample_rate" in known:
        _top(parameters["lowest"], parameters["highest"], known["sample_rate"])
    return {}


@node(facts=_cochleagram_facts)
def cochleagram(
    audio: Audio,
    *,
    bands: Annotated[int, Field(ge=4, le=200), Unit("bands")] = 64,
    lowest: Hertz = 20.0,
    highest: Hertz | None = None,
    scale: Literal["compressed", "decibels"] = "compressed",
    width: Width = 1650,
    context: Context,
) -> Figure:
    """Draw the envelopes of the bands of an auditory model: time to the right, frequency as the ear spaces it upwards.

    After McDermott and Simoncelli (Neuron 2011): the amplitude of each band to the power of 0.3, as the ear compresses
    it, at 400 frames a second. One image for each channel, up to 24, all with one scale of colours.

    Parameters
    ----------
    audio
        A sound of any length.
    bands
        Frequency bands between a low-pass and a high-pass, which are the lowest and the highest row.
    lowest, highest
        Where they begin and end; up to half the sample rate, and 20 kHz at most, unless given.
    scale
        'compressed' shows the envelopes themselves; 'decibels' their level in dB of full scale, 60 dB down from the
        loudest.
    width
        Width of the picture.

    Raises
    ------
    MistakeError
        Where the bands do not fit, the sound has no samples, or a sample is NaN or infinite.
    """
    from nodes.scattering.multiples import own_style, pixels_of
    from nodes.textures.auditory.model import AuditoryModel
    from nodes.textures.cochleagrams import Cochleagram, cochleagrams_of, draw_cochleagrams, height_of, images_height
    from nodes.textures.panels import Sheet
    from nodes.values.blocks import require_finite_sound

    rate, channels = audio.sample_rate, min(audio.channels, MOST_CHANNELS)
    model = AuditoryModel(rate, lowest, _top(lowest, highest, rate), bands)
    if not audio.length or not channels:
        raise mistake("there is nothing to draw", parameter="audio", given="0 samples", allowed="1 sample or more")
    require_finite_sound(audio.samples, rate)
    found = cochleagrams_of(Audio(audio.samples[:channels], rate), model, context.device)
    names = [
        f"channel {row + 1} of {audio.channels}" if audio.channels > 1 else "cochleagram" for row in range(channels)
    ]
    grams = [
        Cochleagram(name, values, model.centres, audio.duration, model.compression)
        for name, values in zip(names, found, strict=True)
    ]
    height = height_of(channels)
    with own_style():
        sheet = Sheet(0, 0.3, images_height(channels, height))
        draw_cochleagrams(sheet, grams, sheet.bottom_of_panels, height, scale)
        return Figure(pixels_of(sheet.figure, width / PAGE))


def _chosen(result: Audio | Takes, take: str | None) -> tuple[Audio, str]:
    """Return the sound that is shown, and its name."""
    if isinstance(result, Audio):
        _refuse_take(take)
        return result, "result"
    place = _place_of(take, result.labels)
    return result.take(place), f"take {result.labels[place]}"


def _refuse_take(take: str | None) -> None:
    """Refuse the label of a take where there is but one sound."""
    if take is not None:
        raise mistake("one sound has no takes to choose from", parameter="take", given=take, allowed="nothing")


def _place_of(take: str | None, labels: Sequence[str]) -> int:
    """Return the place of the take that is asked for, or of the last one.

    Raises
    ------
    MistakeError
        Where there are no takes, or not exactly one has this label.
    """
    if not labels:
        raise mistake("there are no takes to draw", parameter="result", allowed="one take or more")
    if take is None:
        return len(labels) - 1
    if take not in labels:
        raise mistake(
            "there is no such take",
            parameter="take",
            given=take,
            allowed=listed(labels),
            hint=nearest_label(take, labels),
        )
    if list(labels).count(take) > 1:
        raise mistake("several takes have this label", parameter="take", given=take, allowed="labels that differ")
    return labels.index(take)


def _refuse_channels(result: int, target: int) -> None:
    """Refuse a sound of other channels than those of statistics of several."""
    if result != target != 1:
        raise mistake(
            "the channels do not go together",
            parameter="result",
            given=f"{result} beside statistics of {target}",
            allowed="as many as the statistics have; or statistics of one channel",
        )


def _refuse_rate(name: str, sound: Audio, target: TextureStatistics) -> None:
    if sound.sample_rate != target.sample_rate:
        raise mistake(
            "sounds of different sample rates cannot be compared",
            parameter=name,
            given=f"{sound.sample_rate} Hz beside statistics at {target.sample_rate} Hz",
            hint="resample it",
        )


def _top(lowest: float, highest: float | None, rate: int) -> float:
    """Return the highest frequency of the bands.

    Raises
    ------
    MistakeError
        Where it is above half the sample rate, or not above the lowest.
    """
    top = min(20_000.0, rate / 2) if highest is None else highest
    if top > rate / 2:
        raise mistake(
            "the bands go beyond half the sample rate",
            parameter="highest",
            given=f"{top:g} Hz",
            allowed=f"up to {rate / 2:g} Hz",
        )
    if lowest >= top:
        raise mistake(
            "the lowest band must begin below where the highest ends",
            parameter="lowest",
            given=f"{lowest:g} Hz",
            allowed=f"less than {top:g} Hz",
        )
    return top
