"""The toy graph in redun: lazy expressions, its call graph and results in an SQLite database on disk.

Tasks run in redun's default executor, threads of this process.
"""

import logging

from common import Worker, calls

logging.disable(logging.INFO)
worker = Worker()

with worker.stage("imports"):
    from importlib.metadata import version

    from redun import Scheduler, task
    from redun.config import Config

redun_namespace = "toy"


@task()
def zero() -> int:
    return 0


@task()
def plus(number: int, amount: int) -> int:
    calls.append(1)
    return number + amount


@task()
def total(numbers: list[int]) -> int:
    return sum(numbers)


def expression(graph: str, steps: int) -> int:
    """Return the graph as an expression that redun will evaluate."""
    number = zero()
    if graph == "fan":
        return total([plus(number, k) for k in range(1, steps + 1)])
    for _ in range(steps):
        number = plus(number, 1)
    return number


with worker.stage("graph"):
    scheduler = Scheduler(config=Config({"backend": {"db_uri": f"sqlite:///{worker.folder}/redun.db"}}))
    scheduler.load()
    lazy = expression(worker.graph, worker.steps)
with worker.stage("run"):
    result = scheduler.run(lazy, exec_argv=["toy"])
worker.report(f"redun {version('redun')}", result)
