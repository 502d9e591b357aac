"""How edits and blends of statistics are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from nodes.values.envelopes import ENVELOPE, AsEnvelope
from nodes.values.regions import Form
from pipelines.mistakes import nearest, shown
from pipelines.quantities import Envelope, Unit, envelope_of, plain, wrong

EDIT = Form("edit", "amount", "{class: correlations, frequency: [200, 2000], amount: 0.5}", ("class",))
BAND = Form("band", "from", "{frequency: [0, 800], from: 2}")

RANGES = ("frequency", "rate")
KNOBS = ("amount", "weight", "flip", "structure")

MOST_AMOUNT, MOST_WEIGHT = 8.0, 1e6

_AMOUNT: Any = envelope_of(plain, 0.0, MOST_AMOUNT, "").func
_WEIGHT: Any = envelope_of(plain, 0.0, MOST_WEIGHT, "").func


def read_edit(given: Any, info: ValidationInfo) -> dict[str, Any]:
    """Return an edit as written: 'class' a list of names, ranges [low, high], 'amount' and 'weight' Envelopes.

    Raises
    ------
    PydanticCustomError
        Where it is not of this form; says what is allowed.
    """
    if not isinstance(given, Mapping) or not given.keys() & set(KNOBS):
        raise wrong(f"edits with at least one of {', '.join(KNOBS)}, as [{EDIT.example}]")
    known = ["class", *RANGES, *KNOBS]
    for name in given:
        if name not in known:
            near = "the factor is called amount" if name in ("scale", "gain") else nearest(str(name), known)
            raise wrong(f"in an edit only {', '.join(known)} (it has '{name}'{near and '; '}{near})")
    if "amount" in given and "structure" in given:
        raise wrong("in an edit either an amount or a structure, as what has that of noise needs no amount")
    readers = {"class": _classes, "flip": _flip, "structure": _structure}
    read = {name: readers[name](value) for name, value in given.items() if name in readers}
    envelopes = {"amount": _AMOUNT, "weight": _WEIGHT}
    read |= {name: envelopes[name](value, info) for name, value in given.items() if name in envelopes}
    return {**read, **_ranges(given)}


def _ranges(given: Mapping[str, Any]) -> dict[str, Any]:
    ranges = {name: given[name] for name in RANGES if name in given}
    return {name: ends for name, ends in EDIT.read({**ranges, "amount": 1}).items() if name in ranges} if ranges else {}


def _classes(given: Any) -> list[str]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        raise wrong("as the class of an edit the name of one, or a list of names")
    return list(names)


def _flip(given: Any) -> bool | str:
    if isinstance(given, bool) or given in ("real", "imaginary"):
        return given  # type: ignore[no-any-return]
    raise wrong(f"as flip true, false, real or imaginary (not {shown(given, 30)})")


def _structure(given: Any) -> str:
    if given != "noise":
        raise wrong(f"as structure noise (not {shown(given, 30)})")
    return "noise"


def read_band(given: Any) -> dict[str, Any]:
    """Return a band of a hybrid as written: {'frequency': [low, high], …, 'from': number of an input, from 1}.

    Raises
    ------
    PydanticCustomError
        Where it is not of this form; says what is allowed.
    """
    if isinstance(given, Mapping) and "scale" in given:
        raise wrong("in a band only frequency, rate, from (statistics have no scale)")
    band = BAND.read(given)
    number = band["from"]
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise wrong("as from of a band the number of an input, counted from 1")
    return band


_ENDS = {"type": "array", "items": {"type": ["number", "string"]}, "minItems": 2, "maxItems": 2}
_EDIT_SCHEMA = WithJsonSchema(
    {
        "type": "object",
        "properties": {
            "class": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]},
            **dict.fromkeys(RANGES, _ENDS),
            "amount": ENVELOPE,
            "weight": ENVELOPE,
            "flip": {"enum": [True, False, "real", "imaginary"]},
            "structure": {"enum": ["noise"]},
        },
        "anyOf": [{"required": [name]} for name in KNOBS],
        "additionalProperties": False,
    }
)
_BAND_SCHEMA = WithJsonSchema(
    {
        "type": "object",
        "properties": {**dict.fromkeys(RANGES, _ENDS), "from": {"type": "integer", "minimum": 1}},
        "required": ["from"],
        "additionalProperties": False,
    }
)

Knob = bool | str | list[float] | list[str] | Envelope
Edit = Annotated[dict[str, Knob], BeforeValidator(read_edit), _EDIT_SCHEMA]
Edits = Annotated[list[Edit], EDIT.listed]
Band = Annotated[dict[str, int | list[float]], BeforeValidator(read_band), _BAND_SCHEMA]
Bands = Annotated[list[Band], BAND.listed]
ShareEnvelope = Annotated[
    Envelope, envelope_of(plain, 0.0, MOST_WEIGHT, ""), Unit("share beside the others, envelope"), AsEnvelope
]
Shares = list[ShareEnvelope]

ONE = Envelope(((0.0, 1.0),))
