"""Executing a plan, one step after another. A failing step stops its dependants only."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pipelines.context import Watcher
from pipelines.mistakes import MistakeError
from pipelines.plan import Plan
from pipelines.quantities import InputFiles
from pipelines.run_step import Task, run_step
from pipelines.scope import Reference
from pipelines.store import Damaged, Store
from pipelines.value import Value


class Listener(Watcher, Protocol):
    """Hears how a render goes."""

    def started(self, step: str, node: str) -> None:
        """A step begins."""

    def finished(self, step: str) -> None:
        """A step is done and stored."""

    def failed(self, step: str, error: Exception) -> None:
        """A step failed."""

    def repeated(self, damage: Damaged) -> None:
        """A stored result was found damaged; it will be computed again."""

    def delivered(self, files: Sequence[Path]) -> None:
        """The files that a person opens are there; what remains is the record."""

    def drawn(self, done: int, total: int) -> None:
        """So many of the pictures for the record are there; not told where they take less than a second."""


@dataclass
class Execution:
    """What came of a plan.

    Parameters
    ----------
    outputs
        The outputs that were asked for and could be made, by name.
    ran
        Paths of the steps that ran to their end.
    failures, traces
        The error of each step that failed, and where in the code it arose.
    stopped
        Steps that could not run, each with the failed step that stopped it.
    """

    outputs: dict[str, Value] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)
    traces: dict[str, str] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)


class Executor(Protocol):
    """Runs the steps of a plan."""

    def __call__(self, plan: Plan, store: Store, listener: Listener, stored: Callable[[str], None] = ...) -> Execution:
        """Run them; tell `stored` each whose result is in the store."""


def execute_serially(
    plan: Plan, store: Store, listener: Listener, stored: Callable[[str], None] = lambda step: None
) -> Execution:
    """Run the steps of a plan one after another.

    Parameters
    ----------
    plan, store, listener
        What to run, where results are kept, who hears how it goes.
    stored
        Is told each step whose result is in the store.

    Raises
    ------
    Damaged
        Where a stored result that the plan counts on cannot be trusted: plan again, it has been set aside.
    KeyboardInterrupt
        On Ctrl-C; every step that finished is stored.
    """
    execution = Execution()
    shelf = _Shelf(plan, store)
    for path in plan.order:
        culprit = _culprit(plan, path, execution)
        if culprit:
            execution.stopped[path] = culprit
            continue
        step = plan.step(path)
        listener.started(path, step.spec.name)
        task = _task(plan, path)
        try:
            inputs = {
                name: shelf.take(references, step.spec.ports[name].many) for name, references in step.inputs.items()
            }
            outputs = run_step(task, inputs, store, listener, plan.files)
        except Damaged:
            raise
        except MistakeError as error:
            _fail(path, error.at(path), execution, listener)
            continue
        except Exception as error:
            _fail(path, error, execution, listener)
            continue
        del inputs
        shelf.put(path, outputs)
        execution.ran.append(path)
        stored(path)
        listener.finished(path)
    for name, reference in plan.graph.outputs.items():
        if reference.step not in execution.failures and reference.step not in execution.stopped:
            execution.outputs[name] = shelf.take((reference,), many=False)
    return execution


EXECUTORS: Mapping[str, Executor] = {"serial": execute_serially}


def _task(plan: Plan, path: str) -> Task:
    step = plan.step(path)
    read = tuple(file for value in step.parameters.values() if isinstance(value, InputFiles) for file in value.paths)
    return Task(
        step=step,
        key=plan.keys[path],
        device=plan.machine.device,
        piece=plan.graph.title,
        sources=plan.code(step.spec).files + read,
        ingredients=plan.ingredients(path),
    )


def _fail(path: str, error: Exception, execution: Execution, listener: Listener) -> None:
    execution.failures[path] = error
    execution.traces[path] = "".join(traceback.format_exception(error))
    traceback.clear_frames(error.__traceback__)  # or they would hold the step's arrays in memory
    listener.failed(path, error)


def _culprit(plan: Plan, path: str, execution: Execution) -> str:
    for source in plan.step(path).sources():
        if source.step in execution.failures:
            return source.step
        if source.step in execution.stopped:
            return execution.stopped[source.step]
    return ""


class _Shelf:
    """Results that a later step still needs; each leaves with its last consumer."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self._store = store
        self._keys = plan.keys
        self._values: dict[Reference, Value] = {}
        self._waiting = Counter(source for path in plan.order for source in plan.step(path).sources())
        self._waiting.update(plan.graph.outputs.values())

    def put(self, path: str, outputs: Mapping[str, Value]) -> None:
        for name, value in outputs.items():
            if self._waiting[Reference(path, name)]:
                self._values[Reference(path, name)] = value

    def take(self, references: tuple[Reference, ...], many: bool) -> Any:
        found = [self._take(reference) for reference in references]
        return found if many else found[0] if found else None

    def _take(self, reference: Reference) -> Value:
        value = self._values.get(reference)
        if value is None:
            value = self._store.load(self._keys[reference.step], reference.output)
        self._waiting[reference] -= 1
        if self._waiting[reference] > 0:
            self._values[reference] = value
        else:
            self._values.pop(reference, None)
        return value
