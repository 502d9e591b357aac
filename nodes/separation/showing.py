"""How the stems of a sound are shown: one picture of all, and a page on which they are heard together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_stems(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Figure:
    """Return the spectrograms of the sound and its stems, with the masks."""
    from nodes.values.parts import draw_parts

    return draw_parts(inputs["audio"], outputs)


def play_stems(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str | None:
    """Return a page that plays the stems in step, with mute and solo."""
    from nodes.playing.page import player_page

    return player_page(inputs["audio"], outputs)
