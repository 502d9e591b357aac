"""Ratios of separated sounds as lines: for reading, and as CSV."""

from __future__ import annotations

import csv
import io
import math

from nodes.separation_quality.value import SeparationQuality, shown
from nodes.textures.quality.table import aligned

TITLES = {
    "sdr": "SDR",
    "isr": "ISR",
    "sir": "SIR",
    "sar": "SAR",
    "si_sdr": "SI-SDR",
    "usdr": "uSDR",
    "usdr_gain": "uSDR gain",
    "si_sdr_gain": "SI-SDR gain",
}
LEGEND = """\
dB. SDR, ISR, SIR, SAR and SI-SDR: medians over windows; whole: over all of the sound. Gains are over the mix.
SDR: all that is wrong. ISR: wrong filters and places. SIR: other sources. SAR: what comes from no source.
"""


def as_csv(quality: SeparationQuality) -> str:
    """Return a header, a line for each source, ratio and window, and lines without a time for all of the sound."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("source", "ratio", "seconds", "dB"))
    for number, name in enumerate(quality.names):
        for ratio, rows in quality.windows.items():
            for time, value in zip(quality.times, rows[number], strict=True):
                writer.writerow((name, ratio, f"{time:.6g}", _number(value)))
        for ratio, values in quality.whole.items():
            writer.writerow((name, ratio, "", _number(values[number])))
    return file.getvalue()


def as_text(quality: SeparationQuality) -> str:
    """Return a table with a line for each source, and what it means."""
    medians = quality.medians()
    titles = ["", *(TITLES[name] for name in medians), *(f"whole {TITLES[name]}" for name in quality.whole)]
    columns = [*medians.values(), *quality.whole.values()]
    rows = [[name, *(shown(column[number]) for column in columns)] for number, name in enumerate(quality.names)]
    return "\n".join([*aligned([titles, *rows]), "", LEGEND])


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
