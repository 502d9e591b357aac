"""How the stems of a sound are shown: one picture of all, and a page on which they are heard together."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from nodes.values.audio import Audio, Takes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SHOWN = 12
"""Components that are shown, the strongest."""


def draw_stems(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Figure:
    """Return the spectrograms of the sound and its stems, with the masks."""
    from nodes.values.parts import draw_parts

    return draw_parts(inputs["audio"], _sounds(outputs))


def play_stems(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    """Return a page that plays the stems in step, with mute and solo."""
    from nodes.playing.page import player_page

    return player_page(inputs["audio"], _sounds(outputs))


def _sounds(outputs: Mapping[str, Any]) -> dict[str, Audio]:
    """Return the parts by name; components, which are takes, by their number."""
    found = {name: value for name, value in outputs.items() if isinstance(value, Audio)}
    for takes in outputs.values():
        if isinstance(takes, Takes):
            found |= {f"component {label}": takes.take(n) for n, label in islice(enumerate(takes.labels), SHOWN)}
    return found
