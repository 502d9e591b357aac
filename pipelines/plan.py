"""The plan of a render: the key of every step, and which are stored, which must run, which nobody needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.code import CodeDigests
from pipelines.files import FileDigests
from pipelines.graph import BoundStep, Graph
from pipelines.keys import Machine, digest, ingredients, step_seed
from pipelines.mistakes import Mistake, MistakeError
from pipelines.store import Store

State = Literal["cached", "run", "unneeded"]


@dataclass(frozen=True)
class Plan:
    """What a render will do.

    Parameters
    ----------
    graph
        The checked piece.
    keys
        Key of every step by path.
    states
        'cached', 'run' or 'unneeded' for every step by path.
    order
        Paths of the steps to run, each after what it takes; depth first, so that results are released early.
    machine
        Device and threads.
    files, code
        The digests of the files that the piece reads, and of its nodes' code.
    """

    graph: Graph
    keys: dict[str, str]
    states: dict[str, State]
    order: list[str]
    machine: Machine
    files: FileDigests = field(repr=False)
    code: CodeDigests = field(repr=False)

    def step(self, path: str) -> BoundStep:
        """Return a step of the graph."""
        return self.graph.steps[path]

    def ingredients(self, path: str) -> dict[str, Any]:
        """Return everything that a step's result depends on."""
        return _ingredients(self.step(path), self.keys, self.graph, self.machine, self.files, self.code)

    def count(self, state: State) -> int:
        """Return how many steps are in a state."""
        return sum(found == state for found in self.states.values())


def make_plan(graph: Graph, store: Store, machine: Machine, files: FileDigests, code: CodeDigests) -> Plan:
    """Compute all keys and find out what must run.

    Raises
    ------
    MistakeError
        Where an input file cannot be read; every such file in one go.
    """
    keys: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for path, step in graph.steps.items():
        try:
            keys[path] = digest(_ingredients(step, keys, graph, machine, files, code))
        except MistakeError as error:
            mistakes += error.at(path).mistakes
            keys[path] = ""
    if mistakes:
        raise MistakeError(mistakes)
    files.keep()
    code.keep()
    states: dict[str, State] = dict.fromkeys(graph.steps, "unneeded")
    order = _order(graph, keys, store, states)
    return Plan(graph, keys, states, order, machine, files, code)


def _ingredients(
    step: BoundStep, keys: dict[str, str], graph: Graph, machine: Machine, files: FileDigests, code: CodeDigests
) -> dict[str, Any]:
    return ingredients(step, keys, code(step.spec), step_seed(graph.seed, step), machine, files)


def _order(graph: Graph, keys: dict[str, str], store: Store, states: dict[str, State]) -> list[str]:
    """Walk back from the outputs, depth first, stopping at what is stored; fill in the states."""
    order: list[str] = []
    waiting: list[tuple[str, bool]] = [(r.step, False) for r in reversed(graph.outputs.values())]
    while waiting:
        path, inputs_done = waiting.pop()
        if inputs_done:
            order.append(path)
        elif states[path] == "unneeded":
            states[path] = "cached" if store.has(keys[path]) else "run"
            if states[path] == "run":
                waiting.append((path, True))
                waiting += [(r.step, False) for r in reversed(list(graph.steps[path].sources()))]
    return order
