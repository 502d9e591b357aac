"""What the arguments of an inversion must have to do with each other; needs no target, so that a plan can ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipelines.mistakes import listed, mistake, nearest
from pipelines.quantities import wrong

MOMENTUM, ACCELERATION, BRAKE = 0.9, 1.1, 0.5
"""The bold driver of the sources."""

STARTING = "TextureStatistics"
"""The kind of target that makes first sounds of its own."""

_EVERY = re.compile(r"every\s+0*([1-9]\d*)")


def refuse_weights(targets: int, weights: Sequence[float] | None) -> None:
    """Refuse an inversion without targets, or with another number of weights than of targets."""
    if not targets:
        raise mistake("there is nothing to reach", parameter="targets", given="[]", allowed="one target or more")
    if weights is not None and len(weights) != targets:
        raise mistake(
            "there must be one weight for each target",
            parameter="weights",
            given=f"{len(weights)} weights",
            allowed="1, for there is 1 target" if targets == 1 else f"{targets}, for there are {targets} targets",
        )


def length_of(lengths: Sequence[int | None], duration: float | None, sample_rate: int) -> int | None:
    """Return the samples of the sound that is asked for, or that targets demand; None where neither tells."""
    if duration is not None:
        length = round(duration * sample_rate)
        if not length:
            raise mistake(
                "the duration is less than a sample",
                parameter="duration",
                given=f"{duration:g} s",
                allowed=f"{1 / sample_rate:.3g} s or more",
            )
        return length
    return next((length for length in lengths if length is not None), None)


def refuse_other_lengths(lengths: Sequence[int | None], length: int, sample_rate: int, asked: bool) -> None:
    """Refuse a sound of another length than that of a target that is compared frame by frame.

    Parameters
    ----------
    lengths
        Samples of each target; None where every length can be compared with it.
    length
        Samples of the sound that shall reach them.
    sample_rate
        Of both.
    asked
        Whether that length was asked for, and is not that of another target.
    """
    for number, own in enumerate(lengths, 1):
        if own not in (None, length):
            raise mistake(
                f"target {number} can be compared with a sound of its own length only",
                parameter="duration" if asked else "targets",
                given=f"{length} samples ({length / sample_rate:.6g} s)",
                allowed=f"{own} samples ({own / sample_rate:.6g} s)" if own else "",
                hint="leave duration out, or give scatter `averaging: global`"
                if asked else "cut the targets' sounds to one duration before the analysis",
            )  # fmt: skip


def leading(
    classes: Sequence[Sequence[str] | None], weights: Sequence[float] | None, class_weights: Mapping[str, float]
) -> int:
    """Return which target, from 0, is the first that counts; the first of all where none does.

    Parameters
    ----------
    classes
        Names of the classes of each target, where they are known.
    weights, class_weights
        As `invert` has them.
    """

    def counts(number: int) -> bool:
        names = classes[number]
        each = (class_weights.get(f"{number + 1}.{name}", class_weights.get(name, 1.0)) for name in names or ())
        return (weights is None or weights[number] > 0) and (not names or any(each))

    return next((number for number in range(len(classes)) if counts(number)), 0)


def refuse_no_start(initial: str | None, starts: bool) -> None:
    """Refuse a first sound of a target's own where the first that counts makes none; `starts` tells whether it does."""
    if initial in ("statistics", "tonal") and not starts:
        raise mistake(
            "the first target that counts makes no first sound of its own",
            parameter="initial",
            given=initial,
            allowed="coloured, envelope, energies, white or pink, or texture_statistics as that target",
        )


def refuse_bound_loop(loop: bool, free: Sequence[bool]) -> None:
    """Refuse a loop towards a target that is compared frame by frame; `free` tells which can have every length."""
    if loop and not all(free):
        raise mistake(
            f"target {list(free).index(False) + 1} is compared frame by frame, not with a loop",
            parameter="loop",
            given="true",
            allowed="with statistics, which are averages over time",
            hint="give scatter `boundary: circular`, which makes loops by itself",
        )


def refuse_unknown_classes(
    classes: Sequence[Sequence[str]], asked: Iterable[str], parameter: str = "class_weights"
) -> None:
    """Refuse the name of a class that no target has.

    Parameters
    ----------
    classes
        Names of the classes of each target.
    asked
        Names, with or without the number of a target, from 1: 'order2', '1.order2'.
    parameter
        Where they were asked for.
    """
    known = [name for names in classes for name in names]
    known += [f"{number}.{name}" for number, names in enumerate(classes, 1) for name in names]
    for name in asked:
        if name not in known:
            raise mistake(
                "no target has a descriptor class of this name",
                parameter=parameter,
                given=name,
                allowed=listed(dict.fromkeys(known)),
                hint=nearest(name, known),
            )


def refuse_unknown_targets(count: int, asked: Iterable[str], parameter: str = "class_weights") -> None:
    """Refuse the name of a class, such as '3.order2', of a target that is not among `count`."""
    for name in asked:
        number = re.match(r"(\d+)\.", name)
        if number and not 1 <= int(number[1]) <= count:
            raise mistake(
                "there is no target of this number",
                parameter=parameter,
                given=name,
                allowed=f"1 to {count}" if count > 1 else "1, the only target",
                hint="targets count from 1, in their order",
            )


def refuse_idle_driver(optimizer: str, momentum: float, acceleration: float, brake: float) -> None:
    """Refuse parameters of the bold driver where another optimiser is asked for."""
    given = {"momentum": (momentum, MOMENTUM), "acceleration": (acceleration, ACCELERATION), "brake": (brake, BRAKE)}
    for name, (value, default) in given.items():
        if optimizer not in ("bold_driver", "nesterov") and value != default:
            raise mistake(
                f"the optimizer '{optimizer}' has no {name}",
                parameter=name,
                given=f"{value:g}",
                allowed="with the optimizers bold_driver and nesterov",
                hint=f"leave {name} out, or set optimizer: bold_driver",
            )


def read_every(given: Any) -> str:
    """Return 'every N' as written, with N from 1 on."""
    found = _EVERY.fullmatch(given.strip().lower()) if isinstance(given, str) else None
    if found is None:
        raise wrong("last, all, 'every 5' (the start, each fifth iterate and the last) or a list of iterates from 0 on")
    return f"every {found[1]}"


def kept_iterates(keep: str | Sequence[int], iterations: int) -> set[int]:
    """Return the numbers of the iterates that are kept.

    Raises
    ------
    MistakeError
        Where one is asked for that will not be reached.
    """
    if isinstance(keep, str):
        first = iterations if keep == "last" else 0
        every = int(keep.split()[1]) if keep.startswith("every") else 1
        return {*range(first, iterations + 1, every), iterations}
    beyond = [number for number in keep if number > iterations]
    if beyond or not keep:
        raise mistake(
            "these iterates will not be made" if beyond else "no iterate is kept",
            parameter="keep",
            given=listed(map(str, beyond)) if beyond else "[]",
            allowed=f"0 (the start) to {iterations}, 'last', 'all' or 'every 5'",
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
