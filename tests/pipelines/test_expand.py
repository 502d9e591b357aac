from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import graph_of, mistake_of, mistakes_of

from pipelines import expand as module
from pipelines.expand import expand
from pipelines.graph import Graph
from pipelines.mistakes import MistakeError


def paths(steps: Any) -> list[str]:
    found = expand(steps)
    assert not found.mistakes, found.mistakes
    return [step.path for step in found.steps]


def wiring(graph: Graph) -> dict[str, Any]:
    """Return what a graph does, without the places from which its steps were unrolled."""
    return {
        path: (step.spec.name, {port: [tuple(r.step.split("/")) for r in refs] for port, refs in step.inputs.items()},
               step.parameters, step.seed)
        for path, step in graph.steps.items()
    }  # fmt: skip


NUMBER: dict[str, Any] = {"node": "toy_number"}


def test_a_flat_piece_is_itself() -> None:
    found = expand({"a": {"node": "toy-number", "value": 2, "seed": 5}, 7: {"node": "x"}})
    assert [(s.path, s.node, s.arguments, s.seed) for s in found.steps] == [
        ("a", "toy_number", {"value": 2}, 5),
        ("7", "x", {}, None),
    ]


def test_sub_graphs_nest_and_see_outwards() -> None:
    steps = {
        "n": NUMBER,
        "a": {
            "steps": {
                "b": {"steps": {"n2": {"node": "toy_add", "left": "n", "right": "c"}}, "output": "n2"},
                "c": NUMBER,
            },
            "output": "b",
        },
        "out": {"node": "toy_add", "left": "a"},
    }  # fmt: skip
    graph = graph_of(steps)
    assert set(graph.steps) == {"n", "a/b/n2", "a/c", "out"}
    assert [r.step for r in graph.steps["a/b/n2"].sources()] == ["n", "a/c"]
    assert [r.step for r in graph.steps["out"].sources()] == ["a/b/n2"]


@given(
    count=st.integers(1, 6),
    times=st.lists(st.integers(1, 9), min_size=1, max_size=3),
)
def test_repeat_is_the_unrolled_graph(count: int, times: list[int]) -> None:
    chain: dict[str, Any] = {}
    for number, factor in enumerate(times):
        chain[f"s{number}"] = {"node": "toy_add", "left": f"s{number - 1}" if number else "fed", "times": factor}
    loop = {"repeat": count, "carry": {"fed": "start"}, "steps": chain, "output": f"s{len(times) - 1}"}
    rolled = graph_of({"start": NUMBER, "loop": loop, "out": {"node": "toy_join", "texts": ["loop", "loop.all"]}})
    unrolled: dict[str, Any] = {"start": NUMBER}
    fed = "start"
    for generation in range(1, count + 1):
        for number, factor in enumerate(times):
            name = f"loop_{generation}_s{number}"
            unrolled[name] = {"node": "toy_add", "left": fed, "times": factor}
            fed = name
    last = [f"loop_{g}_s{len(times) - 1}" for g in range(1, count + 1)]
    unrolled["out"] = {"node": "toy_join", "texts": [last[-1], *last]}
    by_hand = graph_of(unrolled)
    renamed = {
        path.replace("/", "_"): (name, {p: [("_".join(parts),) for parts in refs] for p, refs in inputs.items()}, *rest)
        for path, (name, inputs, *rest) in wiring(rolled).items()
    }
    assert renamed == {path: (name, inputs, *rest) for path, (name, inputs, *rest) in wiring(by_hand).items()}


@given(values=st.lists(st.integers(0, 1000), min_size=1, max_size=6), data=st.data())
def test_each_is_the_unrolled_graph(values: list[int], data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(["x", "y-1", "2", "1", "all", "ä", "a b", ""]),
                               min_size=len(values), max_size=len(values)))  # fmt: skip
    each = {"name": names, "value": values}
    body = {"each": each, "steps": {"n": {"node": "toy_number", "value": "$value"}}, "output": "n"}
    rolled = graph_of({"many": body, "out": {"node": "toy_join", "texts": "many", "separator": "-"}})
    assert len(rolled.steps) == len(values) + 1
    (texts,) = rolled.steps["out"].inputs.values()
    assert [rolled.steps[r.step].parameters["value"] for r in texts] == values
    for number, value in enumerate(values, 1):
        one = graph_of({"many": body, "out": {"node": "toy_add", "left": f"many.{number}"}})
        (reference,) = one.steps["out"].sources()
        assert one.steps[reference.step].parameters["value"] == value


def test_copies_are_called_after_texts_that_can_be_names() -> None:
    steps = {"t": {"each": {"v": ["a", "a", "b c", "all", "2"]}, "node": "toy_read", "path": "$v.txt"}}
    assert paths(steps) == ["t/a", "t/2", "t/3", "t/4", "t/5"]


def test_each_within_repeat_within_each() -> None:
    steps = {
        "start": NUMBER,
        "o": {
            "each": {"n": [2, 3]},
            "repeat": 2,
            "carry": {"x": "start"},
            "steps": {
                "i": {"each": {"m": [1, 2]}, "node": "toy_add", "left": "x", "times": "$n"},
                "j": {"node": "toy_add", "left": "i.1", "right": "i.2", "times": "$generation"},
            },
            "output": "j",
        },
        "out": {"node": "toy_join", "texts": ["o.1.1", "o.2", "o.all.all"]},
    }
    graph = graph_of(steps)
    assert len(graph.steps) == 2 + 2 * 2 * 3
    assert [r.step for r in graph.steps["o/2/2/i/1"].sources()] == ["o/2/1/j"]
    assert [r.step for r in graph.steps["o/2/1/i/2"].sources()] == ["start"]
    assert graph.steps["o/2/2/i/1"].parameters["times"] == 3
    assert graph.steps["o/1/2/j"].parameters["times"] == 2
    assert [r.step for r in graph.steps["out"].sources()] == [
        "o/1/1/j", "o/2/2/j", "o/1/1/j", "o/1/2/j", "o/2/1/j", "o/2/2/j",
    ]  # fmt: skip


def test_what_is_carried_by_name_comes_from_the_output_of_that_name() -> None:
    steps = {
        "start": NUMBER,
        "one": {"node": "toy_number", "value": 2},
        "loop": {
            "repeat": 2,
            "carry": {"a": "start", "b": "one"},
            "steps": {"p": {"node": "toy_add", "left": "a"}, "q": {"node": "toy_add", "left": "b"}},
            "outputs": {"a": "p", "b": "q"},
        },
        "out": {"node": "toy_add", "left": "loop.a", "right": "loop.1.b"},
    }
    graph = graph_of(steps)
    assert [r.step for r in graph.steps["loop/2/p"].sources()] == ["loop/1/p"]
    assert [r.step for r in graph.steps["loop/2/q"].sources()] == ["loop/1/q"]
    assert [r.step for r in graph.steps["out"].sources()] == ["loop/2/p", "loop/1/q"]


def test_a_single_node_can_be_repeated() -> None:
    graph = graph_of({"start": NUMBER, "out": {"repeat": 3, "carry": {"x": "start"}, "node": "toy_add", "left": "x"}})
    assert [r.step for r in graph.steps["out/3"].sources()] == ["out/2"]
    assert [r.step for r in graph.steps["out/1"].sources()] == ["start"]


def test_variables_keep_their_type_when_they_are_the_whole_value() -> None:
    steps = {"t": {"each": {"v": [1.5, "x"], "w": [[1], True]}, "node": "n", "a": "$v", "b": ["$w", "<$v>$other"]}}
    found = expand(steps)
    assert [step.arguments for step in found.steps] == [
        {"a": 1.5, "b": [[1], "<1.5>$other"]},
        {"a": "x", "b": [True, "<x>$other"]},
    ]


def test_variables_reach_into_sub_graphs_and_references() -> None:
    steps = {
        "x": NUMBER, "y": NUMBER,
        "t": {"each": {"v": ["x", "y"]}, "steps": {"s": {"node": "toy_add", "left": "$v"}}, "output": "s"},
        "out": {"node": "toy_join", "texts": ["t.y", "t.x"]},
    }  # fmt: skip
    graph = graph_of(steps)
    assert [r.step for r in graph.steps["t/y/s"].sources()] == ["y"]
    assert [r.step for r in graph.steps["out"].sources()] == ["t/y/s", "t/x/s"]


@pytest.mark.parametrize(
    ("steps", "step", "parameter", "what"),
    [
        ([NUMBER], "", "steps", "must be a mapping"),
        ({"out": 3}, "out", "", "a step must be a mapping"),
        ({"a b": NUMBER}, "a b", "", "cannot be the name"),
        ({"a.b": NUMBER}, "a.b", "", "cannot be the name"),
        ({"": NUMBER}, "", "", "cannot be the name"),
        ({"out": {"nod": "toy_number"}}, "out", "node", "names no node"),
        ({"out": {"node": 3}}, "out", "node", "names no node"),
        ({"out": {**NUMBER, "seed": -1}}, "out", "seed", "whole number from 0 on"),
        ({"out": {**NUMBER, "seed": True}}, "out", "seed", "whole number from 0 on"),
        ({"out": {**NUMBER, "steps": {}}}, "out", "node", "not both"),
        ({"out": {**NUMBER, "repeat": 0}}, "out", "repeat", "number of generations"),
        ({"out": {**NUMBER, "repeat": "3"}}, "out", "repeat", "number of generations"),
        ({"out": {**NUMBER, "repeat": True}}, "out", "repeat", "number of generations"),
        ({"out": {**NUMBER, "carry": {"x": "y"}}}, "out", "carry", "needs 'repeat'"),
        ({"out": {**NUMBER, "repeat": 2, "carry": {"x": 1}}}, "out", "carry", "takes over"),
        ({"out": {**NUMBER, "each": {"x": []}}}, "out", "each", "lists of items"),
        ({"out": {**NUMBER, "each": ["x"]}}, "out", "each", "lists of items"),
        ({"out": {**NUMBER, "each": {}}}, "out", "each", "lists of items"),
        ({"out": {**NUMBER, "each": {"x": 0}}}, "out", "each", "lists of items"),
        ({"out": {**NUMBER, "each": {"x": True}}}, "out", "each", "lists of items"),
        ({"out": {**NUMBER, "each": {"x": 10**9}}}, "out", "each", "lists of items"),
        ({"out": {**NUMBER, "each": {"x": [1], "y": [1, 2]}}}, "out", "each", "equally long"),
        ({"out": {**NUMBER, "value": "$v"}}, "out", "value", "stands for nothing"),
        ({"out": {"steps": {"n": NUMBER}}}, "out", "output", "nothing is given out"),
        ({"out": {"steps": {"n": NUMBER}, "output": "n", "outputs": {"n": "n"}}}, "out", "output", "given out"),
        ({"out": {"steps": {"n": NUMBER}, "outputs": {"a b": "n"}}}, "out", "outputs", "names a step"),
        ({"out": {"steps": {"n": NUMBER}, "output": "n", "ouput": 1}}, "out", "ouput", "has no 'ouput'"),
    ],
)  # fmt: skip
def test_mistakes_of_form_are_said_with_their_place(steps: Any, step: str, parameter: str, what: str) -> None:
    (said,) = expand(steps).mistakes
    assert (said.step, said.parameter) == (step, parameter)
    assert what in said.what


def test_every_mistake_is_said_in_one_go() -> None:
    steps = {"a": 3, "b c": NUMBER, "d": {"nood": 1}, "e": {**NUMBER, "repeat": -1}, "out": NUMBER}
    assert [m.step for m in mistakes_of(steps)] == ["a", "b c", "d", "e"]


def test_a_variable_that_stands_for_nothing_is_found_inside_lists() -> None:
    said = mistake_of({"n": NUMBER, "out": {"node": "toy_join", "texts": ["n"], "separator": ["$x"]}})
    assert said.step == "out"


def test_a_bomb_of_repeats_is_refused_before_it_fills_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_STEPS", 2000)
    bomb: dict[str, Any] = NUMBER
    for _ in range(6):
        bomb = {"repeat": 10, "steps": {"x": bomb}, "output": "x"}
    with pytest.raises(MistakeError, match="too many steps"):
        expand({"out": bomb})


def test_mappings_and_lists_are_not_shared_between_copies() -> None:
    found = expand({"t": {"each": {"v": [1, 2]}, "node": "n", "a": {"b": ["$v"]}}})
    assert [step.arguments["a"] for step in found.steps] == [{"b": [1]}, {"b": [2]}]


def test_a_number_stands_for_the_numbers_from_one_on() -> None:
    counted = expand({"t": {"each": {"v": 3}, "node": "n", "a": "$v"}})
    listed = expand({"t": {"each": {"v": [1, 2, 3]}, "node": "n", "a": "$v"}})
    assert counted.steps == listed.steps and len(counted.steps) == 3


def test_what_is_carried_unchanged_reaches_the_last_of_many_generations() -> None:
    steps = {
        "start": NUMBER,
        "kept": {"node": "toy_number", "value": 2},
        "loop": {
            "repeat": 400,
            "carry": {"x": "start", "y": "kept"},
            "steps": {"s": {"node": "toy_add", "left": "x", "right": "y"}},
            "outputs": {"x": "s", "y": "y"},
        },
        "out": {"node": "toy_add", "left": "loop.y", "right": "loop.x"},
    }
    graph = graph_of(steps)
    assert [r.step for r in graph.steps["loop/400/s"].sources()] == ["loop/399/s", "kept"]
    assert [r.step for r in graph.steps["out"].sources()] == ["kept", "loop/400/s"]


def test_two_that_are_carried_can_change_places() -> None:
    steps = {
        "a": NUMBER,
        "b": {"node": "toy_number", "value": 2},
        "loop": {
            "repeat": 3,
            "carry": {"x": "a", "y": "b"},
            "steps": {"s": {"node": "toy_add", "left": "x", "right": "y"}},
            "outputs": {"x": "y", "y": "x", "s": "s"},
        },
        "out": {"node": "toy_join", "texts": ["loop.1.s", "loop.2.s", "loop.s"]},
    }
    graph = graph_of(steps)
    sources = [[r.step for r in graph.steps[f"loop/{n}/s"].sources()] for n in (1, 2, 3)]
    assert sources == [["a", "b"], ["b", "a"], ["a", "b"]]


def test_steps_that_are_nested_too_deeply_are_a_mistake() -> None:
    body: dict[str, Any] = NUMBER
    for _ in range(3000):
        body = {"steps": {"x": body}, "output": "x"}
    with pytest.raises(MistakeError, match="nested too deeply"):
        expand({"out": body})
