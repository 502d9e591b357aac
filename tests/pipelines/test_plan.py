from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toys import Listening, graph_of, plan_of

from pipelines.code import CodeDigests
from pipelines.execute import execute_serially
from pipelines.files import FileDigests
from pipelines.keys import Machine, step_seed
from pipelines.mistakes import MistakeError
from pipelines.plan import make_plan
from pipelines.store import Store

STEPS: dict[str, Any] = {
    "a": {"node": "toy_number", "value": 1},
    "b": {"node": "toy_number", "value": 2},
    "c": {"node": "toy_add", "left": "a", "right": "b"},
    "spare": {"node": "toy_number", "value": 9},
    "out": {"node": "toy_add", "left": "c", "times": 2},
}


def test_what_is_asked_for_runs_and_what_nobody_needs_does_not(tmp_path: Path) -> None:
    plan, _ = plan_of(tmp_path, STEPS)
    assert plan.states == {"a": "run", "b": "run", "c": "run", "out": "run", "spare": "unneeded"}
    assert plan.order == ["a", "b", "c", "out"]
    assert (plan.count("run"), plan.count("cached"), plan.count("unneeded")) == (4, 0, 1)


def test_what_is_stored_is_not_run_and_what_led_to_it_is_not_needed(tmp_path: Path) -> None:
    plan, store = plan_of(tmp_path, STEPS)
    execute_serially(plan, store, Listening())
    again, _ = plan_of(tmp_path, STEPS)
    assert again.keys == plan.keys and again.order == []
    assert again.states["out"] == "cached" and again.states["c"] == "unneeded"
    changed, _ = plan_of(tmp_path, {**STEPS, "out": {"node": "toy_add", "left": "c", "times": 3}})
    assert changed.states == {
        "a": "unneeded", "b": "unneeded", "spare": "unneeded", "c": "cached", "out": "run",
    }  # fmt: skip
    deeper, _ = plan_of(tmp_path, {**STEPS, "b": {"node": "toy_number", "value": 5}})
    assert deeper.order == ["b", "c", "out"] and deeper.states["a"] == "cached"


def test_a_result_that_was_lost_in_the_middle_is_made_only_where_it_is_needed(tmp_path: Path) -> None:
    plan, store = plan_of(tmp_path, STEPS)
    execute_serially(plan, store, Listening())
    store.set_aside(plan.keys["c"], "lost")
    assert plan_of(tmp_path, STEPS)[0].order == []
    store.set_aside(plan.keys["out"], "lost")
    assert plan_of(tmp_path, STEPS)[0].order == ["c", "out"]


def test_equal_steps_have_one_key(tmp_path: Path) -> None:
    steps = {"a": STEPS["a"], "twin": STEPS["a"], "out": {"node": "toy_add", "left": "a", "right": "twin"}}
    plan, store = plan_of(tmp_path, steps)
    assert plan.keys["a"] == plan.keys["twin"]
    assert execute_serially(plan, store, Listening()).outputs["output"].describe() == "Text, 1 lines: 2"


def test_files_that_cannot_be_read_are_said_all_at_once(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("x")
    graph = graph_of(
        {
            "a": {"node": "toy_read", "path": "a.txt"},
            "b": {"node": "toy_read", "path": "b.txt"},
            "out": {"node": "toy_join", "texts": ["a", "b"]},
        },
        folders=[tmp_path],
    )
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).unlink()
    files = FileDigests(tmp_path / "m")
    with pytest.raises(MistakeError) as caught:
        make_plan(graph, Store(tmp_path / "store"), Machine(), files, CodeDigests(tmp_path / "c", files))
    assert [mistake.step for mistake in caught.value.mistakes] == ["a", "b"]


def test_the_device_counts_for_nodes_that_ask_for_a_context(tmp_path: Path) -> None:
    plan, _ = plan_of(tmp_path, {"n": {"node": "toy_noise"}, "out": {"node": "toy_measure", "grid": "n"}})
    assert plan.ingredients("n")["device"] == "cpu" and "device" not in plan.ingredients("out")
    assert plan.ingredients("n")["seed"] == step_seed(plan.graph.seed, plan.step("n"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), count=st.integers(1, 12))
def test_every_step_runs_after_what_it_takes_and_only_once(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, count: int
) -> None:
    steps: dict[str, Any] = {}
    for number in range(count):
        sources = data.draw(st.lists(st.integers(0, number - 1), max_size=4)) if number else []
        if sources:
            steps[f"s{number}"] = {"node": "toy_join", "texts": [f"s{source}" for source in sources]}
        else:
            steps[f"s{number}"] = {"node": "toy_number", "value": number}
    plan, store = plan_of(tmp_path_factory.mktemp("plan"), steps, f"s{count - 1}")
    assert len(set(plan.order)) == len(plan.order)
    for place, path in enumerate(plan.order):
        assert {reference.step for reference in plan.step(path).sources()} <= set(plan.order[:place])
    needed = {f"s{count - 1}"}
    for path in reversed(list(plan.graph.steps)):
        if path in needed:
            needed |= {reference.step for reference in plan.step(path).sources()}
    assert set(plan.order) == needed
    execution = execute_serially(plan, store, Listening())
    assert execution.ran == plan.order
