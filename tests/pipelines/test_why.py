from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toys import Listening, plan_of

from pipelines.execute import execute_serially
from pipelines.mistakes import MistakeError
from pipelines.why import Answer, why

STEPS: dict[str, Any] = {
    "a": {"node": "toy_number", "value": 1},
    "b": {"node": "toy_number", "value": 2},
    "c": {"node": "toy_add", "left": "a", "right": "b"},
    "out": {"node": "toy_add", "left": "c", "times": 2},
}


def rendered(folder: Path, steps: Any = STEPS, **settings: Any) -> None:
    plan, store = plan_of(folder, steps, **settings)
    execution = execute_serially(plan, store, Listening())
    assert not execution.failures


def ask(folder: Path, steps: Any, path: str = "out", **settings: Any) -> Answer:
    plan, store = plan_of(folder, steps, **settings)
    return why(plan, store, path)


def test_a_stored_step_needs_no_reason(tmp_path: Path) -> None:
    rendered(tmp_path)
    assert ask(tmp_path, STEPS) == Answer("out", "stored")


def test_a_node_that_never_ran(tmp_path: Path) -> None:
    assert ask(tmp_path, STEPS).differences == ("no result of this node is stored yet",)


def test_a_changed_parameter_is_said_with_both_values(tmp_path: Path) -> None:
    rendered(tmp_path)
    answer = ask(tmp_path, {**STEPS, "out": {**STEPS["out"], "times": 3}})
    assert answer.state == "run" and answer.differences == ("times 2 → 3",)
    assert answer.same == ("code", "libraries", "inputs") and answer.nearest.startswith("out, ")


def test_a_change_is_followed_back_to_where_it_began_and_said_once(tmp_path: Path) -> None:
    rendered(tmp_path)
    steps = {**STEPS, "a": {"node": "toy_number", "value": 5}, "b": {"node": "toy_number", "value": 5}}
    assert ask(tmp_path, {**steps, "b": STEPS["b"]}).differences == ("'a': value 1 → 5",)
    twice = {**STEPS, "out": {"node": "toy_join", "texts": ["c", "c", "a"]}}
    rendered(tmp_path, twice)
    answer = ask(tmp_path, {**twice, "a": {"node": "toy_number", "value": 5}})
    assert answer.differences == ("'a': value 1 → 5",)


def test_the_nearest_of_several_results_is_compared(tmp_path: Path) -> None:
    rendered(tmp_path)
    rendered(tmp_path, {**STEPS, "out": {**STEPS["out"], "times": 8, "right": "a"}})
    assert ask(tmp_path, {**STEPS, "out": {**STEPS["out"], "times": 9, "right": "a"}}).differences == ("times 8 → 9",)


def test_another_input_number_of_inputs_and_output(tmp_path: Path) -> None:
    steps: dict[str, Any] = {
        "a": STEPS["a"], "h": {"node": "toy_halve", "text": "a"}, "out": {"node": "toy_join", "texts": ["a", "h"]},
    }  # fmt: skip
    rendered(tmp_path, steps)

    def lines(texts: list[str]) -> tuple[str, ...]:
        return ask(tmp_path, {**steps, "out": {"node": "toy_join", "texts": texts}}).differences

    assert lines(["a"]) == ("texts: 2 inputs → 1",)
    assert lines(["a", "h.second"]) == ("texts: output 'first' of 'h' → 'second'",)
    assert lines(["h", "h"]) == ("texts: 'a' (toy_number) → 'h' (toy_halve)",)


def test_a_changed_file_is_named_with_its_digests(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("one")
    steps = {"out": {"node": "toy_read", "path": "x.txt"}}
    rendered(tmp_path, steps)
    (tmp_path / "x.txt").write_text("two")
    (line,) = ask(tmp_path, steps).differences
    assert line.startswith("path x.txt (") and line.count("x.txt (") == 2


def test_another_seed_is_said(tmp_path: Path) -> None:
    steps = {"out": {"node": "toy_noise", "seed": 1}}
    rendered(tmp_path, steps)
    assert ask(tmp_path, {"out": {"node": "toy_noise", "seed": 2}}).differences == ("seed 1 → 2",)


def test_an_unknown_step_is_a_mistake_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(MistakeError) as caught:
        ask(tmp_path, STEPS, "aut")
    assert caught.value.mistakes[0].hint == "did you mean 'out'?"


def test_damaged_records_are_passed_over(tmp_path: Path) -> None:
    rendered(tmp_path)
    for path in (tmp_path / "store" / "objects").glob("??/*/record.json"):
        content = path.read_bytes()
        path.write_bytes(content.replace(b'"seconds"', b'"minutes"'))
    answer = ask(tmp_path, {**STEPS, "out": {**STEPS["out"], "times": 3}})
    assert answer.differences == ("no result of this node is stored yet",)
