"""Mosaics, sounds as pieces of others: `dbm_grains`, `dbm_regrain`, `dbm_grain_score`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, WithJsonSchema

from nodes.dictionaries.grains.book import GrainBook
from nodes.dictionaries.node.decomposing import Ratio
from nodes.dictionaries.operations.facts import form_of
from nodes.dictionaries.operations.parameters import Kept
from nodes.dictionaries.windows import Window
from nodes.values import Files
from nodes.values.audio import Audio
from pipelines.context import Context, release
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Level, Seconds, Unit, amplitude, seconds

SHORTEST, LONGEST = 0.001, 30.0
"""Seconds of a grain."""

Length = Annotated[
    float,
    BeforeValidator(seconds),
    Field(ge=SHORTEST, le=LONGEST),
    Unit("s"),
    WithJsonSchema({"type": ["number", "string"]}),
]


class Mosaic(NamedTuple):
    """A sound made of pieces of another, what they leave, and the score of the pieces."""

    sound: Audio
    residual: Audio
    grains: GrainBook


def _grain_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse lengths that do not work; all outputs have the rate, channels and duration of the sound."""
    known, source = inputs["audio"] or {}, inputs["source"] or {}
    if "sample_rate" in source:
        count = round(source["duration"] * source["sample_rate"]) if "duration" in source else None
        _lengths(parameters, source["sample_rate"], count)
    return dict.fromkeys(Mosaic._fields, form_of(known))


@node(facts=_grain_facts)
def dbm_grains(
    audio: Audio,
    source: Audio,
    *,
    lengths: Annotated[list[Length], Field(min_length=1, max_length=12)] = [0.02, 0.08],  # noqa: B006
    window: Window = "hann",
    overlap: Literal[1, 2, 4, 8] = 2,
    places: Literal[2, 4, 8, 16, 32, 64] = 8,
    snr: Ratio = 40.0,
    grains: Annotated[int, Field(ge=0)] | None = None,
    rate: Annotated[float, Field(gt=0, le=1e6), Unit("grains a second")] = 500.0,
    signs: Literal["both", "positive"] = "both",
    gain: Level | None = 24.0,
    uses: Annotated[int, Field(ge=1)] | None = None,
    apart: Seconds = 0.0,
    context: Context,
) -> Mosaic:
    """Make a sound of windowed pieces of another one, by matching pursuit: a mosaic, the best grain first.

    Each grain is that piece of the source, at that place of the sound and with that weight, that takes most energy out
    of what is left of it; waveforms are compared, not spectra. The first grains draw the strongest of the sound in the
    colours of the source; many of them come close to the sound itself, as far as the source has what it takes. It
    stops at the first limit that is reached: `snr`, `grains` or `rate`. Sound and residual together are `audio`.

    Grains have places at parts of their length. At each place the piece is taken that fits best there, and tried at
    every sample up to half a step to either side. What a grain has before the beginning of the sound or after its end
    is not heard, and does not count. Each channel of the sound has its own weights for all grains. A source with as
    many channels plays each with its own; of any other the mean of its channels is played.

    Time goes with the number of grains, the duration of the source, `overlap` and `places`.

    Parameters
    ----------
    audio
        The sound that is imitated; of any length, without NaN.
    source
        What the pieces are of; at least as long as the longest.
    lengths
        How long pieces are. Short ones follow attacks, long ones keep more of the source. Rounded to multiples of
        `overlap` and `places` in samples.
    window
        Envelope of pieces. 'rectangular' clicks, 'gamma' begins at once and dies away.
    overlap
        Pieces of each length that cover each moment of the source.
    places
        Places of each length at which each moment of the sound is tried: more of them fit better and take longer.
    snr
        Energy of the sound over that of the residual.
    grains
        Most grains in all.
    rate
        Most grains for each second of the sound.
    signs
        'both': pieces may be turned over, with weights below 0; 'positive': they may not, and fit less.
    gain
        How much louder a piece may become at most, so that quiet noise is not blown up; null for no limit.
    uses
        How often a piece may be used; null for any number. Pieces of one length that overlap are different pieces.
    apart
        How far apart in the sound uses of one piece are at least.

    Raises
    ------
    MistakeError
        Where the source is shorter than a grain, two lengths are the same, sample rates differ, or a sample is NaN or
        infinite.
    """
    from nodes.dictionaries.grains.pieces import Rule, voices_of
    from nodes.dictionaries.grains.pursuit import Dictionary, book_of, pursue
    from nodes.dictionaries.pursuit.blocks import energy_in
    from nodes.dictionaries.pursuit.books import signal_to_noise
    from nodes.values.blocks import require_finite_sound

    _refuse_rates(audio.sample_rate, source.sample_rate)
    asked = {"lengths": lengths, "overlap": overlap, "places": places}
    samples = _lengths(asked, source.sample_rate, source.length)
    require_finite_sound(audio.samples, audio.sample_rate)
    require_finite_sound(source.samples, source.sample_rate, "the source")
    rule = Rule(signs == "positive", np.inf if gain is None else float(amplitude(gain)))
    dictionary = Dictionary(samples, window, overlap, places, rule, uses, round(apart * audio.sample_rate))
    most = max(1, round(rate * audio.duration))
    voices = voices_of(source.samples, audio.channels)
    least = energy_in(audio.samples) * 10 ** (-snr / 10)
    told = context.tally("places"), context.tally("grains")
    found = pursue(audio.samples, voices, dictionary, most if grains is None else min(grains, most), least, *told)
    book = book_of(found, audio.samples.shape, window, source.length, source.sample_rate)
    sound = _played(book, voices, book.origins, "amplitude", context)
    residual = context.array(sound.shape, np.float32)
    np.subtract(audio.samples, sound, out=residual)
    context.log("snr", signal_to_noise(audio.samples, residual))
    _tell(book, rule.gain, context)
    return Mosaic(Audio(sound, audio.sample_rate), Audio(residual, audio.sample_rate, audio.markers), book)


def _regrain_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of a score for its sound."""
    return {"value": form_of(inputs["grains"])}


@node(facts=_regrain_facts)
def dbm_regrain(
    grains: GrainBook,
    source: Audio,
    *,
    beyond: Literal["refused", "wrapped", "scaled"] = "refused",
    keep: Kept = "amplitude",
    context: Context,
) -> Audio:
    """Play a score of grains from a source: that of its mosaic, and it is the mosaic, or any other.

    Parameters
    ----------
    grains
        The score.
    source
        What the pieces are taken from, each channel from its own where there are as many as in the score, else all from
        the mean of the channels.
    beyond
        What becomes of pieces that lie beyond the end of the source. 'refused'; 'wrapped': counted on from the
        beginning; 'scaled': all pieces move in proportion, so that the whole source is used as the other was.
    keep
        What each grain has of what it had: the 'amplitude' of its gain, so that it is as loud as the source is there;
        or its 'energy', so that the sound has the envelope of the mosaic.

    Raises
    ------
    MistakeError
        Where the source is too short, has another sample rate, or a sample is NaN or infinite.
    """
    from nodes.dictionaries.grains.pieces import voices_of
    from nodes.dictionaries.grains.playing import origins_in
    from nodes.values.blocks import require_finite_sound

    _refuse_rates(grains.sample_rate, source.sample_rate)
    require_finite_sound(source.samples, source.sample_rate, "the source")
    origins = origins_in(grains, source.length, beyond)
    sound = _played(grains, voices_of(source.samples, grains.channels), origins, keep, context)
    return Audio(sound, grains.sample_rate)


@node(facts=lambda inputs, parameters: {"value": {}})
def dbm_grain_score(
    grains: GrainBook, *, format: Literal["csv", "json"] = "csv", name: str = "grains", context: Context
) -> Files:
    """Write a score of grains for Csound, SuperCollider and others, with an event for each grain and channel.

    An event has start, duration and position in the source in seconds, gain as a factor of the windowed piece, window,
    and channel from 1; events stand in order of time.

    Parameters
    ----------
    grains
        The score.
    format
        'csv': a line for each event; 'json': objects, and what the score is of.
    name
        Name of the file, without ending.
    """
    from nodes.dictionaries.grains import scores
    from nodes.files.writing import safe_name

    data = {"csv": scores.as_csv, "json": scores.as_json}[format](grains)
    return Files({f"{safe_name(name)}.{format}": np.frombuffer(data, np.uint8).copy()})


def _played(grains: GrainBook, voices: Any, origins: Any, keep: Kept, context: Context) -> Any:
    from nodes.dictionaries.grains.playing import playing

    sound = context.array((grains.channels, grains.samples), np.float32)
    for _ in playing(grains, voices, origins, keep, sound):
        release(sound)
    return sound


def _tell(book: GrainBook, gain: float, context: Context) -> None:
    """Say where there are no grains, or where the limit of their gains matters."""
    if not book.count:
        context.note("there are no grains: the sound or the source is silent")
    limited = int((np.abs(book.gains) >= 0.999 * gain).any(0).sum())
    if limited > book.count / 2:
        context.note(f"{limited} of {book.count} grains are at the greatest gain: the source is quiet beside the sound")


def _refuse_rates(one: int, other: int) -> None:
    if one != other:
        raise mistake(
            "sound and source have different sample rates",
            parameter="source",
            given=f"{other} Hz",
            allowed=f"{one} Hz",
            hint="load both at one sample_rate",
        )


def _lengths(parameters: Mapping[str, Any], rate: int, source: int | None) -> tuple[int, ...]:
    """Return the samples of grains, in order; refuse those that are given twice or longer than a source."""
    unit = max(parameters["overlap"], parameters["places"])
    found = sorted(unit * max(1, round(length * rate / unit)) for length in parameters["lengths"])
    if len(set(found)) < len(found):
        raise mistake(
            "each length counts once",
            parameter="lengths",
            given=str(parameters["lengths"]),
            allowed=f"lengths that differ in multiples of {unit} samples",
        )
    if source is not None and source < found[-1]:
        raise mistake(
            "the source is shorter than a grain",
            parameter="lengths",
            given=f"{found[-1] / rate:.3f} s, and a source of {source / rate:.3f} s",
            allowed=f"up to {source / rate:.3f} s",
        )
    return tuple(found)
