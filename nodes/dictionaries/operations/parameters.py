"""How operations on books are written: ranges, factors, notes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from nodes.values.envelopes import AsEnvelope
from pipelines.mistakes import shown
from pipelines.quantities import NUMBER, Envelope, Unit, decibels, envelope_of, hertz, plain, seconds, wrong

Phases = Literal["advanced", "kept"]
"""Whether moved atoms go on with the tone that they had, or sound as they were."""

Kept = Literal["energy", "amplitude"]

_ENDS = WithJsonSchema({"type": "array", "items": {"type": ["number", "string", "null"]}, "minItems": 2, "maxItems": 2})
_RATIO = re.compile(rf"({NUMBER})\s*/\s*({NUMBER})")
_NOTE = re.compile(r"([A-Ga-g])(#|♯|b|♭)?(-?\d)?")
_MIDI = re.compile(r"midi\s*(\d{1,3}(?:\.\d+)?)", re.IGNORECASE)
_STEPS = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
_SIGNS = {"#": 1, "♯": 1, "b": -1, "♭": -1}

MOST_BLEED, MOST_STRETCH = 8.0, 100.0


def _range_of(parse: Callable[[Any], float], least: float, example: str) -> BeforeValidator:
    """Return the validator of [low, high], either of which may be null for no end."""

    def read(given: Any) -> list[float | None]:
        if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
            raise wrong(f"two ends, null for none: {example}")
        low, high = (None if end is None else parse(end) for end in given)
        if any(end is not None and (math.isnan(end) or end < least) for end in (low, high)):
            raise wrong(f"ends from {least:g} on: {example}")
        if low is not None and high is not None and low > high:
            raise wrong(f"the lower end, then the upper one (not {low:g}, {high:g})")
        return [low, high]

    return BeforeValidator(read)


def _whole(value: Any) -> float:
    number = plain(value)
    if not number.is_integer():
        raise wrong("whole numbers")
    return number


Ends = list[float | None]
_TWO = Field(min_length=2, max_length=2)
TimeRange = Annotated[Ends, _TWO, _range_of(seconds, 0.0, "[0:02, null]"), Unit("s"), _ENDS]
FrequencyRange = Annotated[Ends, _TWO, _range_of(hertz, 0.0, "[200, 2 kHz]"), Unit("Hz"), _ENDS]
LevelRange = Annotated[Ends, _TWO, _range_of(decibels, -math.inf, "[-40 dB, 0 dB]"), Unit("dB"), _ENDS]
SampleRange = Annotated[Ends, _TWO, _range_of(_whole, 1.0, "[512, 2048]"), Unit("samples"), _ENDS]
RankRange = Annotated[Ends, _TWO, _range_of(_whole, 1.0, "[1, 1000]"), Unit("counted from 1"), _ENDS]


def ratio(value: Any) -> float:
    """Return a factor from 2, '1/8' or '0.125'."""
    if isinstance(value, str) and (match := _RATIO.fullmatch(value.strip())) and float(match[2]):
        return float(match[1]) / float(match[2])
    return plain(value)


def note(value: Any) -> float:
    """Return the frequency of a note: 'A4', 'C#3', 'Eb2' (A4 is 440 Hz), 'midi 45', or a frequency above 0."""
    text = value.strip() if isinstance(value, str) else ""
    if (match := _NOTE.fullmatch(text)) and match[3] is not None:
        return 440.0 * 2 ** ((_step(match) + 12 * (int(match[3]) + 1) - 69) / 12)
    if match := _MIDI.fullmatch(text):
        return float(440.0 * 2 ** ((float(match[1]) - 69) / 12))
    try:
        frequency = hertz(value)
    except PydanticCustomError:
        frequency = math.nan
    if not (math.isfinite(frequency) and frequency > 0):
        raise wrong(f"a note: 'A4', 'C#3', 'midi 45', or a frequency above 0 (not {shown(value, 30)})")
    return frequency


def pitch_class(value: Any) -> float:
    """Return the semitones above C of a name without octave, 'C#', or of a number from 0 to below 12, as 3.5."""
    if isinstance(value, str) and (match := _NOTE.fullmatch(value.strip())) and match[3] is None:
        return float(_step(match) % 12)
    number = plain(value) if isinstance(value, int | float) else math.nan
    if not 0 <= number < 12:
        raise wrong(f"names of notes in every octave, as [C, D, Eb, G], or semitones 0 to 12 (not {shown(value, 30)})")
    return number


def _step(match: re.Match[str]) -> int:
    return _STEPS[match[1].upper()] + _SIGNS.get(match[2] or "", 0)


_WRITTEN = WithJsonSchema({"type": ["number", "string"]})
Note = Annotated[float, BeforeValidator(note), Unit("note or Hz"), _WRITTEN]
PitchClass = Annotated[float, BeforeValidator(pitch_class), Unit("note"), _WRITTEN]
Notes = Annotated[list[Note], Field(min_length=1, max_length=1024)]
PitchClasses = Annotated[list[PitchClass], Field(min_length=1, max_length=128)]

ShareEnvelope = Annotated[Envelope, envelope_of(plain, 0.0, 1.0, ""), Unit("0 to 1, envelope"), AsEnvelope]
SemitoneEnvelope = Annotated[Envelope, envelope_of(plain, -120.0, 120.0, ""), Unit("semitones, envelope"), AsEnvelope]
WidthEnvelope = Annotated[Envelope, envelope_of(plain, 0.0, 120.0, ""), Unit("semitones, envelope"), AsEnvelope]
DelayEnvelope = Annotated[Envelope, envelope_of(seconds, 0.0, 3600.0, "s"), Unit("s, envelope"), AsEnvelope]
PositionEnvelope = Annotated[Envelope, envelope_of(seconds, 0.0, 1e6, "s"), Unit("s, envelope"), AsEnvelope]
BleedEnvelope = Annotated[
    Envelope, envelope_of(ratio, 1 / MOST_BLEED, MOST_BLEED, "times"), Unit("times, envelope"), AsEnvelope
]
StretchEnvelope = Annotated[
    Envelope, envelope_of(ratio, 1 / MOST_STRETCH, MOST_STRETCH, "times"), Unit("times, envelope"), AsEnvelope
]
AtomsEnvelope = Annotated[Envelope, envelope_of(plain, 0.0, 1e7, ""), Unit("atoms a second, envelope"), AsEnvelope]

NONE, ONE = Envelope(((0.0, 0.0),)), Envelope(((0.0, 1.0),))
