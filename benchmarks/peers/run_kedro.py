"""The toy graph in Kedro, run by its SequentialRunner.

Kedro has no cache. `--mode memory` keeps every result in a MemoryDataset, the default of data sets that are not
declared. `--mode disk` writes every result to a JSON file of its own. `--mode missing` is `disk` with
`only_missing_outputs`: results whose file exists are not computed again, whatever the code or parameters were.
"""

import json
import logging
from pathlib import Path

from common import Worker, calls

logging.disable(logging.INFO)
worker = Worker()

with worker.stage("imports"):
    from importlib.metadata import version

    from kedro.io import AbstractDataset, DataCatalog, MemoryDataset
    from kedro.pipeline import Pipeline, node
    from kedro.runner import SequentialRunner


class NumberFile(AbstractDataset):
    """A whole number in a JSON file: the leanest data set on disk that Kedro allows."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> int:
        return json.loads(self._path.read_bytes())

    def save(self, data: int) -> None:
        self._path.write_text(json.dumps(data))

    def _exists(self) -> bool:
        return self._path.exists()

    def _describe(self) -> dict:
        return {"path": str(self._path)}


def plus(number: int, amount: int) -> int:
    calls.append(1)
    return number + amount


def total(*numbers: int) -> int:
    return sum(numbers)


def pipeline(graph: str, steps: int) -> Pipeline:
    nodes = [node(lambda: 0, None, "n0", name="zero")]
    for k in range(1, steps + 1):
        before = f"n{k - 1}" if graph == "chain" else "n0"
        amount = "params:one" if graph == "chain" else f"params:{k}"
        nodes.append(node(plus, [before, amount], f"n{k}", name=f"plus{k}"))
    if graph == "fan":
        nodes.append(node(total, [f"n{k}" for k in range(1, steps + 1)], "sum", name="total"))
    return Pipeline(nodes)


def catalog(graph: str, steps: int, folder: Path, on_disk: bool) -> DataCatalog:
    amounts = {"one": 1} if graph == "chain" else {str(k): k for k in range(1, steps + 1)}
    datasets = {f"params:{name}": MemoryDataset(value) for name, value in amounts.items()}
    if on_disk:
        datasets |= {name: NumberFile(folder / name) for name in [*(f"n{k}" for k in range(steps + 1)), "sum"]}
    return DataCatalog(datasets)


last = f"n{worker.steps}" if worker.graph == "chain" else "sum"
with worker.stage("graph"):
    graph = pipeline(worker.graph, worker.steps)
    data = catalog(worker.graph, worker.steps, worker.folder, worker.mode != "memory")
with worker.stage("run"):
    SequentialRunner().run(graph, data, only_missing_outputs=worker.mode == "missing")
    result = data.load(last)
worker.report(f"kedro {version('kedro')}", result)
