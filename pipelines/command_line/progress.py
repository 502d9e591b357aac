"""Progress on a terminal: a bar for the piece and one for the step that runs, with the time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipelines.plan import Plan
from pipelines.store import Damaged


class Progress:
    """Hears how a render goes.

    Parameters
    ----------
    plain
        No bars: the output is not a terminal, or the user wants quiet.
    quiet
        Nothing but results and errors.
    """

    def __init__(self, plain: bool, quiet: bool) -> None:
        self.plain = plain
        self.quiet = quiet
        self._bars: Any = None
        self._piece: Any = None
        self._step: Any = None
        self._title = ""

    @contextmanager
    def of(self, plan: Plan) -> Iterator[None]:
        """Show the bars while a plan is executed."""
        if self.plain or not plan.order:
            yield
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bars

        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(),
        )  # fmt: skip
        with Bars(*columns, transient=True) as self._bars:
            self._piece = self._bars.add_task(plan.graph.title or "piece", total=len(plan.order))
            yield
        self._bars = self._piece = self._step = None

    def started(self, step: str, node: str) -> None:
        """A step begins."""
        if self._bars is not None:
            self._title = f"  {step} ({node})"
            self._step = self._bars.add_task(self._title, total=None)

    def finished(self, step: str) -> None:
        """A step is done."""
        self._end()

    def failed(self, step: str, error: Exception) -> None:
        """A step failed; what to say of it comes at the end."""
        self._end()

    def repeated(self, damage: Damaged) -> None:
        """A stored result is damaged and will be computed again."""
        print(f"{damage}: it is computed again", file=sys.stderr)

    def progress(self, step: str, done: int, total: int | None, what: str = "") -> None:
        """The loop of a step, or `what` comes before it, has come so far."""
        if self._bars is not None and self._step is not None:
            title = f"{self._title}: {what}" if what else self._title
            self._bars.update(self._step, completed=done, total=total, description=title)

    def metric(self, step: str, name: str, value: float, at: int) -> None:
        """A step logs a point of a curve; it is kept for the record, not shown."""

    def note(self, step: str, text: str) -> None:
        """A step tells what the composer should know."""
        if not self.quiet:
            print(f"{step}: note: {text}", file=sys.stderr)

    def _end(self) -> None:
        if self._bars is not None and self._step is not None:
            self._bars.remove_task(self._step)
            self._bars.advance(self._piece)
            self._step = None
