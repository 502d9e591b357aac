from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import REGISTRY, graph_of, mistake_of, mistakes_of

from nodes.values import Audio
from pipelines.graph import Graph, build_graph
from pipelines.mistakes import MistakeError, mistake
from pipelines.node import NodeSpec, node
from pipelines.scope import Reference

NUMBER: dict[str, Any] = {"node": "toy_number"}


def test_steps_are_bound_to_nodes_ports_and_parameters() -> None:
    graph = graph_of(
        {"n": {"node": "toy-number", "value": "3"}, "out": {"node": "toy_add", "left": "n"}}, title="x", seed=4
    )
    assert (graph.title, graph.seed) == ("x", 4)
    assert graph.steps["n"].parameters == {"value": 3}
    assert graph.steps["out"].inputs == {"left": (Reference("n", "value"),), "right": ()}
    assert graph.outputs == {"output": Reference("out", "value")}


def test_steps_come_after_what_they_take_and_otherwise_as_written() -> None:
    steps = {
        "out": {"node": "toy_add", "left": "b", "right": "a"},
        "z": NUMBER,
        "b": {"node": "toy_add", "left": "a"},
        "a": NUMBER,
    }  # fmt: skip
    assert list(graph_of(steps).steps) == ["z", "a", "b", "out"]


def test_several_outputs_and_outputs_of_outputs() -> None:
    steps = {"n": NUMBER, "cut": {"node": "toy_halve", "text": "n"}, "m": {"node": "toy_measure", "grid": "cut.grid"}}
    graph = graph_of(steps, {"first": "cut", "second": "cut.second", "m": "m"})
    assert graph.outputs == {
        "first": Reference("cut", "first"), "second": Reference("cut", "second"), "m": Reference("m", "value"),
    }  # fmt: skip


def test_copies_given_out_are_numbered() -> None:
    graph = graph_of({"n": {"each": {"v": [4, 5]}, "node": "toy_number", "value": "$v"}}, {"all": "n"})
    assert graph.outputs == {"all_1": Reference("n/1", "value"), "all_2": Reference("n/2", "value")}


def test_a_list_port_takes_one_name_or_many() -> None:
    for texts in ("n", ["n"]):
        assert graph_of({"n": NUMBER, "out": {"node": "toy_join", "texts": texts}}).steps["out"].inputs["texts"] == (
            Reference("n", "value"),
        )


def test_a_kind_may_be_more_or_less_special_than_the_port() -> None:
    graph = graph_of({"g": {"node": "toy_noise"}, "out": {"node": "toy_fine", "grid": "g"}})
    assert list(graph.steps) == ["g", "out"]


@pytest.mark.parametrize(
    ("steps", "place", "what", "given", "allowed", "hint"),
    [
        ({"out": {"node": "toy_nmber"}}, "out.node", "there is no node 'toy_nmber'", "toy_nmber", "resynthesis nodes",
         "did you mean 'toy_number'?"),
        ({"out": {"node": "toy_number", "valu": 3}}, "out.valu", "'toy_number' has no 'valu'", "3", "value",
         "did you mean 'value'?"),
        ({"out": {"node": "toy_number", "value": 1001}}, "out.value", "does not fit", "1001",
         "a whole number ≥ 0 and ≤ 1000 (apples)", ""),
        ({"out": {"node": "toy_number", "value": "many"}}, "out.value", "does not fit", "many", "a whole number", ""),
        ({"out": {"node": "toy_add"}}, "out.left", "'toy_add' needs 'left'", "nothing",
         "the name of a step that gives Text", ""),
        ({"num": NUMBER, "out": {"node": "toy_add", "left": "nim"}}, "out.left", "there is no step 'nim'", "nim",
         "num, out", "did you mean 'num'?"),
        ({"n": NUMBER, "out": {"node": "toy_add", "left": 3}}, "out.left", "the name of a step", "3", "gives Text", ""),
        ({"n": NUMBER, "out": {"node": "toy_add", "left": ["n"]}}, "out.left", "the name of a step", "['n']", "", ""),
        ({"n": NUMBER, "out": {"node": "toy_add", "left": "n.sum"}}, "out.left", "no output", "n.sum", "value", ""),
        ({"n": NUMBER, "h": {"node": "toy_halve", "text": "n"}, "out": {"node": "toy_add", "left": "h.secnd"}},
         "out.left", "has no output 'secnd'", "h.secnd", "first, second, grid", "did you mean 'second'?"),
        ({"t": {"node": "toy_noise"}, "out": {"node": "toy_add", "left": "t"}}, "out.left",
         "'t' gives Grid, 'left' takes Text", "t", "gives Text", ""),
        ({"n": NUMBER, "h": {"node": "toy_halve", "text": "n"}, "out": {"node": "toy_measure", "grid": "h"}},
         "out.grid", "'h' gives Text, 'grid' takes Grid", "h", "gives Grid", "did you mean 'h.grid'?"),
        ({"n": {**NUMBER, "repeat": 2}, "out": {"node": "toy_add", "left": "n.all"}}, "out.left",
         "takes one input, 'n.all' stands for 2", "n.all", "gives Text", "'n.1'"),
        ({"out": {"node": "toy_join", "texts": []}}, "out.texts", "'texts' is empty", "[]", "list of Text", ""),
        ({"out": {"node": "toy_join"}}, "out.texts", "needs 'texts'", "nothing", "list of Text", ""),
        ({"n": NUMBER, "out": {"node": "toy_fail", "text": "n", "how": "mistak"}}, "out.how", "does not fit", "mistak",
         "one of mistake, fault, wrong kind", "did you mean 'mistake'?"),
        ({"out": {"node": "toy_read", "path": "gone.wav"}}, "out.path", "does not fit", "gone.wav", "an existing", ""),
        ({"a": {"node": "toy_add", "left": "out"}, "out": {"node": "toy_add", "left": "a"}}, "a", "form a cycle",
         "a → out → a", "", "repeat and carry"),
        ({"out": {"node": "toy_add", "left": "out"}}, "out", "form a cycle", "out → out", "", "repeat and carry"),
    ],
)  # fmt: skip
def test_mistakes_say_place_given_allowed_and_hint(
    steps: Any, place: str, what: str, given: str, allowed: str, hint: str
) -> None:
    said = mistake_of(steps)
    assert f"{said.step}.{said.parameter}".strip(".") == place
    assert what in said.what and said.given == given and allowed in said.allowed and hint in said.hint


@pytest.mark.parametrize(
    ("settings", "parameter", "hint"),
    [
        ({"titel": "x"}, "titel", "did you mean 'title'?"),
        ({"sample_rate": 44100.5}, "sample_rate", ""),
        ({"sample_rate": 10}, "sample_rate", ""),
        ({"sample_rate": True}, "sample_rate", ""),
        ({"seed": -1}, "seed", ""),
        ({"seed": 2**63}, "seed", ""),
        ({"seed": "x"}, "seed", ""),
        ({"title": ["x"]}, "title", ""),
        ({"description": {}}, "description", ""),
    ],
)
def test_mistakes_of_the_piece_itself(settings: Any, parameter: str, hint: str) -> None:
    said = mistake_of({"out": NUMBER}, **settings)
    assert (said.step, said.parameter, said.hint) == ("", parameter, hint)


@pytest.mark.parametrize("piece", [None, 3, "x", [], [{"steps": {}}]])
def test_a_piece_that_is_no_mapping(piece: Any) -> None:
    with pytest.raises(MistakeError, match="must be a mapping"):
        build_graph(piece, REGISTRY, [])


@pytest.mark.parametrize("steps", [{}, None])
def test_a_piece_without_steps(steps: Any) -> None:
    found = mistakes_of(steps)
    assert found[0].what == "the piece has no steps"


def test_an_output_that_is_not_there() -> None:
    assert mistake_of({"total": NUMBER}, "totl").hint == "did you mean 'total'?"
    said = mistakes_of({"total": NUMBER}, {"x": "total.y", "z": "no"})
    assert [m.parameter for m in said] == ["output", "outputs.z"]


def test_every_mistake_is_said_in_one_go() -> None:
    steps = {
        "a": {"node": "toy_nothing"},
        "b": {"node": "toy_number", "value": -1, "valeu": 3},
        "c": {"node": "toy_add", "left": "nowhere", "times": 0},
        "d": {"steps": {"e": {"node": "toy_add", "left": "c.sum"}}, "output": "f"},
        "g": {"node": "toy_read", "path": "gone"},
        "out": {"node": "toy_join", "texts": ["b", "d"]},
    }
    found = mistakes_of(steps, sample_rat=3, seed=-1)
    places = {f"{m.step}.{m.parameter}" for m in found}
    assert places == {
        ".sample_rat", ".seed", "a.node", "b.value", "b.valeu", "c.left", "c.times", "d/e.left", "out.texts", "g.path",
    }  # fmt: skip


def test_a_cycle_through_sub_graphs_and_copies_is_found() -> None:
    steps = {
        "a": {"steps": {"x": {"node": "toy_add", "left": "loop"}}, "output": "x"},
        "loop": {"repeat": 2, "carry": {"c": "a"}, "node": "toy_add", "left": "c"},
        "out": {"node": "toy_add", "left": "loop"},
    }
    assert mistake_of(steps).given in ("a/x → loop/2 → loop/1 → a/x", "loop/1 → a/x → loop/2 → loop/1")


def test_a_sub_graph_that_gives_out_itself() -> None:
    said = mistakes_of({"a": {"steps": {"n": NUMBER}, "output": "a"}, "out": {"node": "toy_add", "left": "a"}})
    assert any("leads back to itself" in m.what for m in said)


def test_sample_rates_that_differ_are_found_before_anything_runs() -> None:
    steps = {
        "a": {"node": "toy_tone", "sample_rate": 48000},
        "b": {"node": "toy_tone"},
        "out": {"node": "toy_blend", "sounds": ["a", "b"]},
    }
    said = mistake_of(steps)
    assert (said.step, said.parameter) == ("out", "sounds")
    assert said.what == "the inputs differ in sample rate" and said.given == "'a' has 48000, 'b' has 44100"
    assert graph_of(steps, sample_rate=48000).facts["out"] == {"value": {"sample_rate": 48000}}


def test_a_rule_of_facts_can_refuse() -> None:
    def refuse(inputs: Any, parameters: Any) -> Any:
        if inputs["sound"]["sample_rate"] != 48000:
            raise mistake("works at 48 kHz only", parameter="sound")
        return {"value": {"sample_rate": 24000}}

    @node(facts=refuse)
    def half(sound: Audio) -> Audio:
        return sound

    registry = {**REGISTRY, "half": NodeSpec("half", half, "here")}
    steps = {"t": {"node": "toy_tone"}, "out": {"node": "half", "sound": "t"}}
    with pytest.raises(MistakeError) as caught:
        build_graph({"steps": steps, "output": "out"}, registry, [])
    assert [(m.step, m.parameter) for m in caught.value.mistakes] == [("out", "sound")]
    graph = build_graph({"steps": steps, "output": "out", "sample_rate": 48000}, registry, [])
    assert graph.facts["out"]["value"] == {"sample_rate": 24000}


def test_durations_are_those_of_whole_samples_at_every_step() -> None:
    """44 101 samples at half the speed are 22 050, and at double length again 44 100."""

    def scaled(inputs: Any, parameters: Any) -> Any:
        return {"value": {"duration": inputs["sound"].get("duration", 44101 / 44100) * parameters["factor"]}}

    @node(facts=scaled)
    def stretch(sound: Audio, *, factor: float) -> Audio:
        return sound

    registry = {**REGISTRY, "stretch": NodeSpec("stretch", stretch, "here")}
    steps = {
        "t": {"node": "toy_tone"},
        "short": {"node": "stretch", "sound": "t", "factor": 0.5},
        "long": {"node": "stretch", "sound": "short", "factor": 2},
    }
    graph = build_graph({"steps": steps, "output": "long"}, registry, [])
    assert graph.facts["long"]["value"] == {"sample_rate": 44100, "duration": 1.0}


def test_a_thousand_generations_are_no_matter() -> None:
    loop = {"repeat": 1000, "carry": {"x": "n"}, "steps": {"s": {"node": "toy_add", "left": "x"}}, "output": "s"}
    graph = graph_of({"n": NUMBER, "loop": loop, "out": {"node": "toy_add", "left": "loop"}})
    assert list(graph.steps)[-1] == "out" and len(graph.steps) == 1002
    chain: dict[str, Any] = {"s0": NUMBER}
    for number in range(1, 3000):
        chain[f"s{number}"] = {"node": "toy_add", "left": f"s{number - 1}"}
    assert len(graph_of(chain, "s2999").steps) == 3000


NAMES = st.sampled_from(["a", "b", "out", "steps", "node", "output", "a.b", "$v", "", "é", "1", "all", "²", "a/b"])
WORDS = st.sampled_from([
    "node", "steps", "output", "outputs", "repeat", "carry", "each", "seed", "left", "right", "texts", "value", "times",
    "path", "text", "title", "sample_rate", "description", "_target_", "bend", "sounds", "gains",
])  # fmt: skip
TEXTS = NAMES | st.text(max_size=6) | st.sampled_from([*REGISTRY, "a.1", "a.all", "$generation", "${a}", "x$v", "~x/y"])
ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 4) | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | NAMES | st.integers(), inner, max_size=4),
    max_leaves=12,
)
STEPS = st.recursive(
    st.fixed_dictionaries(
        {"node": st.sampled_from(list(REGISTRY)) | TEXTS},
        optional={"left": ITEMS, "right": TEXTS, "texts": st.lists(TEXTS, max_size=3) | TEXTS, "value": ITEMS,
                  "repeat": st.integers(0, 4) | ITEMS, "carry": st.dictionaries(NAMES, TEXTS, max_size=2) | ITEMS,
                  "each": st.dictionaries(NAMES, st.lists(ITEMS, max_size=3), max_size=2) | ITEMS, "seed": ITEMS},
    ),
    lambda inner: st.fixed_dictionaries(
        {"steps": st.dictionaries(NAMES, inner, max_size=3) | ITEMS},
        optional={"output": TEXTS | ITEMS, "outputs": st.dictionaries(NAMES, TEXTS, max_size=2) | ITEMS,
                  "repeat": st.integers(1, 3), "carry": st.dictionaries(NAMES, TEXTS, max_size=2),
                  "each": st.dictionaries(NAMES, st.lists(TEXTS, min_size=1, max_size=2), max_size=2)},
    ),
    max_leaves=6,
)  # fmt: skip
PIECES = st.fixed_dictionaries(
    {"steps": st.dictionaries(NAMES, STEPS, max_size=4) | ITEMS},
    optional={"output": TEXTS | ITEMS, "outputs": st.dictionaries(NAMES, TEXTS, max_size=3) | ITEMS,
              "seed": ITEMS, "sample_rate": ITEMS, "title": ITEMS, "": ITEMS},
)  # fmt: skip


@given(piece=PIECES | ITEMS | st.dictionaries(WORDS, ITEMS))
def test_any_piece_is_a_graph_or_a_mistake(piece: Any) -> None:
    try:
        graph = build_graph(piece, REGISTRY, [Path("nowhere")])
    except MistakeError as error:
        assert error.mistakes and str(error)
    else:
        assert isinstance(graph, Graph) and graph.outputs
        placed: set[str] = set()
        for path, step in graph.steps.items():
            assert {reference.step for reference in step.sources()} <= placed
            placed.add(path)


class Halves(NamedTuple):
    low: Audio
    high: Audio | None


def _settled(parameters: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    if parameters["way"] == "none":
        raise mistake("there is no way", parameter="way")
    return ({"way": "both"}, "both ways, as nothing was said") if parameters["way"] is None else (parameters, "")


@node(settle=_settled, outputs=lambda parameters: ["low", "high"] if parameters["way"] == "both" else ["low"])
def toy_split(*, way: Literal["both", "low", "none"] | None = None) -> Halves:
    """Give one part or two."""
    part = Audio(np.zeros((1, 4), np.float32), 8000)
    return Halves(part, part if way == "both" else None)


def split_graph(way: str | None, output: str) -> Graph:
    piece = {"steps": {"s": {"node": "toy_split", "way": way}}, "output": output}
    return build_graph(piece, {"toy_split": NodeSpec("toy_split", toy_split, "here")}, ())


def test_what_a_piece_leaves_open_is_decided_and_said() -> None:
    graph = split_graph(None, "s.high")
    assert graph.steps["s"].parameters == {"way": "both"} and list(graph.steps["s"].outputs) == ["low", "high"]
    assert graph.steps["s"].decided == "both ways, as nothing was said"
    assert split_graph("both", "s").steps["s"].decided == ""
    with pytest.raises(MistakeError, match="there is no way"):
        split_graph("none", "s")


def test_an_output_that_is_not_there_with_these_parameters_is_refused() -> None:
    assert list(split_graph("low", "s.low").steps["s"].outputs) == ["low"]
    with pytest.raises(MistakeError, match="has no output 'high' with its parameters") as refused:
        split_graph("low", "s.high")
    assert refused.value.mistakes[0].allowed == "its outputs: low"
    with pytest.raises(MistakeError, match="no output 'middle'"):
        split_graph("both", "s.middle")
