"""Parameters of edits: octaves, spins and shares that move in time, and regions of the plane."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from pipelines.mistakes import nearest
from pipelines.quantities import Envelope, Unit, decibels, envelope_of, hertz, plain, wrong

AXES: dict[str, Callable[[Any], float]] = {"frequency": hertz, "rate": hertz, "scale": plain}
"""The axes in which a region may have a range, and how its ends are read."""

_ENVELOPE = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "array", "items": {"type": "array"}}]}
_RANGE = {"type": "array", "items": {"type": ["number", "string"]}, "minItems": 2, "maxItems": 2}
_REGION = {
    "type": "object",
    "properties": {**dict.fromkeys(AXES, _RANGE), "gain": _ENVELOPE},
    "required": ["gain"],
    "additionalProperties": False,
}

OctaveEnvelope = Annotated[
    Envelope, envelope_of(plain, -16.0, 16.0, "octaves"), Unit("octaves, envelope"), WithJsonSchema(_ENVELOPE)
]
WidthEnvelope = Annotated[
    Envelope, envelope_of(plain, 0.0, 16.0, "octaves"), Unit("octaves, envelope"), WithJsonSchema(_ENVELOPE)
]
SpinEnvelope = Annotated[
    Envelope, envelope_of(plain, -1.0, 1.0, ""), Unit("1 as it is … -1 reversed, envelope"), WithJsonSchema(_ENVELOPE)
]
ShareEnvelope = Annotated[
    Envelope, envelope_of(plain, 0.0, 1.0, ""), Unit("0 … 1, envelope"), WithJsonSchema(_ENVELOPE)
]


def read_region(given: Any, info: ValidationInfo) -> dict[str, Any]:
    """Return a region as written: {axis: [low, high], …, 'gain': Envelope}.

    Raises
    ------
    PydanticCustomError
        Where it is not of this form; says what is allowed.
    """
    if not isinstance(given, Mapping) or not given.keys() & AXES.keys() or "gain" not in given:
        raise wrong("regions with a range and a gain, as [{rate: [8, 32], gain: -12 dB}]")
    for name in given:
        if name not in (known := [*AXES, "gain"]):
            near = nearest(str(name), known)
            raise wrong(f"in a region only {', '.join(known)} (it has '{name}'{'; ' if near else ''}{near})")
    ranges = {name: _range(name, given[name]) for name in AXES if name in given}
    return {**ranges, "gain": _GAIN.func(given["gain"], info)}


_GAIN: Any = envelope_of(decibels, -math.inf, 60.0, "dB")


def _range(axis: str, given: Any) -> list[float]:
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        raise wrong(f"for the {axis} of a region two ends, as {axis}: [0.5, 4]")
    low, high = (AXES[axis](end) for end in given)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise wrong(f"for the {axis} of a region its lower end, then its upper one (not {low:g}, {high:g})")
    return [low, high]


Region = Annotated[dict[str, list[float] | Envelope], BeforeValidator(read_region), WithJsonSchema(_REGION)]
