from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from toys import CONF, REGISTRY, mistakes_of

from pipelines.registry import load_registry
from pipelines.schema import piece_schema

SCHEMA = piece_schema(REGISTRY)
VALID = jsonschema.Draft202012Validator(SCHEMA)


def errors(piece: Any) -> list[str]:
    return [error.message for error in VALID.iter_errors(piece)]


def piece(steps: Any, **settings: Any) -> dict[str, Any]:
    return {"steps": steps, "output": "out", **settings}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(piece_schema(load_registry()))


@pytest.mark.parametrize("path", sorted(CONF.glob("piece/*.yaml")), ids=lambda path: path.stem)
def test_every_piece_of_the_toy_project_fits(path: Path) -> None:
    if path.stem != "sections":  # it only says what is different from the template
        assert errors(yaml.safe_load(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "steps",
    [
        {"out": {"node": "toy_tone", "duration": "7:01", "level": "-3 dB", "frequency": 440}},
        {"out": {"node": "toy-tone", "duration": 0.5, "seed": 3}},
        {"a": {"node": "toy_number"}, "out": {"node": "toy_join", "texts": ["a", "a.value"]}},
        {"a": {"node": "toy_number"}, "out": {"node": "toy_join", "texts": "a", "separator": "$v", "each": {"v": [1]}}},
        {"a": {"node": "toy_number"}, "out": {"repeat": 2, "carry": {"x": "a"}, "node": "toy_add", "left": "x"}},
        {"out": {"steps": {"n": {"node": "toy_number", "value": "$generation"}}, "output": "n", "repeat": 3}},
        {"out": {"steps": {"n": {"node": "toy_number"}}, "outputs": {"n": "n"}}},
        {"t": {"node": "toy_tone"}, "out": {"node": "toy_blend", "sounds": "t", "gains": [[0, "-3 dB"], ["0:10", -6]]}},
        {"t": {"node": "toy_tone"}, "out": {"node": "toy_blend", "sounds": "t", "gains": "rise.brk"}},
    ],
)  # fmt: skip
def test_pieces_of_every_form_fit(steps: Any) -> None:
    assert errors(piece(steps, title="x", seed=1, sample_rate=48000, description="y")) == []


@pytest.mark.parametrize(
    "steps",
    [
        {"out": {"node": "toy_nothing"}},
        {"out": {"node": "toy_number", "valu": 1}},
        {"out": {"node": "toy_number", "value": 1001}},
        {"out": {"node": "toy_number", "value": []}},
        {"out": {"node": "toy_number", "repeat": 0}},
        {"out": {"node": "toy_add"}},
        {"out": {"node": "toy_number", "seed": -1}},
        {"out": {"node": "toy_fail", "how": "badly"}},
        {"out": {"steps": {"n": {"node": "toy_number", "value": -1}}, "output": "n"}},
        {"out": {}},
        {"out": 3},
        [],
    ],
)
def test_what_is_a_mistake_to_the_schema_is_one_to_the_graph(steps: Any) -> None:
    assert errors(piece(steps))
    assert mistakes_of(steps)


@pytest.mark.parametrize("settings", [{"titel": "x"}, {"sample_rate": 10}, {"seed": -1}, {"outputs": {"x": 3}}])
def test_mistakes_of_the_piece_itself_do_not_fit(settings: Any) -> None:
    assert errors(piece({"out": {"node": "toy_number"}}, **settings))


def test_descriptions_and_defaults_are_there_for_editors() -> None:
    node = SCHEMA["$defs"]["node_toy_number"]
    assert node["properties"]["node"]["enum"] == ["toy-number", "toy_number"]
    assert node["properties"]["node"]["description"] == "Give a number."
    value = node["properties"]["value"]
    assert value["default"] == 1 and value["description"] == "The number. (a whole number ≥ 0 and ≤ 1000 (apples))"
    assert "Text: The numbers" in SCHEMA["$defs"]["node_toy_add"]["properties"]["left"]["description"]
