"""Whether statistics are of one front end, and what differs where they are not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from nodes.textures.value import TextureStatistics
from pipelines.mistakes import MistakeError, listed, mistake


def refuse_different(statistics: Sequence[TextureStatistics]) -> None:
    """Refuse statistics that cannot be averaged, naming the first parameter in which they differ.

    Raises
    ------
    MistakeError
        Where front ends, channels (1 goes with any number) or classes differ.
    """
    first = statistics[0]
    for number, other in enumerate(statistics[1:], 2):
        _refuse_model(first, other, number)
    refuse_channels([each.channels for each in statistics])
    widest = max(statistics, key=lambda each: each.channels)
    for number, each in enumerate(statistics, 1):
        missing = [name for name in widest.classes if name not in each.classes]
        if missing and each.channels == widest.channels:
            raise mistake(
                "the statistics differ in their classes",
                parameter="statistics",
                given=f"input {number} has no {missing[0]}",
                allowed=listed(widest.classes),
            )


def refuse_models(names: Sequence[str], number: int = 2) -> None:
    """Refuse front ends of different kinds; `number` is that of the second, from 1."""
    for place, name in enumerate(names[1:], number):
        if name != names[0]:
            raise _different("model", place, name, f"{names[0]}, as input 1 has")


def refuse_channels(counts: Sequence[int]) -> None:
    """Refuse numbers of channels that do not go together."""
    most = max(counts)
    for number, count in enumerate(counts, 1):
        if count not in (1, most):
            raise _different("channels", number, str(count), f"1 or {most}, as the others have")


def _refuse_model(first: TextureStatistics, other: TextureStatistics, number: int) -> None:
    refuse_models([first.model.name, other.model.name], number)
    for field in dataclasses.fields(first.model):  # type: ignore[arg-type]
        own, given = (getattr(each.model, field.name) for each in (first, other))
        if own != given:
            raise _different(
                field.name, number, _shown(field.name, given), f"{_shown(field.name, own)}, as input 1 has"
            )


def _shown(name: str, value: Any) -> str:
    return f"{value} Hz" if name == "sample_rate" else str(value)


def _different(name: str, number: int, given: str, allowed: str) -> MistakeError:
    return mistake(
        f"the statistics differ in their {name.replace('_', ' ')}",
        parameter="statistics",
        given=f"{given} (input {number})",
        allowed=allowed,
        hint="make all with the same parameters of texture_statistics, from sounds of one sample rate",
    )
