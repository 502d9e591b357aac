"""Finding takes by their labels."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.mistakes import listed, mistake, nearest


def indices_of(wanted: Sequence[str], labels: Sequence[str], owner: str = "the takes") -> list[int]:
    """Return the place of each wanted label, in the order in which they are wanted.

    Parameters
    ----------
    wanted
        Labels; one may be wanted several times.
    labels
        The labels that there are.
    owner
        Who has them, for messages.

    Raises
    ------
    MistakeError
        Where there is no such label, or several takes have it; names the nearest label.
    """
    unknown = [label for label in dict.fromkeys(wanted) if label not in labels]
    if unknown:
        raise mistake(
            f"{owner} have no iterate '{unknown[0]}'",
            parameter="iterates",
            given=listed(unknown),
            allowed=listed(labels) or "nothing: there are no takes",
            hint=nearest_label(unknown[0], labels),
        )
    for label in wanted:
        if labels.count(label) > 1:
            raise mistake(
                f"{owner} have several iterates '{label}'",
                parameter="iterates",
                given=listed(labels),
                allowed="labels that differ",
            )
    return [labels.index(label) for label in wanted]


def nearest_label(label: str, labels: Sequence[str]) -> str:
    """Return the hint that names the nearest label: the nearest number for a number, else the most alike."""
    numbers = [other for other in labels if other.isdecimal()]
    if label.isdecimal() and numbers:
        found = min(numbers, key=lambda number: abs(int(number) - int(label)))
        return f"the nearest is '{found}'; an inversion keeps what its 'keep' names"
    return nearest(label, labels)
