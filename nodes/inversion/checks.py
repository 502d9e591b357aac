"""What the arguments of an inversion must have to do with each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipelines.mistakes import listed, mistake


def refuse_weights(targets: int, weights: Sequence[float] | None) -> None:
    """Refuse an inversion without targets, or with another number of weights than of targets."""
    if not targets:
        raise mistake("there is nothing to reach", parameter="targets", given="[]", allowed="one target or more")
    if weights is not None and len(weights) != targets:
        raise mistake(
            "there must be one weight for each target",
            parameter="weights",
            given=f"{len(weights)} weights",
            allowed=f"{targets}, for there are {targets} targets",
        )


def kept_iterates(keep: Literal["last", "all"] | Sequence[int], iterations: int) -> set[int]:
    """Return the numbers of the iterates that are kept.

    Raises
    ------
    MistakeError
        Where one is asked for that will not be reached.
    """
    if isinstance(keep, str):
        return {iterations} if keep == "last" else set(range(iterations + 1))
    beyond = [number for number in keep if number > iterations]
    if beyond or not keep:
        raise mistake(
            "these iterates will not be made" if beyond else "no iterate is kept",
            parameter="keep",
            given=listed(map(str, beyond)) if beyond else "[]",
            allowed=f"0 (the start) to {iterations}, 'last' or 'all'",
            hint="raise iterations" if beyond else "",
        )
    return set(keep)


def channel_count(targets: Sequence[int], start: int | None, asked: int | None) -> int:
    """Return the number of channels of the result.

    Parameters
    ----------
    targets
        Channels of each target.
    start
        Channels of the start, where there is one.
    asked
        The parameter.

    Raises
    ------
    MistakeError
        Where the counts do not go together.
    """
    if start is not None and asked is not None and asked != start:
        raise mistake(
            "the start has another number of channels",
            parameter="channels",
            given=str(asked),
            allowed=f"{start}, as the start has",
            hint="leave channels out",
        )
    count = start or asked or max(targets)
    for number, channels in enumerate(targets, 1):
        if channels not in (1, count):
            raise mistake(
                f"target {number} has another number of channels than the sound that shall reach it",
                parameter="targets",
                given=f"{channels} channels for a sound of {count}",
                allowed=f"{count}, or 1 for all" if count > 1 else "1",
                hint="analyse the channels apart, or give a start with as many channels",
            )
    return count
