from __future__ import annotations

import pytest

from pipelines.mistakes import MistakeError
from pipelines.scope import Alias, Copies, Group, Reference, Scope, StepName, resolve


def nested() -> Scope:
    """A scope with a step, a sub-graph of two outputs, three generations and two copies."""
    outer = Scope(names={"rain": StepName("rain")})
    inside = Scope(outer, {"low": StepName("a/low"), "high": StepName("a/high")})
    outer.names["a"] = Group("a", inside, {"low": "low", "both": "high.second"})
    outer.names["loop"] = Copies("loop", tuple(StepName(f"loop/{n}") for n in (1, 2, 3)), (), generations=True)
    outer.names["takes"] = Copies("takes", (StepName("takes/x"), StepName("takes/2")), ("x", "2"), generations=False)
    return outer


def test_a_name_is_looked_up_from_the_inside_out() -> None:
    outer = Scope(names={"x": StepName("x"), "y": StepName("y")})
    inner = Scope(outer, {"x": StepName("a/x")})
    assert resolve("x", inner) == [Reference("a/x")]
    assert resolve("y", inner) == [Reference("y")]
    assert resolve("x", outer) == [Reference("x")]
    assert list(inner.visible()) == ["x", "x", "y"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rain", [Reference("rain")]),
        ("rain.second", [Reference("rain", "second")]),
        ("a", [Reference("a/low")]),
        ("a.low", [Reference("a/low")]),
        ("a.both", [Reference("a/high", "second")]),
        ("loop", [Reference("loop/3")]),
        ("loop.1", [Reference("loop/1")]),
        ("loop.all", [Reference("loop/1"), Reference("loop/2"), Reference("loop/3")]),
        ("loop.2.second", [Reference("loop/2", "second")]),
        ("loop.second", [Reference("loop/3", "second")]),
        ("takes", [Reference("takes/x"), Reference("takes/2")]),
        ("takes.all.second", [Reference("takes/x", "second"), Reference("takes/2", "second")]),
        ("takes.x", [Reference("takes/x")]),
        ("takes.1", [Reference("takes/x")]),
        ("takes.second", [Reference("takes/x", "second"), Reference("takes/2", "second")]),
    ],
)  # fmt: skip
def test_what_a_reference_stands_for(text: str, found: list[Reference]) -> None:
    assert resolve(text, nested()) == found


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("rian", "there is no step 'rian'", "did you mean 'rain'?"),
        ("", "there is no step ''", ""),
        ("rain.a.b", "nothing lies inside its outputs", ""),
        ("a.lows", "does not give out 'lows'", "did you mean 'low'?"),
        ("a.zzz", "does not give out 'zzz'", "name it under 'a.outputs' to make it visible"),
        ("loop.0", "has 3 generations", ""),
        ("loop.4", "has 3 generations", ""),
        ("takes.3", "has 2 copies", ""),
    ],
)
def test_what_cannot_be_found_is_said_with_the_nearest_name(text: str, what: str, hint: str) -> None:
    with pytest.raises(MistakeError) as caught:
        resolve(text, nested())
    (said,) = caught.value.mistakes
    assert what in said.what and said.hint == hint and said.given == text


def test_an_unknown_name_says_what_is_visible() -> None:
    with pytest.raises(MistakeError, match="a, loop, rain, takes"):
        resolve("nothing", nested())


def test_the_inside_of_a_sub_graph_is_hidden_unless_given_out() -> None:
    with pytest.raises(MistakeError, match="does not give out 'high'"):
        resolve("a.high", nested())


def test_the_outputs_of_the_only_step_given_out_can_be_named() -> None:
    outer = Scope()
    outer.names["a"] = Group("a", Scope(outer, {"cut": StepName("a/cut")}), {"output": "cut"})
    assert resolve("a.second", outer) == [Reference("a/cut", "second")]


def test_an_alias_stands_for_the_first_step_and_then_for_the_generation_before() -> None:
    outer = Scope(names={"rain": StepName("rain")})
    first = Scope(outer, {"x": Alias("rain", outer)})
    assert resolve("x", first) == [Reference("rain")]
    second = Scope(outer, {"x": Alias("", outer, StepName("loop/1"))})
    assert resolve("x.second", second) == [Reference("loop/1", "second")]


def test_a_reference_to_itself_ends() -> None:
    scope = Scope()
    scope.names["a"] = Group("a", scope, {"output": "a"})
    with pytest.raises(MistakeError, match="leads back to itself"):
        resolve("a", scope)
    scope.names["b"] = Alias("b", scope)
    with pytest.raises(MistakeError, match="leads back to itself"):
        resolve("b", scope)


def test_signs_that_only_look_like_digits_are_names() -> None:
    assert resolve("loop.²", nested()) == [Reference("loop/3", "²")]
    assert resolve("loop.١", nested()) == [Reference("loop/1")]
