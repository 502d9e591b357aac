"""A user's mistake, and how it is said: where, what was given, what is allowed, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Mistake:
    """One mistake of a config, a file or a command.

    Parameters
    ----------
    what
        The sentence that says what is wrong.
    step
        Path of the step, `a/voice`; empty where no step is concerned.
    parameter
        Parameter, port or key of the step.
    given
        What was given, as the user wrote it.
    allowed
        What would have been right.
    hint
        What to do, or the nearest right name.
    """

    what: str
    step: str = ""
    parameter: str = ""
    given: str = ""
    allowed: str = ""
    hint: str = ""

    def at(self, step: str = "", parameter: str = "") -> Mistake:
        """Return the mistake with a place filled in where it had none."""
        return replace(self, step=self.step or step, parameter=self.parameter or parameter)

    def __str__(self) -> str:
        place = ".".join(part for part in (self.step, self.parameter) if part)
        lines = [f"{place}: {self.what}" if place else self.what]
        for label, text in (("given", self.given), ("allowed", self.allowed), ("hint", self.hint)):
            if text:
                lines.append(f"    {label + ':':<9}{text}")
        return "\n".join(lines)


class MistakeError(Exception):
    """Raised for anything that the user can mend; carries every mistake found, not only the first."""

    def __init__(self, mistakes: Mistake | Iterable[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = (mistakes,) if isinstance(mistakes, Mistake) else tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))

    def at(self, step: str = "", parameter: str = "") -> MistakeError:
        """Return the error with a place filled into every mistake that had none."""
        return MistakeError(mistake.at(step, parameter) for mistake in self.mistakes)


def mistake(what: str, **fields: str) -> MistakeError:
    """Return the error for a single mistake."""
    return MistakeError(Mistake(what, **fields))


def shown(value: Any, length: int = 80) -> str:
    """Return a value as it is quoted in a message, cut to `length` characters."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the hint that names what the user probably meant; empty where nothing is near."""
    close = difflib.get_close_matches(str(name), list(names), n=1, cutoff=0.55)
    return f"did you mean '{close[0]}'?" if close else ""


def listed(names: Sequence[str] | Iterable[str], most: int = 40) -> str:
    """Return names as a sentence's list, cut after `most`."""
    names = [str(name) for name in names]
    return ", ".join(names[:most]) + (f", … ({len(names)} in all)" if len(names) > most else "")
