from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy.grid import Grid
from toys import REGISTRY, Listening, plan_of

from nodes.values import Text
from pipelines.code import CodeDigests
from pipelines.execute import Execution, execute_serially
from pipelines.files import FileDigests
from pipelines.graph import build_graph
from pipelines.keys import Machine
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec, node
from pipelines.plan import make_plan
from pipelines.store import Damaged, Store

NUMBER: dict[str, Any] = {"node": "toy_number", "value": 3}
ALIVE: list[weakref.ref[Any]] = []


@node
def remembered(grids: list[Grid], *, value: int = 0) -> Grid:
    """Give a grid that can be asked whether it is still there."""
    made = Grid(np.full(4, value))
    ALIVE.append(weakref.ref(made.numbers))
    return made


@node
def greedy(grid: Grid) -> Text:
    """Write into what it was given."""
    grid.numbers[0] = 1
    return Text("")


@node
def interrupted(text: Text | None = None) -> Text:
    """Be interrupted by the user."""
    raise KeyboardInterrupt


OWN = {
    function.__name__: NodeSpec(function.__name__, function, "here") for function in (remembered, greedy, interrupted)
}


def execute(folder: Path, steps: Any, output: Any = "out", listener: Listening | None = None) -> Execution:
    store = Store(folder / "store")
    named = {"outputs": output} if isinstance(output, dict) else {"output": output}
    graph = build_graph({"steps": steps, **named}, {**REGISTRY, **OWN}, [folder])
    files = FileDigests(folder / "files.json")
    plan = make_plan(graph, store, Machine(), files, CodeDigests(folder / "code.json", files))
    return execute_serially(plan, store, listener or Listening())


def text_of(execution: Execution, name: str = "output") -> str:
    value = execution.outputs[name]
    assert isinstance(value, Text)
    return value.text


def test_steps_run_in_order_and_are_heard_of(tmp_path: Path) -> None:
    heard = Listening()
    steps = {"n": NUMBER, "out": {"node": "toy_add", "left": "n", "right": "n"}}
    execution = execute(tmp_path, steps, listener=heard)
    assert text_of(execution) == "6" and execution.ran == ["n", "out"]
    assert heard.heard == [("started", "n"), ("finished", "n"), ("started", "out"), ("finished", "out")]


def test_outputs_of_one_step_reach_different_steps(tmp_path: Path) -> None:
    steps = {
        "n": {"node": "toy_number", "value": 123},
        "h": {"node": "toy_halve", "text": "n"},
        "out": {"node": "toy_join", "texts": ["h.second", "h"], "separator": "|"},
        "m": {"node": "toy_measure", "grid": "h.grid"},
    }
    execution = execute(tmp_path, steps, {"out": "out", "m": "m", "half": "h.second"})
    assert text_of(execution, "out") == "23|1" and text_of(execution, "half") == "23"
    assert text_of(execution, "m") == "(1,) 1.000000"


def test_values_are_let_go_after_their_last_consumer(tmp_path: Path) -> None:
    most: list[int] = []

    def count(_: str) -> None:
        gc.collect()
        most.append(sum(reference() is not None for reference in ALIVE))

    steps: dict[str, Any] = {f"s{n}": {"node": "remembered", "grids": [f"s{n - 1}"] if n else ["first"], "value": n}
                             for n in range(10)}  # fmt: skip
    steps["first"] = {"node": "toy_noise"}
    ALIVE.clear()
    execute(tmp_path, steps, "s9", Listening(on_start=count))
    assert len(ALIVE) == 10 and max(most) == 1


def test_values_that_are_needed_again_stay(tmp_path: Path) -> None:
    steps: dict[str, Any] = {
        "first": {"node": "toy_noise"},
        "a": {"node": "remembered", "grids": ["first"]},
        "b": {"node": "remembered", "grids": ["a", "a"], "value": 1},
        "c": {"node": "remembered", "grids": ["b", "a", "first"], "value": 2},
    }
    execution = execute(tmp_path, steps, {"c": "c", "a": "a"})
    assert set(execution.outputs) == {"a", "c"} and execution.ran == ["first", "a", "b", "c"]


def test_what_is_not_given_out_is_let_go(tmp_path: Path) -> None:
    ALIVE.clear()
    steps = {
        "n": {"node": "toy_noise"},
        "a": {"node": "remembered", "grids": ["n"]},
        "m": {"node": "toy_measure", "grid": "a"},
    }
    execution = execute(tmp_path, steps, "m")
    gc.collect()
    assert text_of(execution) and ALIVE[0]() is None


def test_a_failing_step_stops_its_dependants_only(tmp_path: Path) -> None:
    heard = Listening()
    steps = {
        "n": NUMBER,
        "bad": {"node": "toy_fail", "text": "n"},
        "after": {"node": "toy_add", "left": "bad"},
        "later": {"node": "toy_add", "left": "n", "right": "after"},
        "good": {"node": "toy_add", "left": "n"},
        "better": {"node": "toy_add", "left": "good", "times": 2},
    }
    execution = execute(tmp_path, steps, {"later": "later", "better": "better", "bad": "bad"}, heard)
    assert list(execution.outputs) == ["better"] and text_of(execution, "better") == "6"
    assert isinstance(execution.failures["bad"], ZeroDivisionError)
    assert execution.stopped == {"after": "bad", "later": "bad"}
    assert ("failed", "bad") in heard.heard and "after" not in heard.order()
    again = execute(tmp_path, steps, {"later": "later", "better": "better"})
    assert again.ran == [] and list(again.failures) == ["bad"], "what finished is kept"


def test_a_mistake_in_a_step_names_the_step(tmp_path: Path) -> None:
    steps = {"a": {"steps": {"bad": {"node": "toy_fail", "how": "mistake"}}, "output": "bad"}}
    error = execute(tmp_path, steps, "a").failures["a/bad"]
    assert isinstance(error, MistakeError)
    assert [(m.step, m.parameter, m.hint) for m in error.mistakes] == [("a/bad", "text", "take another one")]


def test_a_node_that_gives_the_wrong_kind_fails_and_stores_nothing(tmp_path: Path) -> None:
    execution = execute(tmp_path, {"out": {"node": "toy_fail", "how": "wrong kind"}})
    assert "must give Text as 'value' and gave int" in str(execution.failures["out"])
    assert not list((tmp_path / "store" / "objects").glob("??/*"))


def test_a_node_cannot_write_into_what_others_read(tmp_path: Path) -> None:
    steps = {
        "n": {"node": "toy_noise"},
        "out": {"node": "greedy", "grid": "n"},
        "m": {"node": "toy_measure", "grid": "n"},
    }
    execution = execute(tmp_path, steps, {"out": "out", "m": "m"})
    assert "read-only" in str(execution.failures["out"]) and "m" in execution.outputs


def test_an_interruption_keeps_what_finished(tmp_path: Path) -> None:
    steps = {"n": NUMBER, "out": {"node": "interrupted", "text": "n"}}
    with pytest.raises(KeyboardInterrupt):
        execute(tmp_path, steps)
    steps["out"] = {"node": "toy_add", "left": "n"}
    assert execute(tmp_path, steps).ran == ["out"]


def test_a_damaged_input_is_said_so_that_it_can_be_planned_again(tmp_path: Path) -> None:
    steps: dict[str, Any] = {"n": {"node": "toy_noise"}, "out": {"node": "toy_measure", "grid": "n"}}
    plan, store = plan_of(tmp_path, steps)
    execute_serially(plan, store, Listening())
    store.set_aside(plan.keys["out"], "lost")
    path = store.path(plan.keys["n"]) / "value.numbers.npy"
    path.write_bytes(path.read_bytes()[:-8] + b"12345678")
    half, _ = plan_of(tmp_path, steps)
    assert half.order == ["out"]
    with pytest.raises(Damaged):
        execute_serially(half, store, Listening())
    whole, _ = plan_of(tmp_path, steps)
    assert whole.order == ["n", "out"]
    execution = execute_serially(whole, store, Listening())
    assert text_of(execution).startswith("(2, 3)")


def test_an_output_that_is_damaged_after_the_plan_is_never_given_out(tmp_path: Path) -> None:
    plan, store = plan_of(tmp_path, {"out": {"node": "toy_noise"}})
    execute_serially(plan, store, Listening())
    cached, _ = plan_of(tmp_path, {"out": {"node": "toy_noise"}})
    path = store.path(plan.keys["out"]) / "value.numbers.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Damaged):
        execute_serially(cached, store, Listening())


def test_large_results_are_read_from_disk_by_their_consumers(tmp_path: Path) -> None:
    steps: dict[str, Any] = {
        "big": {"node": "toy_large", "megabytes": 3},
        "out": {"node": "toy_measure", "grid": "big"},
    }
    execution = execute(tmp_path, steps, {"out": "out", "big": "big"})
    big = execution.outputs["big"]
    assert isinstance(big, Grid) and isinstance(big.numbers, np.memmap)
    assert text_of(execution, "out") == f"(3, 131072) {2**17 * 3:.6f}"


def test_results_are_the_same_bit_by_bit_in_every_store(tmp_path: Path) -> None:
    steps = {"n": {"node": "toy_noise", "rows": 50}, "big": {"node": "toy_large", "on_disk": True}}
    found = [execute(tmp_path / name, steps, {"n": "n", "big": "big"}).outputs for name in ("one", "two")]
    for name in ("n", "big"):
        one, two = (outputs[name] for outputs in found)
        assert isinstance(one, Grid) and isinstance(two, Grid)
        assert one.numbers.tobytes() == two.numbers.tobytes()
