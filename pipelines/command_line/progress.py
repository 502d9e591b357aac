"""Progress on a terminal: a bar for the piece and one for the step that runs, or for pictures, with the time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
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
        self._pictures: Any = None
        self._title = ""

    @contextmanager
    def of(self, plan: Plan) -> Iterator[None]:
        """Show the bars while a plan is executed and its results are drawn."""
        try:
            if plan.order:
                self._open()
            if self._bars is not None:
                self._piece = self._bars.add_task(plan.graph.title or "piece", total=len(plan.order))
            yield
        finally:
            self._close()

    def _open(self) -> None:
        if self.plain:
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
        self._bars = Bars(*columns, transient=True)
        self._bars.start()

    def _close(self) -> None:
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._piece = self._step = self._pictures = None

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

    def delivered(self, files: Sequence[Path]) -> None:
        """The files to open are there: they are named at once, on lines of their own that no bar breaks."""
        self._close()
        for path in files:
            print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path, flush=True)

    def drawn(self, done: int, total: int) -> None:
        """So many pictures for the record are there."""
        if self._bars is None:
            self._open()
        if self._bars is not None and self._pictures is None:
            self._pictures = self._bars.add_task("pictures", completed=done, total=total)
        elif self._bars is not None:
            self._bars.update(self._pictures, completed=done, total=total)

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
