from __future__ import annotations

from pipelines.mistakes import Mistake, MistakeError, listed, mistake, nearest, shown


def test_a_mistake_says_place_given_allowed_and_hint_each_on_its_line() -> None:
    said = Mistake("the value does not fit", "a/rise", "iterations", "-3", "a whole number ≥ 1", "take 50")
    assert str(said).splitlines() == [
        "a/rise.iterations: the value does not fit",
        "    given:   -3",
        "    allowed: a whole number ≥ 1",
        "    hint:    take 50",
    ]


def test_what_is_not_known_is_not_said() -> None:
    assert str(Mistake("no piece is chosen")) == "no piece is chosen"
    assert str(Mistake("no piece is chosen", parameter="piece")) == "piece: no piece is chosen"


def test_a_place_is_filled_in_only_where_there_is_none() -> None:
    assert Mistake("x").at("step", "name") == Mistake("x", "step", "name")
    assert Mistake("x", "first", "port").at("second", "other") == Mistake("x", "first", "port")
    both = MistakeError([Mistake("x"), Mistake("y", "own")]).at("step")
    assert [found.step for found in both.mistakes] == ["step", "own"]


def test_an_error_carries_all_mistakes() -> None:
    error = MistakeError(Mistake(text) for text in ("one", "two"))
    assert str(error) == "one\ntwo"
    assert len(error.mistakes) == 2
    assert mistake("one", hint="two").mistakes == (Mistake("one", hint="two"),)


def test_long_values_are_cut() -> None:
    assert shown("x" * 200) == "x" * 79 + "…"
    assert shown([1, "a"]) == "[1, 'a']"
    assert shown("as written") == "as written"


def test_the_nearest_name_is_hinted_at_and_nothing_that_is_far() -> None:
    assert nearest("invrt", ["invert", "mix"]) == "did you mean 'invert'?"
    assert nearest("zzz", ["invert", "mix"]) == ""
    assert nearest("", []) == ""


def test_long_lists_say_how_many_there_are() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(100)), most=2) == "0, 1, … (100 in all)"
