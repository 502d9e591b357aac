"""Where the equal segments of a sound lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pipelines.mistakes import MistakeError, mistake

Rest = Literal["pad", "keep", "drop"]
LENGTHS = ("duration", "samples", "count")
"""The ways in which the length of segments is given."""
MOST_SEGMENTS = 10_000


def asked_spans(length: int, sample_rate: int, parameters: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return (start, stop) in samples of the segments that the parameters of `segments` ask for.

    Raises
    ------
    MistakeError
        Where the parameters do not go together, or with the length.
    """
    way, hop = asked_way(parameters), parameters["hop"]
    if way == "count":
        return count_spans(length, parameters["count"], parameters["rest"])
    size = parameters["samples"] or whole_samples(parameters["duration"], sample_rate, "duration")
    apart = size if hop is None else whole_samples(hop, sample_rate, "hop")
    return segment_spans(length, size, apart, parameters["rest"])


def asked_way(parameters: Mapping[str, Any]) -> str | None:
    """Return the way in which the parameters of `segments` give the length of segments.

    Raises
    ------
    MistakeError
        Where there is not one, or a hop that does not go with it.
    """
    way, hop = one_way({name: parameters[name] for name in LENGTHS}), parameters["hop"]
    if way == "count" and hop is not None:
        raise mistake(
            "a hop does not go with a count", parameter="hop", given=f"{hop:g} s", allowed="duration or samples"
        )
    return way


def one_way(ways: Mapping[str, float | None], needed: bool = True) -> str | None:
    """Return the one way in which the length of the segments is given, or None where none is and none is needed.

    Parameters
    ----------
    ways
        What is given for each way, None for nothing.
    needed
        Whether one has to be given.

    Raises
    ------
    MistakeError
        Where there are several, or none.
    """
    given = [name for name, value in ways.items() if value is not None]
    if len(given) == 1 or not (given or needed):
        return given[0] if given else None
    raise mistake(
        "the length of the segments is given in more than one way" if given else "the segments have no length",
        parameter=given[-1] if given else next(iter(ways)),
        given=", ".join(given),
        allowed=f"one of {', '.join(ways)}",
    )


def whole_samples(seconds: float, sample_rate: int, parameter: str) -> int:
    """Return a time in samples, to the nearest one.

    Raises
    ------
    MistakeError
        Where it is less than a sample.
    """
    samples = round(seconds * sample_rate)
    if samples < 1:
        raise _too_short(seconds, parameter, f"{1 / sample_rate:.6g} s or more")
    return samples


def refuse_no_time(times: Mapping[str, float | None], sample_rate: int | None) -> None:
    """Refuse times of less than a sample; those of 0 where the sample rate is not known yet.

    Parameters
    ----------
    times
        Seconds by the name of the parameter, None for nothing.
    sample_rate
        Samples a second, or None.

    Raises
    ------
    MistakeError
        Names the parameter.
    """
    for parameter, seconds in times.items():
        if seconds is not None and sample_rate:
            whole_samples(seconds, sample_rate, parameter)
        elif seconds is not None and seconds <= 0:
            raise _too_short(seconds, parameter, "more than 0 s")


def _too_short(seconds: float, parameter: str, allowed: str) -> MistakeError:
    return mistake("the time is less than a sample", parameter=parameter, given=f"{seconds:g} s", allowed=allowed)


def count_spans(length: int, count: int, rest: Rest) -> list[tuple[int, int]]:
    """Return (start, stop) of `count` equal segments of `length` samples; `rest` as in `segment_spans`.

    Raises
    ------
    MistakeError
        Where there are too few samples for as many segments.
    """
    size = max(1, length // count if rest == "drop" else -(-length // count))
    found = segment_spans(length, size, size, rest)[:count]
    if len(found) < count:
        raise mistake(
            f"the sound is too short for {count} equal segments",
            parameter="count",
            given=f"{length} samples, in segments of {size} samples: {len(found)}",
            allowed=f"{len(found)} or fewer",
        )
    return found


def segment_spans(length: int, size: int, hop: int, rest: Rest) -> list[tuple[int, int]]:
    """Return (start, stop) of segments of `size` samples, `hop` apart, that cover `length` samples.

    Only the last one may go on after the end; it is kept as long as it is ('pad'), cut at the end ('keep') or
    left out ('drop').

    Raises
    ------
    MistakeError
        Where no segment is left, or there are more than 10 000.
    """
    count = 1 + -(-max(0, length - max(size, hop)) // hop)
    if count > MOST_SEGMENTS:
        raise mistake(
            f"there would be {count} segments",
            given=f"{size} samples, {hop} apart, in {length}",
            allowed=f"at most {MOST_SEGMENTS}",
        )
    found = [(number * hop, number * hop + size) for number in range(count)]
    if found[-1][1] > length and rest != "pad":
        start, _ = found.pop()
        found += [(start, length)] if rest == "keep" else []
    if not length or not found:
        raise mistake(
            "the sound is shorter than a segment" if length else "there is nothing to cut",
            given=f"{size} samples of {length}",
            allowed="one segment or more",
            hint="rest: pad fills the last segment up with silence" if length else "",
        )
    return found
