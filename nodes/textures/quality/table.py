"""Scores of textures as lines: for reading, and as CSV."""

from __future__ import annotations

import csv
import io
import math

import numpy as np

from nodes.textures.quality.value import TextureQuality
from pipelines.value import Array

FIELDS = ("take", "group", "name", "value", "natural")
CLASSES = {"snr": "dB", "deviations": "deviations", "error": "error"}
NAMES = {
    "copying": {
        "copy": "copy, mean",
        "copy_highest": "copy, highest",
        "repetition": "repetition, mean",
        "repetition_highest": "repetition, highest",
    },
    "held_out": {"frechet": "log-mel Fréchet", "moments": "plain envelopes"},
    "diversity": {"level_distance": "log-mel distance (dB)", "copy": "copy of another take"},
}
LEGEND = """\
natural: what the source alone gets: its second half against its first half; for repetition all of it.
SNR: how near the statistics of a class are to those wanted, {cap:g} dB at most; median error in deviations of the
statistic; root mean square error of what is not a level.
copy: correlation of each snippet with the place of the source that is most like it; 1 is a copy. repetition: the same
within the sound. log-mel Fréchet and plain envelopes: distances that no inversion descends on; 0 is equal."""


def as_csv(quality: TextureQuality) -> str:
    """Return a header and a line for each take and score, with nothing where a number is not known."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(FIELDS)
    for group, scores in quality.scores.items():
        for name, values in scores.items():
            natural = quality.natural[group][name]
            for take, value, own in zip(quality.takes, values, natural, strict=True):
                writer.writerow([take, group, name, _number(value), _number(own)])
    return file.getvalue()


def as_text(quality: TextureQuality) -> str:
    """Return two tables, means over the takes, and what they mean."""
    return "\n".join(
        [
            quality.describe(),
            "",
            *aligned(class_rows(quality)),
            "",
            *aligned(other_rows(quality)),
            "",
            *_legend(quality),
        ]
    )


def class_rows(quality: TextureQuality) -> list[list[str]]:
    """Return the cells of the table of classes, with its titles."""
    titles = ["class", "SNR (dB)", "natural", "deviations", "natural", "error", "natural"]
    rows = []
    for name in quality.scores["snr"]:
        cells = [
            _cell(scores[group][name], 1 if group == "snr" else 2 if group == "deviations" else 3)
            for group in CLASSES
            for scores in (quality.scores, quality.natural)
        ]
        rows.append([shown(name), *cells])
    return [titles, *rows]


def other_rows(quality: TextureQuality) -> list[list[str]]:
    """Return the cells of the table of everything else, with its titles."""
    rows = [
        [title, _cell(quality.scores[group][name], 3), _cell(quality.natural[group][name], 3)]
        for group, names in NAMES.items()
        if group in quality.scores
        for name, title in names.items()
    ]
    return [["", "result", "natural"], *rows]


def shown(name: str) -> str:
    """Return the name of a class as words."""
    return name.replace("_", " ")


def aligned(rows: list[list[str]]) -> list[str]:
    """Return rows as lines with columns under each other: names at the left, numbers at the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in rows
    ]
    return ["  ".join(line).rstrip() for line in lines]


def _legend(quality: TextureQuality) -> list[str]:
    return [*LEGEND.format(cap=quality.cap).splitlines(), ""]


def _cell(values: Array, digits: int) -> str:
    known = values[np.isfinite(values)]
    return f"{known.mean():.{digits}f}" if len(known) else "–"


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
