"""How many channels a piece of takes has, and what each loudspeaker is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from nodes.takes.courses import delays_of
from pipelines.mistakes import mistake, shown

Mode = Literal["drift", "fixed"]


def channel_count(own: int, asked: int | None, lag: int | Sequence[int]) -> int:
    """Return the channels of a rise: those of its takes, or those asked for where the takes are mono.

    Raises
    ------
    MistakeError
        Where takes of several channels are to have another number, or a list of lags does not fit.
    """
    if asked is not None and own not in (1, asked):
        raise mistake(
            f"the takes have {own} channels already",
            parameter="channels",
            given=str(asked),
            allowed=f"{own}, or mono takes, which go to any number of channels",
        )
    channels = asked or (len(lag) if own == 1 and not isinstance(lag, int) and lag else own)
    delays_of(lag, channels)
    return channels


def loudspeakers(mode: Mode, iterates: Sequence[str] | None, channels: int | None, pool_channels: int) -> int:
    """Return the number of output channels.

    Raises
    ------
    MistakeError
        Where a fixed assignment names another number of iterates than channels.
    """
    if mode == "drift":
        return channels or pool_channels
    if channels is not None and channels != len(iterates or ()):
        raise mistake(
            f"there are {channels} channels and {len(iterates or ())} iterates",
            parameter="iterates",
            given=shown(list(iterates or ())),
            allowed=f"a list of {channels}, one iterate for each loudspeaker",
        )
    return len(iterates or ())


def refuse_other_mode(mode: Mode, iterates: Sequence[str] | None, settings: Mapping[str, Any]) -> None:
    """Refuse what belongs to the other mode, and a fixed assignment that names no iterates.

    Raises
    ------
    MistakeError
        Names the parameter.
    """
    if not iterates and (mode == "fixed" or iterates is not None):
        raise mistake(
            "no iterates are named",
            parameter="iterates",
            given=shown(iterates) if iterates is not None else "nothing",
            allowed="with mode: fixed the iterate of each loudspeaker, as in [0, 1, 7, 9]"
            if mode == "fixed" else "one iterate or more, or null for all",
        )  # fmt: skip
    for name in ("centre", "spread", "order"):
        if mode == "fixed" and settings[name] is not None:
            raise mistake(
                f"'{name}' goes with mode: drift only",
                parameter=name,
                given=shown(settings[name]),
                allowed="nothing: with mode: fixed every loudspeaker plays all segments in order",
            )


def seats(asked: Sequence[int] | None, channels: int, pool_channels: int) -> list[int]:
    """Return the channel of the pool, from 0, that each loudspeaker plays; unless asked for they take turns.

    Parameters
    ----------
    asked
        Channels of the pool from 1, one for each loudspeaker.
    channels
        Number of loudspeakers.
    pool_channels
        Number of channels of the pool.

    Raises
    ------
    MistakeError
        Where there is not one for each loudspeaker, or the pool has no such channel.
    """
    if asked is None:
        return [channel % pool_channels for channel in range(channels)]
    if len(asked) != channels or max(asked) > pool_channels:
        raise mistake(
            f"there are {channels} loudspeakers and {len(asked)} pool_channels"
            if len(asked) != channels else f"the pool has no channel {max(asked)}",
            parameter="pool_channels",
            given=shown(list(asked)),
            allowed=f"a list of {channels}, each from 1 to {pool_channels}",
        )  # fmt: skip
    return [channel - 1 for channel in asked]
