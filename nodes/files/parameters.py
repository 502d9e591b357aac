"""What the parameters of `load` may be written as."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from pipelines.mistakes import mistake, shown
from pipelines.quantities import InputFiles, Seconds, Unit, hertz, wrong

LOWEST_RATE, HIGHEST_RATE = 1000, 768_000


def one_file(path: InputFiles, what: str, hint: str = "") -> Path:
    """Return the file that a parameter `path` names; refuse a folder or a pattern, saying what it should be."""
    if not path.one:
        raise mistake(
            "this is not one file",
            parameter="path",
            given=f"{shown(path.asked)} ({len(path.paths)} files)",
            allowed=f"the path of one {what}",
            hint=hint,
        )
    return path.paths[0]


def sample_rate(value: Any) -> int | str:
    """Return 'native', or samples a second from 44100, '48 kHz'."""
    allowed = f"whole samples a second from {LOWEST_RATE} to {HIGHEST_RATE} Hz, or 'native' to keep the file's"
    if value == "native":
        return "native"
    try:
        rate = hertz(value)
    except PydanticCustomError:
        raise wrong(allowed) from None
    if not (LOWEST_RATE <= rate <= HIGHEST_RATE and rate == int(rate)):
        raise wrong(allowed)
    return int(rate)


def channel_choice(value: Any) -> list[int] | str | None:
    """Return None (all), 'mono', or channel numbers from 1."""
    if value is None or value == "mono":
        return value  # type: ignore[no-any-return]
    numbers = list(value) if isinstance(value, list | tuple) else [value]
    if not numbers or any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in numbers):
        raise wrong("'mono' for the mean of all channels, or channel numbers from 1, such as [1, 3]")
    return numbers


_RATE_SCHEMA = {"anyOf": [{"type": "number"}, {"type": "string"}]}
_CHANNEL = {"type": "integer", "minimum": 1}
_CHANNELS_SCHEMA = {"anyOf": [{"enum": ["mono", None]}, _CHANNEL, {"type": "array", "items": _CHANNEL, "minItems": 1}]}

SampleRate = Annotated[int | Literal["native"], BeforeValidator(sample_rate), Unit("Hz"), WithJsonSchema(_RATE_SCHEMA)]
ChannelChoice = Annotated[
    list[int] | Literal["mono"] | None, BeforeValidator(channel_choice), WithJsonSchema(_CHANNELS_SCHEMA)
]
Length = Annotated[Seconds, Field(gt=0)]
