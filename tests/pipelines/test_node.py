from __future__ import annotations

from typing import Annotated, NamedTuple

import pytest
from pydantic import Field
from toy.grid import Grid
from toy.node import toy_add, toy_halve, toy_join, toy_noise, toy_tone
from toys import REGISTRY

from nodes.values import Audio, Text
from pipelines.mistakes import MistakeError
from pipelines.node import Mark, NodeSpec, node, parameter_docs
from pipelines.quantities import Unit


def spec(function: object) -> NodeSpec:
    return NodeSpec("x", function, "here")  # type: ignore[arg-type]


def test_the_decorator_leaves_the_function_as_it_is() -> None:
    assert toy_add(Text("3"), Text("4"), times=2).text == "14"
    assert vars(toy_add)["__node__"] == Mark(1, None)

    @node(version=3)
    def versioned() -> Text:
        return Text("")

    assert spec(versioned).mark.version == 3


def test_positional_arguments_are_ports_and_keyword_only_ones_parameters() -> None:
    found = spec(toy_add)
    assert list(found.ports) == ["left", "right"]
    assert list(found.parameters) == ["times"]
    assert found.ports["left"].required and not found.ports["right"].required
    assert found.ports["right"].kinds == (Text,)
    assert found.parameters["times"].default == 1 and not found.parameters["times"].required


def test_a_list_is_a_port_that_takes_many() -> None:
    port = spec(toy_join).ports["texts"]
    assert port.many and port.kinds == (Text,) and port.kind_names == "list of Text"


def test_a_port_may_take_one_of_several_kinds() -> None:
    @node
    def either(thing: Audio | Text | None, things: list[Audio | Grid]) -> Text:
        return Text("")

    ports = spec(either).ports
    assert ports["thing"].kinds == (Audio, Text) and not ports["thing"].required
    assert ports["things"].kinds == (Audio, Grid) and ports["things"].kind_names == "list of Audio or Grid"


def test_context_is_neither_port_nor_parameter() -> None:
    found = spec(toy_noise)
    assert found.wants_context and not spec(toy_add).wants_context
    assert "context" not in found.ports and "context" not in found.parameters


def test_one_result_is_called_value_and_several_have_their_names() -> None:
    assert spec(toy_add).outputs == {"value": Text}
    assert spec(toy_halve).outputs == {"first": Text, "second": Text, "grid": Grid}


def test_units_and_settings_are_found_wherever_they_sit_in_the_annotation() -> None:
    found = spec(toy_tone).parameters
    assert found["sample_rate"].unit == "Hz" and found["sample_rate"].setting == "sample_rate"
    assert found["duration"].unit == "s" and found["duration"].setting == ""

    @node
    def inner(*, sizes: list[Annotated[int, Field(ge=1), Unit("samples")]]) -> Text:
        return Text("")

    assert spec(inner).parameters["sizes"].unit == "samples" and spec(inner).parameters["sizes"].required


@pytest.mark.parametrize("hint", [int, "int", None, list[int]])
def test_a_port_or_output_that_is_no_kind_of_value_is_refused(hint: object) -> None:
    def wrong(port: Text) -> Text:
        return port

    wrong.__annotations__["port"] = hint
    with pytest.raises(MistakeError, match="kind of Value"):
        _ = spec(wrong).ports
    wrong.__annotations__.update(port=Text, **{"return": hint})
    with pytest.raises(MistakeError, match="kind of Value"):
        _ = spec(wrong).outputs


def test_outputs_of_a_named_tuple_must_be_values() -> None:
    class Pair(NamedTuple):
        text: Text
        number: int

    def wrong() -> Pair:
        return Pair(Text(""), 1)

    wrong.__annotations__["return"] = Pair
    with pytest.raises(MistakeError, match="kind of Value"):
        _ = spec(wrong).outputs


def test_the_first_sentence_is_the_summary() -> None:
    assert spec(toy_add).summary == "Add two numbers."
    assert spec(lambda: None).summary == ""


def test_docs_of_parameters_are_read_from_the_docstring() -> None:
    docs = parameter_docs(
        "Do it.\n\nParameters\n----------\nleft, right : Text\n    The numbers,\n    both of them.\n"
        "times\n    Factor.\n\nReturns\n-------\nsum\n    Not a parameter.\n"
    )
    assert docs == {"left": "The numbers, both of them.", "right": "The numbers, both of them.", "times": "Factor."}
    assert parameter_docs("Nothing said.") == {}
    assert REGISTRY["toy_add"].ports["left"].doc == "The numbers; without `right` the left one alone."
