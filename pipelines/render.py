"""Rendering: plan, execute, deliver, record."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.care import keep_to_limit
from pipelines.deliver import deliver, file_name, place_pages
from pipelines.execute import EXECUTORS, Execution, Listener
from pipelines.keys import digest
from pipelines.painters import THREADS
from pipelines.prepare import Prepared
from pipelines.record import Rendered, write_record
from pipelines.reproduce import write_reproduction
from pipelines.run_step import Meter
from pipelines.store import Damaged
from pipelines.views import Views
from pipelines.workers import set_workers


@dataclass
class Outcome:
    """What came of a render.

    Parameters
    ----------
    prepared
        The plan that was executed.
    execution
        Results and failures.
    folder
        Where the files are.
    files
        The files of each output.
    pages
        Where the page of each step lies that has one.
    record
        The file that records the render.
    reproductions
        For each failed step the folder of a piece that reproduces the failure.
    """

    prepared: Prepared
    execution: Execution
    folder: Path
    files: dict[str, list[Path]] = field(default_factory=dict)
    pages: dict[str, Path] = field(default_factory=dict)
    record: Path | None = None
    reproductions: dict[str, Path] = field(default_factory=dict)


def render(prepared: Prepared, listener: Listener, sweep: str = "") -> Outcome:
    """Render a planned piece: run what must run, write the files, write the record.

    Parameters
    ----------
    prepared
        The planned piece.
    listener
        Hears how it goes.
    sweep
        Name of the sweep that the render belongs to, if any.

    Raises
    ------
    MistakeError
        Where outputs or the record cannot be written.
    KeyboardInterrupt
        On Ctrl-C; all steps that finished are stored.
    """
    started, meter = time.time(), Meter()
    set_workers(prepared.settings.workers)
    with Views(prepared) as views:
        if prepared.plan.order or views.missing:
            _set_threads(prepared.settings.threads)
            _allow_many_files()
        prepared, execution = _execute(prepared, listener, views.offer)
        outcome = Outcome(prepared, execution, render_folder(prepared))
        _deliver(outcome, listener)
        used = meter.read()
        seen = views.finish(listener.drawn)
    outcome.pages = place_pages(outcome.folder, piece_stem(prepared), seen.pages)
    rendered = Rendered(prepared, execution, outcome.folder, outcome.files, sweep, started, used, *seen)
    outcome.record = write_record(rendered)
    keep_to_limit(prepared.store, prepared.settings.store.limit, outcome.record.parent, prepared.store.written)
    return outcome


def _deliver(outcome: Outcome, listener: Listener) -> None:
    """Write what a person opens, and for each failed step a piece that reproduces the failure."""
    prepared, execution = outcome.prepared, outcome.execution
    keys = {name: _mark(prepared, name) for name in execution.outputs}
    outcome.files = deliver(outcome.folder, piece_stem(prepared), execution.outputs, keys)
    listener.delivered([path for paths in outcome.files.values() for path in paths])
    for path, trace in execution.traces.items():
        outcome.reproductions[path] = write_reproduction(prepared, path, trace, outcome.folder / "failures")


def _mark(prepared: Prepared, name: str) -> str:
    """Return what the files of an output depend on: the result, and the code that writes it."""
    plan, reference = prepared.plan, prepared.plan.graph.outputs[name]
    kind = plan.step(reference.step).outputs[reference.output]
    return f"{plan.keys[reference.step]}.{reference.output}.{plan.code.showing(kind)}"


def piece_stem(prepared: Prepared) -> str:
    """Return the stem of the names of a piece's files."""
    return file_name(prepared.plan.graph.title or prepared.composed.piece_name)


def render_folder(prepared: Prepared) -> Path:
    """Return the folder of a render: the piece's name and a digest of its outputs' keys."""
    plan = prepared.plan
    mark = digest([[name, plan.keys[r.step], r.output] for name, r in sorted(plan.graph.outputs.items())])
    return prepared.settings.renders.absolute() / file_name(prepared.composed.piece_name) / mark[:10]


def _execute(prepared: Prepared, listener: Listener, stored: Callable[[str], None]) -> tuple[Prepared, Execution]:
    execute = EXECUTORS[prepared.settings.executor.name]
    seen: set[str] = set()
    while True:
        try:
            return prepared, execute(prepared.plan, prepared.store, listener, stored)
        except Damaged as damage:
            if damage.key in seen:
                raise RuntimeError(f"{damage}, though it was computed again") from damage
            seen.add(damage.key)
            listener.repeated(damage)
            prepared = prepared.again()


def _allow_many_files() -> None:
    """Let the process have as many files open as it may: each stored array that is in use is one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _set_threads(threads: int) -> None:
    """Hold the numerical libraries to a number of threads: another one can change the last bits of sums."""
    import os
    import sys

    from threadpoolctl import threadpool_limits

    for name in THREADS:
        os.environ[name] = str(threads)  # for libraries that are loaded later
    threadpool_limits(threads)  # for those that are loaded already
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
