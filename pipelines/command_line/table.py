"""The table at the end of a sweep: what was measured of what cannot be heard, such as scores, job by job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pipelines.render import Outcome

WIDTH, MOST, GAP = 120, 8, 2
"""Characters of a line and columns of numbers at most, and spaces between columns."""

LABEL = 48
"""Characters of the number and the overrides of a job at most: of these the ends are shown."""


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
    scores = [_scores(outcome) for outcome in outcomes]
    several = any(len(each) > 1 for each in scores)
    measured = [
        {
            f"{output}.{name}" if several else name: number
            for output, own in each.items()
            for name, number in own.items()
        }
        for each in scores
    ]
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


def _scores(outcome: Outcome) -> dict[str, Mapping[str, float]]:
    """Return by output the recorded numbers of those that are no sounds."""
    if outcome.record is None:
        return {}
    recorded = json.loads(outcome.record.read_text(encoding="utf-8"))["outputs"]
    found = {n: recorded[n]["measures"] for n, value in outcome.execution.outputs.items() if value.sound() is None}
    return {output: numbers for output, numbers in found.items() if numbers}


def _labels(overrides: Sequence[Sequence[str]]) -> list[str]:
    """Return numbers, and the overrides in which jobs differ, without what all have in front, cut to their ends."""
    common = set(overrides[0]).intersection(*overrides) if len(overrides) > 1 else set()
    texts = [" ".join(word.removeprefix("piece.") for word in each if word not in common) for each in overrides]
    heads = [f"[{number}] " for number in range(1, len(texts) + 1)]
    return [
        h + (t if len(h + t) <= LABEL else f"…{t[len(h) + 1 - LABEL :]}") for h, t in zip(heads, texts, strict=True)
    ]


def _shown(numbers: Mapping[str, float], name: str) -> str:
    return f"{numbers[name]:.3g}" if name in numbers else "-"
