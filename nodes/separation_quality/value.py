"""How good separated sounds are, as a value: numbers, a table, a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class SeparationQuality(Value):
    """Ratios in dB of separated sounds to what is wrong with them.

    Parameters
    ----------
    names
        Name of each source.
    windows
        By ratio ('sdr', 'isr', 'sir', 'sar', 'si_sdr') sources × windows, float64. NaN where nothing can be said, for
        something is silent; infinite where nothing is wrong.
    whole
        By ratio over all of the sound ('usdr', 'si_sdr', and how much higher than the mix: 'usdr_gain',
        'si_sdr_gain') a number for each source, float64.
    times
        Middle of each window in seconds, float64.
    """

    names: tuple[str, ...]
    windows: dict[str, Array]
    whole: dict[str, Array]
    times: Array

    def describe(self) -> str:
        """Return the median SDR of each source, and the gain over the mix."""
        medians, gains = self.medians()["sdr"], self.whole["usdr_gain"]
        each = [
            f"{name} {shown(sdr)} ({shown(gain, '+')})"
            for name, sdr, gain in zip(self.names, medians, gains, strict=True)
        ]
        return f"SeparationQuality, SDR in dB (over the mix): {', '.join(each)}"

    def medians(self) -> dict[str, Array]:
        """Return for each ratio the median over the windows that have one, NaN where none has."""
        return {name: np.array([_median(row) for row in rows]) for name, rows in self.windows.items()}

    def measure(self) -> dict[str, float]:
        """Return the ratios of each source, `vocals_sdr`, and their means over the sources, those that are finite."""
        found: dict[str, float] = {}
        for ratio, values in {**self.medians(), **{_whole(name): each for name, each in self.whole.items()}}.items():
            found.update({f"{name}_{ratio}": float(value) for name, value in zip(self.names, values, strict=True)})
            if np.isfinite(values).all():
                found[f"mean_{ratio}"] = float(values.mean())
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def draw(self) -> MatplotlibFigure:
        """Return the ratios of each source over time, and how they are spread."""
        from nodes.separation_quality.drawing import draw_separation_quality

        return draw_separation_quality(self)


def shown(value: float, sign: str = "") -> str:
    """Return a ratio with one digit behind the point; a dash where there is none."""
    if math.isnan(value):
        return "–"
    return f"{value:{sign}.1f}" if math.isfinite(value) else ("∞" if value > 0 else "-∞")


def _whole(name: str) -> str:
    return name if name.startswith("usdr") else f"whole_{name}"


def _median(row: Array) -> float:
    known = row[~np.isnan(row)]
    return float(np.sort(known)[[(len(known) - 1) // 2, len(known) // 2]].mean()) if len(known) else math.nan
