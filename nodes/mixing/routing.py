"""Which output channel every channel of a track goes to."""

from __future__ import annotations

from collections.abc import Sequence

from nodes.mixing.gains import PanLaw, balance_gains, pan_gains
from nodes.mixing.summing import Feed
from pipelines.mistakes import mistake
from pipelines.quantities import Envelope

CENTRE = Envelope(((0.0, 0.0),))


def output_count(widths: Sequence[int], firsts: Sequence[int], panned: bool) -> int:
    """Return how many outputs tracks need that begin at these outputs; a panned mono track needs two."""
    needed = [max(2, width) if panned else width for width in widths]
    return max(first + width - 1 for first, width in zip(firsts, needed, strict=True))


def feeds_of(
    name: str, width: int, first: int, outputs: int, pan: Envelope | None, law: PanLaw, sample_rate: int
) -> tuple[Feed, ...]:
    """Return the feeds of a track.

    Parameters
    ----------
    name
        What the track is called in messages, 'track 2'.
    width
        Channels of the track.
    first
        Output channel of its first channel, from 1.
    outputs
        Output channels of the mix.
    pan
        -1 … 1 over seconds; None sends each channel straight to its output.
    law
        How a mono track is shared between two outputs.
    sample_rate
        Samples a second.

    Raises
    ------
    MistakeError
        Where the track needs outputs that the mix has not, or a pan is given for more than two channels.
    """
    last = first - 1 + (max(width, 2) if pan else width)
    if last > outputs:
        raise mistake(
            f"{name} needs outputs {first} to {last}, the mix ends with {outputs}",
            parameter="channels",
            given=str(outputs),
            allowed=f"{last} or more",
            hint="a mono track with a pan takes two neighbouring outputs" if pan and width == 1 else "",
        )
    if pan is None or (width > 2 and _centred(pan)):
        return tuple(Feed(channel, first - 1 + channel) for channel in range(width))
    if width > 2:
        raise mistake(
            f"{name} has {width} channels and cannot be panned",
            parameter="pans",
            given="a pan",
            allowed="0 for this track, or no pans at all",
        )
    left, right = (pan_gains if width == 1 else balance_gains)(pan, sample_rate, law)
    return Feed(0, first - 1, left), Feed(width - 1, first, right)


def _centred(pan: Envelope) -> bool:
    return all(position == 0 for _, position in pan.points)
