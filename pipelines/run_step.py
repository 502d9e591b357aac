"""Running one step: inputs in, node called, outputs checked, stored, measured."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.context import Context, Watcher
from pipelines.files import FileDigests
from pipelines.graph import BoundStep
from pipelines.mistakes import mistake
from pipelines.store import FULL, Store, no_room
from pipelines.value import Value, arrays_of, as_stored, freeze

MAPPED_BYTES = 1 << 20
"""Larger results are read back from the store, so that their memory can be given up."""


@dataclass(frozen=True)
class Task:
    """One step with all that is needed to run it; `sources` are the files that its code and parameters come from."""

    step: BoundStep
    key: str
    device: str
    piece: str
    sources: tuple[Path, ...]
    ingredients: dict[str, Any]


def run_step(
    task: Task, inputs: Mapping[str, Any], store: Store, watcher: Watcher, files: FileDigests
) -> dict[str, Value]:
    """Run a step and store its outputs; return them by name.

    Where another process has stored the result meanwhile, that one is returned.

    Raises
    ------
    MistakeError
        Where the node refuses its inputs, a file changed meanwhile, or the result cannot be stored.
    Exception
        Whatever else the node raises: a fault of the node.
    """
    with store.lock(task.key):
        if store.has(task.key):
            return {name: store.load(task.key, name) for name in task.step.outputs}
        heard = _Heard(watcher)
        meter = Meter()
        outputs = _call(task, inputs, store, heard)
        about = {
            "step": task.step.path,
            "piece": task.piece,
            "node": task.step.spec.name,
            "ingredients": task.ingredients,
            **meter.read(),
            "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "metrics": heard.points,
            "notes": heard.notes,
        }
        _refuse_changed(task.sources, files)
        store.save(task.key, outputs, about)
    return {name: _lighter(value, task.key, name, store) for name, value in outputs.items()}


def _call(task: Task, inputs: Mapping[str, Any], store: Store, watcher: Watcher) -> dict[str, Value]:
    spec = task.step.spec
    arguments = {**inputs, **task.step.parameters}
    if spec.wants_context:
        scratch = store.scratch(task.key)
        arguments["context"] = Context(
            task.step.path, task.key, task.ingredients.get("seed"), task.device, scratch, watcher
        )
    try:
        returned = spec.function(**arguments)
    except SystemExit as error:
        raise RuntimeError(f"the node tried to end the program ({error.code})") from error
    except OSError as error:
        raise no_room(error, store.folder) if error.errno in FULL else error from error
    if len(spec.outputs) == 1 and "value" in spec.outputs:
        outputs = {"value": returned}
    else:
        outputs = {name: getattr(returned, name, None) for name in task.step.outputs}
    for name, kind in task.step.outputs.items():
        if not isinstance(outputs[name], kind):
            given = type(outputs[name]).__name__
            raise TypeError(f"node '{spec.name}' must give {kind.__name__} as '{name}' and gave {given}")
    return {name: freeze(as_stored(value)) for name, value in outputs.items()}


def _lighter(value: Value, key: str, output: str, store: Store) -> Value:
    if sum(array.nbytes for array in arrays_of(value)) < MAPPED_BYTES:
        return value
    return store.load(key, output, trusted=True)


def _refuse_changed(sources: tuple[Path, ...], files: FileDigests) -> None:
    """Refuse to store a result whose key says something else than what was read."""
    for path in sources:
        if files.changed(path):
            raise mistake("the file changed while the piece was rendered", given=str(path), hint="render again")


class _Heard:
    """Passes on what a step says of itself and keeps its curves and notes for the record."""

    def __init__(self, watcher: Watcher) -> None:
        self.points: dict[str, list[list[float]]] = {}
        self.notes: list[str] = []
        self._watcher = watcher

    def progress(self, step: str, done: int, total: int | None, what: str = "") -> None:
        self._watcher.progress(step, done, total, what)

    def metric(self, step: str, name: str, value: float, at: int) -> None:
        self.points.setdefault(name, []).append([at, value])
        self._watcher.metric(step, name, value, at)

    def note(self, step: str, text: str) -> None:
        self.notes.append(text)
        self._watcher.note(step, text)


class Meter:
    """Measures seconds, CPU seconds and the peak of resident memory (bytes) from its making to `read`."""

    def __init__(self) -> None:
        _reset_peak()
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def read(self) -> dict[str, float]:
        """Return what was used since the meter was made."""
        return {
            "seconds": round(time.perf_counter() - self._wall, 6),
            "cpu_seconds": round(time.process_time() - self._cpu, 6),
            "peak_memory": _peak(),
        }


def _reset_peak() -> None:
    try:
        with Path("/proc/self/clear_refs").open("w") as file:
            file.write("5")
    except OSError:
        return  # not Linux, or not allowed: the peak is then the process's so far


def _peak() -> int:
    try:
        with Path("/proc/self/status").open() as file:
            line = next(line for line in file if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
