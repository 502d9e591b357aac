"""The toy graph in Hamilton: one function, parameterised once a step; `with_cache` keeps its cache on disk.

The cache's metadata are an SQLite database, its results one file for each distinct value: many steps of a fan
or chain have distinct values here, as they would in real work.
"""

import logging
import types

from common import Worker, calls

logging.disable(logging.INFO)
worker = Worker()

with worker.stage("imports"):
    from importlib.metadata import version

    from hamilton import ad_hoc_utils, driver
    from hamilton.function_modifiers import group, inject, parameterize, source, value


def steps_of(graph: str, steps: int) -> types.ModuleType:
    """Return a module with the functions of the graph."""

    def n0() -> int:
        return 0

    @parameterize(
        **{
            f"n{k}": {
                "number": source(f"n{k - 1}" if graph == "chain" else "n0"),
                "amount": value(1 if graph == "chain" else k),
            }
            for k in range(1, steps + 1)
        }
    )
    def plus(number: int, amount: int) -> int:
        calls.append(1)
        return number + amount

    @inject(numbers=group(*[source(f"n{k}") for k in range(1, steps + 1)]))
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    return ad_hoc_utils.create_temporary_module(*((n0, plus) if graph == "chain" else (n0, plus, total)))


last = f"n{worker.steps}" if worker.graph == "chain" else "total"
with worker.stage("graph"):
    dataflow = (
        driver.Builder()
        .with_modules(steps_of(worker.graph, worker.steps))
        .with_cache(path=str(worker.folder / "cache"))
        .build()
    )
with worker.stage("run"):
    result = dataflow.execute([last])[last]
worker.report(f"hamilton {version('sf-hamilton')}", result)
