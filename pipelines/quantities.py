"""Parameters as people write them: times, levels, frequencies, envelopes and files, each with its unit.

Use them as annotations of a node's keyword parameters::

    def mix(tracks: list[Audio], *, gains: list[LevelEnvelope], fade_in: Seconds = 0.0) -> Audio: ...
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from pipelines.mistakes import nearest, shown

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):([0-5]?\d(?:\.\d+)?)")
_TIME = re.compile(rf"({NUMBER})\s*(s|sec|seconds?|ms|min|minutes?|h)?")
_LEVEL = re.compile(rf"({NUMBER}|[-+]?inf)\s*(db|dbfs)?", re.IGNORECASE)
_FREQUENCY = re.compile(rf"({NUMBER})\s*(hz|khz)?", re.IGNORECASE)
_SECONDS_IN = {"ms": 1e-3, "min": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Unit:
    """The unit of a parameter, shown by `resynthesis nodes`."""

    name: str


@dataclass(frozen=True)
class FromPiece:
    """Says that a parameter takes the piece's setting of this name unless the step gives its own."""

    setting: str


def wrong(allowed: str) -> PydanticCustomError:
    """Return the validation error for a value of the wrong form; `allowed` completes the message."""
    return PydanticCustomError("quantity", "{allowed}", {"allowed": allowed})


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def seconds(value: Any) -> float:
    """Return seconds from 1.5, '1.5 s', '250 ms', '7:01', '1:02:03.5'."""
    if (number := _number(value)) is not None:
        return number
    text = value.strip() if isinstance(value, str) else ""
    if match := _CLOCK.fullmatch(text):
        hours, minutes, rest = match.groups()
        if hours is None or float(minutes) < 60:
            return float(hours or 0) * 3600 + float(minutes) * 60 + float(rest)
    if match := _TIME.fullmatch(text):
        return float(match[1]) * _SECONDS_IN.get(match[2] or "s", 1.0)
    raise wrong("a time: seconds (1.5), '250 ms', minutes and seconds ('7:01') or hours ('1:02:03')")


def decibels(value: Any) -> float:
    """Return a level in dB from -3, '-3 dB' or '-inf dB' (silence)."""
    if (number := _number(value)) is not None:
        return number
    if isinstance(value, str) and (match := _LEVEL.fullmatch(value.strip())):
        return float(match[1])
    raise wrong("a level in dB: -3, '-3 dB', or '-inf dB' for silence")


def hertz(value: Any) -> float:
    """Return a frequency in Hz from 440, '440 Hz' or '2 kHz'."""
    if (number := _number(value)) is not None:
        return number
    if isinstance(value, str) and (match := _FREQUENCY.fullmatch(value.strip())):
        return float(match[1]) * (1000.0 if (match[2] or "").lower() == "khz" else 1.0)
    raise wrong("a frequency: 440, '440 Hz' or '2 kHz'")


def plain(value: Any) -> float:
    """Return a plain, finite number."""
    number = _number(value)
    if isinstance(value, str) and re.fullmatch(NUMBER, value.strip()):
        number = float(value)
    if number is None or not math.isfinite(number):
        raise wrong("a number")
    return number


_WRITTEN = {"anyOf": [{"type": "number"}, {"type": "string"}]}

Seconds = Annotated[
    float, BeforeValidator(seconds), Field(ge=0, allow_inf_nan=False), Unit("s"), WithJsonSchema(_WRITTEN)
]
Level = Annotated[float, BeforeValidator(decibels), Field(le=60), Unit("dB"), WithJsonSchema(_WRITTEN)]
Hertz = Annotated[float, BeforeValidator(hertz), Field(ge=0, allow_inf_nan=False), Unit("Hz"), WithJsonSchema(_WRITTEN)]


def amplitude(level: Any) -> Any:
    """Return the linear factor of a level in dB (numbers or arrays); -inf gives 0."""
    return 10.0 ** (np.asarray(level, dtype=np.float64) / 20.0)


@dataclass(frozen=True, repr=False)
class Envelope:
    """A parameter that moves in time: straight lines between (seconds, value) points, held at both ends."""

    points: tuple[tuple[float, float], ...]

    def __repr__(self) -> str:
        return f"{self.points[0][1]:g}" if self.constant else str([list(point) for point in self.points])

    @property
    def constant(self) -> bool:
        """Whether the value never changes."""
        return all(value == self.points[0][1] for _, value in self.points)

    def at(self, times: Any, floor: float = -math.inf) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the values at `times` (seconds); values below `floor` count as `floor` between points."""
        xs = np.array([time for time, _ in self.points])
        ys = np.array([value for _, value in self.points])
        found: np.ndarray[Any, np.dtype[np.float64]] = np.interp(
            times, xs, ys if self.constant else np.maximum(ys, floor)
        )
        return found


def envelope_of(parse: Callable[[Any], float], low: float, high: float, unit: str) -> BeforeValidator:
    """Return the validator that reads an envelope whose values `parse` reads, within low..high."""

    def read(value: Any, info: ValidationInfo) -> Envelope:
        if isinstance(value, Envelope):
            return value
        if isinstance(value, str) and value.lower().endswith((".brk", ".txt")):
            value = breakpoints(find_file(value, folders_of(info)))
        points = value if isinstance(value, Sequence) and not isinstance(value, str) else [(0.0, value)]
        return Envelope(tuple(_points(points, parse, low, high, unit)))

    return BeforeValidator(read)


def _points(
    points: Sequence[Any], parse: Callable[[Any], float], low: float, high: float, unit: str
) -> list[tuple[float, float]]:
    read: list[tuple[float, float]] = []
    for point in points:
        if not isinstance(point, Sequence) or isinstance(point, str) or len(point) != 2:
            raise wrong("an envelope: one value, a list of [time, value] points, or a .brk file")
        time = seconds(point[0])
        try:
            value = parse(point[1])
        except PydanticCustomError as error:
            limits = f" from {low:g} to {high:g} {unit}".rstrip() if math.isfinite(low + high) else ""
            raise wrong(f"{error.message()}{limits} (the point at {time:g} s has {shown(point[1], 30)})") from None
        if math.isnan(value) or not low <= value <= high:
            raise wrong(
                f"values from {low:g} to {high:g} {unit}".rstrip() + f" (the point at {time:g} s has {value:g})"
            )
        if not math.isfinite(time) or time < 0 or (read and time < read[-1][0]):
            raise wrong(f"points in order of time, from 0 s on ({time:g} s follows {read[-1][0] if read else 0:g} s)")
        read.append((time, value))
    if not read:
        raise wrong("an envelope with at least one [time, value] point")
    return read


def breakpoints(path: Path) -> list[tuple[str, str]]:
    """Read a breakpoint file in CDP's form: one 'time value' pair a line, ';' or '#' begins a comment."""
    pairs: list[tuple[str, str]] = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise wrong(f"a readable breakpoint file ({path}: {error})") from error
    for number, line in enumerate(lines, 1):
        words = re.split(r"[;#]", line)[0].replace(",", " ").split()
        if not words:
            continue
        if len(words) != 2:
            raise wrong(f"'time value' on each line ({path.name}, line {number}: '{line.strip()[:40]}')")
        pairs.append((words[0], words[1]))
    return pairs


_ENVELOPE_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "array", "items": {"type": "array"}}]}
)
NumberEnvelope = Annotated[Envelope, envelope_of(plain, -math.inf, math.inf, ""), Unit("envelope"), _ENVELOPE_SCHEMA]
LevelEnvelope = Annotated[
    Envelope, envelope_of(decibels, -math.inf, 60.0, "dB"), Unit("dB, envelope"), _ENVELOPE_SCHEMA
]
PanEnvelope = Annotated[
    Envelope, envelope_of(plain, -1.0, 1.0, ""), Unit("-1 left … 1 right, envelope"), _ENVELOPE_SCHEMA
]


@dataclass(frozen=True)
class InputFiles:
    """Files that a step reads. Their names and contents count in the step's key, their folder does not."""

    asked: str
    paths: tuple[Path, ...]
    found: bool = False

    @property
    def one(self) -> bool:
        """Whether a single file was named, rather than a folder or a pattern in which files were found."""
        return len(self.paths) == 1 and not self.found


def folders_of(info: ValidationInfo) -> list[Path]:
    """Return the folders in which relative paths are looked up."""
    return list((info.context or {}).get("folders") or [Path.cwd()])


def find_file(asked: str, folders: Sequence[Path]) -> Path:
    """Return the file that a path names, looked up in each folder in turn."""
    found = _find(asked, folders)
    if found is None or not found.is_file():
        raise wrong(f"an existing file (looked in: {', '.join(map(str, folders))})")
    return found


def _find(asked: str, folders: Sequence[Path]) -> Path | None:
    if "\0" in asked:
        return None
    try:
        path = Path(asked).expanduser()
        candidates = [path] if path.is_absolute() else [folder / path for folder in folders]
        return next((candidate for candidate in candidates if candidate.exists()), None)
    except (OSError, RuntimeError):  # a name that the system cannot have, a home of nobody
        return None


def _in_folder(folder: Path) -> list[Path]:
    try:
        return _sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return []


def _matching(asked: str, folders: Sequence[Path]) -> list[Path]:
    """Return the files that a pattern matches in the first folder where it matches any; hidden ones only by name."""
    if not any(sign in asked for sign in "*?[") or "\0" in asked:
        return []
    hidden = Path(asked).name.startswith(".")
    for folder in folders:
        try:
            pattern = Path(asked).expanduser()
            start, rest = (pattern.anchor, pattern.relative_to(pattern.anchor)) if pattern.anchor else (folder, pattern)
            matched = [path for path in Path(start).glob(str(rest)) if path.is_file()]
        except (ValueError, OSError, NotImplementedError, RuntimeError):
            continue
        if files := _sorted(path for path in matched if hidden or not path.name.startswith(".")):
            return files
    return []


def _sorted(paths: Iterable[Path]) -> list[Path]:
    """Return paths in the order of their names, in which take2 comes before take10."""

    def key(path: Path) -> tuple[list[Any], str]:
        parts = re.split(r"([0-9]+)", str(path))
        return [int(part) if number % 2 else part for number, part in enumerate(parts)], str(path)

    return sorted(paths, key=key)


def _no_file(asked: str, folders: Sequence[Path]) -> PydanticCustomError:
    """Say that there is no such file, and which one there is of nearly that name."""
    name = Path(asked).name
    beside = [path.parent for path in (folder / asked for folder in folders) if "\0" not in asked]
    names = [path.name for folder in beside if folder.is_dir() for path in folder.iterdir()]
    near = nearest(name, names) or nearest(name.lower(), [other for other in names if other.islower()])
    looked = ", ".join(map(str, folders))
    kinds = "an existing file, a folder with files, or a pattern that matches some"
    return wrong(f"{kinds} ({near + ' ' if near else ''}looked in: {looked})")


def _input_files(value: Any, info: ValidationInfo) -> InputFiles:
    if isinstance(value, InputFiles):
        return value
    asked = str(value) if isinstance(value, str | Path) else ""
    if not asked:
        raise wrong("the path of a file or a folder, or a pattern such as 'takes/*.wav'")
    folders = folders_of(info)
    named = _find(asked, folders)
    if named is not None and named.is_file():
        return InputFiles(asked, (named.absolute(),))
    paths = _in_folder(named) if named is not None else _matching(asked, folders)
    if not paths:
        raise _no_file(asked, folders)
    return InputFiles(asked, tuple(path.absolute() for path in paths), found=True)


AudioFiles = Annotated[InputFiles, BeforeValidator(_input_files), Unit("path"), WithJsonSchema({"type": "string"})]
