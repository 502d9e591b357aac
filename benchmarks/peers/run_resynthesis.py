"""The toy graph in resynthesis: checked, planned and executed serially, with the store on disk.

The stage `graph` checks the piece and plans it: keys of all steps, and which are stored. The stage `run`
executes what is not stored and loads the output; where the output is stored, nothing else is looked at.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import Worker

worker = Worker()

with worker.stage("imports"):
    from importlib.metadata import version

    from pipelines.compose import Composed
    from pipelines.execute import EXECUTORS
    from pipelines.prepare import prepare
    from pipelines.registry import load_registry
    from pipelines.store import Damaged

    registry = load_registry([Path(__file__).with_name("toy_nodes.py")])


class Deaf:
    """Hears nothing."""

    def started(self, step: str, node: str) -> None: ...
    def finished(self, step: str) -> None: ...
    def failed(self, step: str, error: Exception) -> None: ...
    def repeated(self, damage: Damaged) -> None: ...
    def delivered(self, files: Sequence[Path]) -> None: ...
    def drawn(self, done: int, total: int) -> None: ...
    def progress(self, step: str, done: int, total: int | None, what: str = "") -> None: ...
    def metric(self, step: str, name: str, value: float, at: int) -> None: ...

    def note(self, step: str, text: str) -> None: ...


def piece(graph: str, steps: int) -> dict[str, Any]:
    """Return the toy graph as a piece."""
    first = {"node": "zero"}
    if graph == "chain":
        chain = {"repeat": steps, "carry": {"number": "first"}, "node": "plus", "number": "number", "amount": 1}
        return {"steps": {"first": first, "last": chain}, "output": "last"}
    fan = {"each": {"amount": list(range(1, steps + 1))}, "node": "plus", "number": "first", "amount": "$amount"}
    return {"steps": {"first": first, "fan": fan, "sum": {"node": "total", "numbers": ["fan.all"]}}, "output": "sum"}


config = {
    "piece": piece(worker.graph, worker.steps),
    "store": {"folder": str(worker.folder / "store"), "limit": "50 GB", "verify": "always"},
    "renders": str(worker.folder / "renders"),
    "records": str(worker.folder / "records"),
    "executor": {"name": "serial"},
    "tracking": {"uri": None, "artifacts": None, "experiment": "benchmark"},
    "device": "cpu",
    "threads": 1,
}
with worker.stage("graph"):
    prepared = prepare(Composed(config, worker.graph, ()), registry)
with worker.stage("run"):
    execution = EXECUTORS["serial"](prepared.plan, prepared.store, Deaf())
    result: Any = execution.outputs["output"]
worker.report(f"resynthesis {version('resynthesis')}", result.value)
