"""Parameters of which there is one for every track, or one that stands for all of them."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Discriminator, Field, Tag

from pipelines.mistakes import mistake, shown
from pipelines.quantities import Envelope, LevelEnvelope, PanEnvelope, Seconds, Unit

Setting = TypeVar("Setting", Envelope, float, int)


def one_or_each(value: Any) -> str:
    """Return 'each' for a list of settings, 'one' for a single one such as a list of [time, value] points."""
    if not isinstance(value, list | tuple):
        return "one"
    return "one" if value and all(_is_point(item) for item in value) else "each"


def _is_point(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and not isinstance(item[0], list | tuple)


OutputChannel = Annotated[int, Field(ge=1), Unit("output channel")]

LevelEnvelopes = Annotated[
    Annotated[LevelEnvelope, Tag("one")] | Annotated[list[LevelEnvelope], Tag("each")],
    Discriminator(one_or_each),
]
PanEnvelopes = Annotated[
    Annotated[PanEnvelope, Tag("one")] | Annotated[list[PanEnvelope], Tag("each")], Discriminator(one_or_each)
]
Times = Annotated[Annotated[Seconds, Tag("one")] | Annotated[list[Seconds], Tag("each")], Discriminator(one_or_each)]
OutputChannels = Annotated[
    Annotated[OutputChannel, Tag("one")] | Annotated[list[OutputChannel], Tag("each")],
    Discriminator(one_or_each),
]


def for_each(settings: Setting | list[Setting], takes: Sequence[int], parameter: str) -> list[Setting]:
    """Return one setting for each take of each track.

    Parameters
    ----------
    settings
        One for all, or a list with one for each track or with one for each take.
    takes
        How many takes each track consists of; 1 for a sound.
    parameter
        Name of the parameter, for messages.

    Raises
    ------
    MistakeError
        Where a list has neither as many items as there are tracks nor as there are takes.
    """
    if not isinstance(settings, list):
        return [settings] * sum(takes)
    if len(settings) == len(takes):
        return [setting for setting, count in zip(settings, takes, strict=True) for _ in range(count)]
    each = f", or of {sum(takes)}, one for each take" if sum(takes) != len(takes) else ""
    if not each or len(settings) != sum(takes):
        raise mistake(
            f"there are {len(takes)} tracks and {len(settings)} {parameter}",
            parameter=parameter,
            given=shown(settings),
            allowed=f"one value for all, or a list of {len(takes)}, in the order of the tracks{each}",
        )
    return settings


def require_each(items: Sequence[Any], count: int, parameter: str) -> None:
    """Refuse a list that does not have one item for each of `count` clips.

    Raises
    ------
    MistakeError
        Names both numbers.
    """
    if len(items) != count:
        raise mistake(
            f"there are {count} clips and {len(items)} {parameter}",
            parameter=parameter,
            given=shown(items),
            allowed=f"a list of {count}, in the order of the clips",
            hint="takes count as that many clips; 'take' selects one of them",
        )
