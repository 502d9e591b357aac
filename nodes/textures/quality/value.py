"""How good resynthesised textures are, as a value: numbers, a table, a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

Scores = dict[str, dict[str, Array]]


@dataclass(frozen=True, eq=False)
class TextureQuality(Value):
    """Scores of one sound or of several takes, each beside what the source alone would get.

    Parameters
    ----------
    takes
        Label of each take; one empty one for a single sound.
    scores
        By group and name, a number for each take, float64; NaN where there is none.

        'snr' (dB), 'deviations' and 'error' have a number for each class of statistics; 'copying' has 'copy' and
        'repetition', mean and '_highest' over snippets; 'held_out' has 'frechet' and 'moments'.
        'diversity' has 'level_distance' (dB) and 'copy' of each take to the other ones.
    natural
        Shaped as the scores: the same numbers between the halves of the source; its own repetition.
    cap
        Signal-to-noise ratio in dB beyond which nothing counts.
    """

    takes: tuple[str, ...]
    scores: Scores
    natural: Scores
    cap: float

    def describe(self) -> str:
        """Return the numbers that matter most."""
        found = self.measure()
        takes = f", {len(self.takes)} takes" if len(self.takes) > 1 else ""
        parts = (
            ("SNR", "snr_mean", "dB mean"),
            ("", "snr_min", "dB least"),
            ("copy", "copy", f"(control {found.get('copy_control', math.nan):.2f})"),
        )
        shown = [
            f"{title} {found[name]:.{2 if name == 'copy' else 1}f} {unit}"
            for title, name, unit in parts
            if name in found
        ]
        return f"TextureQuality{takes}, {', '.join(text.strip() for text in shown)}"

    def draw(self) -> MatplotlibFigure:
        """Return the table as a picture."""
        from nodes.textures.quality.drawing import draw_quality

        return draw_quality(self)

    def measure(self) -> dict[str, float]:
        """Return the numbers to follow in a sweep, means over the takes; those that there are."""
        found = {
            "snr_mean": self.ratios().mean(),
            "snr_min": self.ratios().min(initial=math.inf),
            "copy": _mean(self.scores["copying"]["copy"]),
            "copy_highest": _highest(self.scores["copying"]["copy_highest"]),
            "copy_control": _mean(self.natural["copying"]["copy"]),
            "repetition": _mean(self.scores["copying"]["repetition"]),
            "repetition_control": _mean(self.natural["copying"]["repetition"]),
            **{name: _mean(values) for name, values in self.scores["held_out"].items()},
            **{f"{name}_natural": _mean(values) for name, values in self.natural["held_out"].items()},
        }
        if "diversity" in self.scores:
            found["diversity"] = _mean(self.scores["diversity"]["level_distance"])
            found["diversity_copy"] = _mean(self.scores["diversity"]["copy"])
        return {name: float(value) for name, value in found.items() if math.isfinite(value)}

    def ratios(self) -> Array:
        """Return the signal-to-noise ratios of all classes and takes that have one."""
        found = np.concatenate([np.asarray(values) for values in self.scores["snr"].values()])
        kept: Array = found[np.isfinite(found)]
        return kept if len(kept) else np.array([math.nan])


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _highest(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else math.nan
