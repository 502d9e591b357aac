"""The loudness of a sound as a value: numbers, curves, a text, a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.value import Array, Value

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

MOMENTARY, SHORT_TERM = 0.4, 3.0
STEP = 0.1


@dataclass(frozen=True, eq=False)
class Loudness(Value):
    """How loud a sound is; -inf is silence.

    Parameters
    ----------
    integrated
        Loudness of the whole, gated, in LUFS.
    range
        Loudness range in LU.
    true_peak
        dBTP.
    sample_peak
        dBFS.
    momentary, short_term
        LUFS of every 0.4 s and every 3 s, ten times a second; float32.
    """

    integrated: float
    range: float
    true_peak: float
    sample_peak: float
    momentary: Array
    short_term: Array

    def describe(self) -> str:
        """Return loudness, range and true peak."""
        levels = (_shown(self.integrated, "LUFS"), _shown(self.range, "LU"), _shown(self.true_peak, "dBTP"))
        return f"Loudness, {', '.join(levels)}"

    def measure(self) -> dict[str, float]:
        """Return the numbers that are finite."""
        levels = {
            "peak_dbfs": self.sample_peak,
            "true_peak_dbtp": self.true_peak,
            "integrated_lufs": self.integrated,
            "loudness_range_lu": self.range,
        }
        return {name: level for name, level in levels.items() if math.isfinite(level)}

    def text(self) -> str:
        """Return the numbers as lines."""
        rows = (
            ("integrated loudness", _shown(self.integrated, "LUFS")),
            ("loudness range", _shown(self.range, "LU")),
            ("true peak", _shown(self.true_peak, "dBTP")),
            ("sample peak", _shown(self.sample_peak, "dBFS")),
            ("loudest 0.4 s", _shown(_highest(self.momentary), "LUFS")),
            ("loudest 3 s", _shown(_highest(self.short_term), "LUFS")),
        )
        return "".join(f"{name + ':':<21}{level}\n" for name, level in rows)

    def draw(self) -> MatplotlibFigure:
        """Return the loudness over time."""
        from nodes.loudness.drawing import draw_loudness

        return draw_loudness(self)

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write the numbers as a text, the curves as a picture."""
        path = folder / f"{name}.txt"
        path.write_text(self.text(), encoding="utf-8")
        return [path, *super().write(folder, name)]


def _shown(level: float, unit: str) -> str:
    return f"{level:.1f} {unit}" if math.isfinite(level) else f"{'-' if level < 0 else ''}∞ {unit}"


def _highest(curve: Array) -> float:
    return float(np.max(curve, initial=-math.inf))
