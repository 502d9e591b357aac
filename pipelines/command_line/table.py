"""The table at the end of a sweep: what was measured of what cannot be heard, such as scores, job by job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pipelines.render import Outcome

WIDTH, MOST, GAP = 120, 8, 2
"""Characters of a line and columns of numbers at most, and spaces between columns."""

LABEL = 48
"""Characters of the overrides of a job at most: their ends are shown, for they differ."""


def sweep_table(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the lines of the table: for each job what only some jobs have overridden, and its first numbers.

    Parameters
    ----------
    outcomes
        The jobs that were rendered.

    Returns
    -------
    The lines, with the names of the numbers first; none where nothing but sounds was measured.
    """
    measured = [_measures(outcome) for outcome in outcomes]
    names = list(dict.fromkeys(name for numbers in measured for name in numbers))[:MOST]
    if not names:
        return []
    labels = ["", *_labels([outcome.prepared.composed.overrides for outcome in outcomes])]
    columns = [[name, *(_shown(numbers, name) for numbers in measured)] for name in names]
    width = max(map(len, labels))
    lines = [label.ljust(width) for label in labels]
    for column in columns:
        width = max(map(len, column)) + GAP
        if len(lines[0]) + width > WIDTH:
            break
        lines = [line + cell.rjust(width) for line, cell in zip(lines, column, strict=True)]
    return lines


def _measures(outcome: Outcome) -> Mapping[str, float]:
    """Return the recorded numbers of outputs that are no sounds; with the output's name where several have them."""
    if outcome.record is None:
        return {}
    recorded = json.loads(outcome.record.read_text(encoding="utf-8"))["outputs"]
    scores = {n: recorded[n]["measures"] for n, v in outcome.execution.outputs.items() if v.sound() is None}
    found = {output: numbers for output, numbers in scores.items() if numbers}
    return {
        name if len(found) == 1 else f"{output}.{name}": value
        for output, numbers in found.items()
        for name, value in numbers.items()
    }


def _labels(overrides: Sequence[Sequence[str]]) -> list[str]:
    """Return the overrides in which jobs differ, without what all pieces have in front, cut to their ends."""
    common = set(overrides[0]).intersection(*overrides) if len(overrides) > 1 else set()
    texts = [" ".join(word.removeprefix("piece.") for word in each if word not in common) for each in overrides]
    return [text if len(text) <= LABEL else f"…{text[1 - LABEL :]}" for text in texts]


def _shown(numbers: Mapping[str, float], name: str) -> str:
    return f"{numbers[name]:.3g}" if name in numbers else "-"
