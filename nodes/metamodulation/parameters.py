"""Parameters of edits: octaves, spins and shares that move in time, and regions of the plane."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo

from nodes.values.envelopes import ENVELOPE, AsEnvelope
from nodes.values.regions import Form
from pipelines.quantities import Envelope, Unit, decibels, envelope_of, plain

REGION = Form("region", "gain", "{rate: [8, 32], gain: -12 dB}")

OctaveEnvelope = Annotated[Envelope, envelope_of(plain, -16.0, 16.0, "octaves"), Unit("octaves, envelope"), AsEnvelope]
WidthEnvelope = Annotated[Envelope, envelope_of(plain, 0.0, 16.0, "octaves"), Unit("octaves, envelope"), AsEnvelope]
SpinEnvelope = Annotated[
    Envelope, envelope_of(plain, -1.0, 1.0, ""), Unit("1 as it is … -1 reversed, envelope"), AsEnvelope
]
ShareEnvelope = Annotated[Envelope, envelope_of(plain, 0.0, 1.0, ""), Unit("0 … 1, envelope"), AsEnvelope]


def read_region(given: Any, info: ValidationInfo) -> dict[str, Any]:
    """Return a region as written: {axis: [low, high], …, 'gain': Envelope}.

    Raises
    ------
    PydanticCustomError
        Where it is not of this form; says what is allowed.
    """
    region = REGION.read(given)
    return {**region, "gain": _GAIN.func(region["gain"], info)}


_GAIN: Any = envelope_of(decibels, -math.inf, 60.0, "dB")

Region = Annotated[dict[str, list[float] | Envelope], BeforeValidator(read_region), REGION.schema(gain=ENVELOPE)]
Regions = Annotated[list[Region], REGION.listed]
