"""Nodes of the project; they do next to nothing, and say in a file that they did it."""

import os
import time
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from nodes.values import Audio, Text
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import node
from pipelines.quantities import (
    AudioFiles,
    Envelope,
    FromPiece,
    Hertz,
    Level,
    LevelEnvelope,
    NumberEnvelope,
    Seconds,
    Unit,
)
from toy.arithmetic import total
from toy.grid import FineGrid, Grid

LEVEL = Envelope(((0.0, 0.0),))


def _say(name: str) -> None:
    """Note in the file that TOY_LOG names that a node ran."""
    if log := os.environ.get("TOY_LOG"):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{name} {os.getpid()}\n")


def _rate(inputs: Any, parameters: Any) -> Any:
    return {"value": {"sample_rate": parameters["sample_rate"]}}


@node
def toy_number(*, value: Annotated[int, Field(ge=0, le=1000), Unit("apples")] = 1) -> Text:
    """Give a number.

    Parameters
    ----------
    value
        The number.
    """
    _say(f"number {value}")
    return Text(str(value))


@node
def toy_add(left: Text, right: Text | None = None, *, times: Annotated[int, Field(ge=1)] = 1) -> Text:
    """Add two numbers.

    Parameters
    ----------
    left, right
        The numbers; without `right` the left one alone.
    times
        Factor of the sum.
    """
    _say("add")
    numbers = [int(left.text), *([int(right.text)] if right else [])]
    return Text(str(times * total(numbers)))


@node
def toy_join(texts: list[Text], *, separator: str = " ") -> Text:
    """Join texts in their order."""
    _say("join")
    return Text(separator.join(text.text for text in texts))


@node
def toy_slow(text: Text | None = None, *, duration: Seconds = 0.5, name: str = "slow") -> Text:
    """Take time."""
    _say(f"begin {name}")
    time.sleep(duration)
    _say(f"end {name}")
    return Text(f"{name} {text.text if text else ''}".strip())


@node
def toy_fail(text: Text | None = None, *, how: Literal["mistake", "fault", "wrong kind"] = "fault") -> Text:
    """Fail in one of three ways."""
    _say("fail")
    if how == "mistake":
        raise mistake("the text is of no use", parameter="text", given="nothing", hint="take another one")
    if how == "fault":
        raise ZeroDivisionError("it went wrong inside")
    return 17  # type: ignore[return-value]


@node
def toy_noise(*, rows: Annotated[int, Field(ge=0)] = 2, sample_rate: Annotated[
    int, Field(ge=1), FromPiece("sample_rate")
] = 44100, context: Context) -> Grid:  # fmt: skip
    """Give random numbers from the step's seed."""
    _say("noise")
    return Grid(context.generator.standard_normal((rows, 3)), sample_rate)


@node(facts=_rate)
def toy_tone(
    *,
    frequency: Hertz = 440.0,
    duration: Seconds = 0.01,
    level: Level = -6.0,
    sample_rate: Annotated[int, Field(ge=1, le=768_000), Unit("Hz"), FromPiece("sample_rate")] = 44100,
) -> Audio:
    """Give a sine tone."""
    _say("tone")
    times = np.arange(round(duration * sample_rate)) / sample_rate
    sound = 10 ** (level / 20) * np.sin(2 * np.pi * frequency * times)
    return Audio(sound[None].astype(np.float32), sample_rate)


@node
def toy_blend(sounds: list[Audio], *, gains: LevelEnvelope | None = None) -> Audio:
    """Add sounds of one sample rate and one length."""
    _say("blend")
    samples = np.stack([sound.samples for sound in sounds]).sum(axis=0, dtype=np.float32)
    return Audio(samples, sounds[0].sample_rate)


class Halves(NamedTuple):
    """Two halves and what they were."""

    first: Text
    second: Text
    grid: Grid


@node
def toy_halve(text: Text) -> Halves:
    """Cut a text in two."""
    _say("halve")
    middle = len(text.text) // 2
    return Halves(Text(text.text[:middle]), Text(text.text[middle:]), Grid(np.array([middle])))


@node
def toy_read(*, path: AudioFiles) -> Text:
    """Join the contents of files."""
    _say("read")
    return Text(" ".join(file.read_text(encoding="utf-8") for file in path.paths))


@node
def toy_large(
    *, megabytes: Annotated[int, Field(ge=1)] = 2, on_disk: bool = False, bend: NumberEnvelope = LEVEL, context: Context
) -> Grid:  # fmt: skip
    """Give an array that is worth letting go, filled row by row."""
    _say("large")
    shape = (megabytes, 2**17)
    numbers = context.array(shape, np.float64) if on_disk else np.zeros(shape)
    for row in context.progress(range(megabytes)):
        numbers[row] = row
        context.log("row", row, row)
    context.note(f"it is {megabytes} MB large")
    return Grid(numbers)


@node
def toy_measure(grid: Grid) -> Text:
    """Say how large a grid is and what it adds up to."""
    _say("measure")
    return Text(f"{grid.numbers.shape} {grid.numbers.sum():.6f}")


@node
def toy_fine(grid: FineGrid) -> Text:
    """Take only a fine grid."""
    return Text(str(grid.numbers.shape))


@node
def toy_steps(*, count: Annotated[int, Field(ge=1)] = 5, stop: int = -1, context: Context) -> Text:
    """Count with checkpoints; where TOY_STOP is set, break off at `stop` as a crash would."""
    kept = context.load_checkpoint()
    begin = int(kept["next"]) if kept else 0
    for number in range(begin, count):
        if number == stop and os.environ.get("TOY_STOP"):
            raise RuntimeError("broken off")
        _say(f"step {number}")
        context.save_checkpoint({"next": np.array(number + 1)})
    return Text(f"{count} steps")
