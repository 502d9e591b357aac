"""Pictures of what steps give, for the record: drawn once for each result, by several processes where there are many.

They begin while later steps still run, and are kept beside the store under the result's key and the code that draws.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from pipelines.graph import BoundStep
from pipelines.node import ShowingRule
from pipelines.painters import Drawn, Painter, Sight, draw
from pipelines.prepare import Prepared
from pipelines.value import Value
from pipelines.workers import workers

MOST_VIEWS = 100
"""So many pictures at most are drawn for the record; more nobody looks at."""

FEWEST, MOST_PAINTERS = 6, 8
"""Pictures at least for each process beside this one, which takes a second to start; and so many processes at most."""

SHOWN_AFTER = 1.0
"""Seconds after which it is shown how far the drawing has come."""


class View(NamedTuple):
    """A picture or a page: what the record calls it, the step, what it shows of it, and where it is kept."""

    name: str
    step: str
    sight: Sight
    picture: Path


class Seen(NamedTuple):
    """Paths of all pictures by what the record calls them, and of all pages by the step."""

    pictures: dict[str, str]
    pages: dict[str, str]


class Views:
    """The pictures of a render.

    Within the `with` block, processes draw what `offer` tells of; `finish` draws what is left together with them. Its
    end, also by Ctrl-C, ends them. What they draw is what this process would draw.

    Parameters
    ----------
    prepared
        The planned piece.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._plan, self._store, self._threads = prepared.plan, prepared.store, prepared.settings.threads
        self._views = list(_views_of(prepared))
        self._told: set[Path] = set()
        self._waiting: deque[View] = deque()
        self._refused: deque[View] = deque()
        self._busy = 0
        self._errors: dict[Path, str] = {}
        self._painters: list[Painter] = []
        self._feeders: list[threading.Thread] = []
        self._ended = False
        self._change = threading.Condition()

    @property
    def missing(self) -> int:
        """Number of pictures and pages that are likely to be drawn."""
        expected = {
            view.picture
            for view in self._views[:MOST_VIEWS]
            if self._shows(view) and not view.picture.exists()
            if view.step in self._plan.order or self._ready(view)
        }
        return len(expected)

    def __enter__(self) -> Views:
        try:
            for _ in range(min(MOST_PAINTERS, workers() - 1, self.missing // FEWEST)):
                with suppress(OSError):  # fewer processes, or this one alone, draw the same
                    self._begin(Painter(self._store, self._threads))
            self._tell(view for view in self._early() if self._ready(view))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with self._change:
            self._ended = True
            self._change.notify_all()
        for painter in self._painters:
            painter.end()
        for feeder in self._feeders:
            feeder.join()
        for painter in self._painters:
            painter.close()

    def offer(self, step: str) -> None:
        """Let the processes draw what a step gave: its result is in the store."""
        self._tell(view for view in self._early() if view.step == step)

    def finish(self, heard: Callable[[int, int], None]) -> Seen:
        """Draw what is not drawn yet; return where all pictures and pages are.

        Parameters
        ----------
        heard
            Is told how many pictures are drawn, of how many, when this takes longer than a second.
        """
        began = time.monotonic()
        while True:
            for left in self._work():
                if time.monotonic() - began > SHOWN_AFTER:
                    heard(len(self._told) - left, len(self._told))
            if not (fresh := self._fresh()):
                break
            self._tell(fresh)
        names = {view.picture: view.name for view in reversed(self._views) if view.picture in self._errors}
        for picture, name in reversed(names.items()):
            print(f"{name}: cannot be drawn: {self._errors[picture]}", file=sys.stderr)
        seen = list(islice(self._seen(), MOST_VIEWS))
        return Seen(
            {view.name: str(view.picture) for view in seen if view.picture.suffix == ".png"},
            {view.step: str(view.picture) for view in seen if view.picture.suffix != ".png"},
        )

    def _shows(self, view: View) -> bool:
        """Return whether there is likely something to see."""
        kinds = self._plan.step(view.step).outputs
        return bool(view.sight.function) or kinds[view.sight.outputs[0]].draw is not Value.draw

    def _has(self, view: View) -> bool:
        return self._store.has(view.sight.key)

    def _ready(self, view: View) -> bool:
        """Return whether all that a view needs is stored: what went into a stored step may have been removed."""
        return all(self._store.has(key) for key in {key for key, _ in view.sight.sources()})

    def _early(self) -> list[View]:
        """Return what is drawn in any case: views before these that show nothing make room for later ones."""
        return self._views[:MOST_VIEWS] if self._painters else []

    def _seen(self) -> Iterator[View]:
        return (v for v in self._views if self._has(v) and v.picture.exists() and v.picture.stat().st_size)

    def _fresh(self) -> list[View]:
        """Return what is still to be told: of so many views, until it is known which of them show nothing."""
        fresh: list[View] = []
        seen = 0
        for view in self._views:
            if seen == MOST_VIEWS:
                break
            if view.picture.exists():
                seen += self._has(view) and view.picture.stat().st_size > 0
            elif view.picture not in self._told and self._ready(view):
                seen += 1
                fresh.append(view)
        return fresh

    def _tell(self, views: Iterable[View]) -> None:
        with self._change:
            for view in views:
                if view.picture not in self._told and not view.picture.exists():
                    self._told.add(view.picture)
                    self._waiting.append(view)
            self._change.notify_all()

    def _work(self) -> Iterator[int]:
        """Draw beside the processes until all is drawn; yield how many are left, now and then."""
        while True:
            with self._change:
                view = (self._refused or self._waiting).popleft() if self._refused or self._waiting else None
                if view is None and not self._busy:
                    return
                left = len(self._refused) + len(self._waiting) + self._busy + (view is not None)
                if view is None:
                    self._change.wait(timeout=0.2)
            yield left
            if view is not None:
                self._keep(view, draw(self._store, view.sight))

    def _begin(self, painter: Painter) -> None:
        self._painters.append(painter)
        self._feeders.append(threading.Thread(target=self._feed, args=(painter,), daemon=True))
        self._feeders[-1].start()

    def _feed(self, painter: Painter) -> None:
        """Have a process draw what waits, as long as it lives and there may be more."""
        while painter.alive:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    return
                view = self._waiting.popleft()
                self._busy += 1
            try:
                drawn = painter.draw(view.sight)
                if drawn is not None and self._plan.files.unchanged():  # or it may have drawn by newer code than ours
                    self._keep(view, drawn)
                else:
                    self._refused.append(view)
            finally:
                with self._change:
                    self._busy -= 1
                    self._change.notify_all()

    def _keep(self, view: View, drawn: Drawn) -> None:
        """Write a picture whole or not at all; an empty file remembers that there is nothing to see."""
        if drawn.error:
            self._errors[view.picture] = drawn.error
        partial = view.picture.with_name(f".{view.picture.stem}.{os.getpid()}.{threading.get_ident()}.partial")
        try:
            view.picture.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(drawn.picture)
            partial.replace(view.picture)
        except OSError as error:
            self._errors[view.picture] = f"{type(error).__name__}: {error}"
        finally:
            with suppress(OSError):
                partial.unlink()  # Ctrl-C came before it was in its place


def beside(prepared: Prepared, step: str, output: str, ending: str) -> Path:
    """Return where the picture or the numbers of a result are kept; other code that shows it, another place."""
    plan = prepared.plan
    key = plan.keys[step]
    showing = plan.code.showing(plan.step(step).outputs[output])[:12]
    return Path(f"{prepared.store.folder}/views/{key[:2]}/{key[2:]}.{output}.{showing}.{ending}")


def _views_of(prepared: Prepared) -> Iterator[View]:
    """Yield what is seen of every step as a whole and of each of its outputs, in the order of the piece."""
    for path, step in prepared.plan.graph.steps.items():
        mark = step.spec.mark
        if mark.figure:
            yield _whole(prepared, step, mark.figure, path, "png")
        if mark.page:
            yield _whole(prepared, step, mark.page, f"{path}.html", "html")
        for output in step.outputs:
            name = path if output == "value" else f"{path}.{output}"
            if not (mark.figure and name == path):
                sight = Sight(prepared.plan.keys[path], (output,))
                yield View(name, path, sight, beside(prepared, path, output, "png"))


def _whole(prepared: Prepared, step: BoundStep, rule: ShowingRule, name: str, ending: str) -> View:
    """Return the view that a function gives of a step's inputs and outputs."""
    plan = prepared.plan
    inputs: dict[str, Any] = {}
    for port, references in step.inputs.items():
        sources = [(plan.keys[reference.step], reference.output) for reference in references]
        if sources or step.spec.ports[port].many:
            inputs[port] = sources if step.spec.ports[port].many else sources[0]
    key = plan.keys[step.path]
    sight = Sight(key, tuple(step.outputs), f"{rule.__module__}:{rule.__name__}", inputs)
    code = plan.code.showing_by(rule)[:12]
    kept = Path(f"{prepared.store.folder}/views/{key[:2]}/{key[2:]}.{rule.__name__}.{code}.{ending}")
    return View(name, step.path, sight, kept)
