from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from toys import REGISTRY

from nodes.values import Text
from pipelines.mistakes import Mistake
from pipelines.node import NodeSpec, node
from pipelines.parameters import describe_type, read_parameters
from pipelines.quantities import Envelope, Hertz, InputFiles, LevelEnvelope, Seconds, Unit


@node
def many(
    *,
    count: Annotated[int, Field(ge=1, le=8), Unit("takes")],
    ratio: Annotated[float, Field(gt=0)] = 0.5,
    sizes: list[Annotated[int, Field(ge=1)]] = [1],  # noqa: B006
    window: Literal["hann", "hamming"] = "hann",
    name: str | None = None,
    weights: dict[str, float] = {},  # noqa: B006
    exact: bool = False,
    span: tuple[float, float] = (0.0, 1.0),
) -> Text:
    return Text("")


SPEC = NodeSpec("many", many, "here")


def read(**raw: Any) -> dict[str, Any]:
    values, mistakes = read_parameters(SPEC, {"count": 1, **raw}, {}, [])
    assert not mistakes, mistakes
    return values


def wrong(**raw: Any) -> Mistake:
    _, (said,) = read_parameters(SPEC, {"count": 1, **raw}, {}, [])
    return said


def test_values_are_read_and_defaults_filled_in() -> None:
    assert read(ratio=2, sizes=[3, 4]) == {
        "count": 1, "ratio": 2.0, "sizes": [3, 4], "window": "hann", "name": None, "weights": {}, "exact": False,
        "span": (0.0, 1.0),
    }  # fmt: skip
    assert type(read(ratio=2)["ratio"]) is float


@pytest.mark.parametrize(
    ("name", "given", "allowed"),
    [
        ("count", 0, "a whole number ≥ 1 and ≤ 8 (takes)"),
        ("count", 9, "a whole number ≥ 1 and ≤ 8 (takes)"),
        ("count", 1.5, "a whole number ≥ 1 and ≤ 8 (takes)"),
        ("count", None, "a whole number ≥ 1 and ≤ 8 (takes)"),
        ("count", True, "a whole number ≥ 1 and ≤ 8 (takes)"),
        ("ratio", 0, "a number > 0"),
        ("ratio", "fast", "a number > 0"),
        ("ratio", False, "a number > 0"),
        ("sizes", 3, "a list, each item a whole number ≥ 1"),
        ("sizes", [1, 0], "a list, each item a whole number ≥ 1"),
        ("sizes", [1, True], "a list, each item a whole number ≥ 1"),
        ("window", "kaiser", "one of hann, hamming"),
        ("name", ["x"], "a text or null"),
        ("weights", {"a": "b"}, "a mapping of names, each to a number"),
        ("exact", "maybe", "true or false"),
        ("span", [0], "a list, each item a number"),
    ],
)
def test_a_value_that_does_not_fit_is_said_with_what_is_allowed(name: str, given: Any, allowed: str) -> None:
    said = wrong(**{name: given})
    assert (said.parameter, said.what, said.allowed) == (name, "the value does not fit", allowed)
    assert said.given == (given if isinstance(given, str) else repr(given))


def test_a_near_choice_is_hinted_at() -> None:
    assert wrong(window="hamm").hint == "did you mean 'hamming'?"
    assert wrong(window="zzz").hint == ""


def test_an_unknown_parameter_says_what_there_is_and_the_nearest() -> None:
    said = wrong(windw="hann")
    assert said.what == "'many' has no 'windw'"
    assert said.hint == "did you mean 'window'?"
    assert "count, ratio" in said.allowed


def test_a_missing_parameter_is_said() -> None:
    _, (said,) = read_parameters(SPEC, {}, {}, [])
    assert (said.what, said.given) == ("'many' needs 'count'", "nothing")


def test_every_mistake_of_a_step_is_said_in_one_go() -> None:
    _, mistakes = read_parameters(SPEC, {"count": 0, "ratio": -1, "sizes": [0, -1], "nothing": 1}, {}, [])
    assert sorted(m.parameter for m in mistakes) == ["count", "nothing", "ratio", "sizes"]


def test_a_setting_of_the_piece_fills_in_unless_the_step_says_otherwise() -> None:
    tone = REGISTRY["toy_tone"]
    assert read_parameters(tone, {}, {"sample_rate": 96000}, [])[0]["sample_rate"] == 96000
    assert read_parameters(tone, {"sample_rate": 8000}, {"sample_rate": 96000}, [])[0]["sample_rate"] == 8000
    assert read_parameters(tone, {}, {}, [])[0]["sample_rate"] == 44100


def test_quantities_say_what_they_take_in_their_own_words() -> None:
    values, mistakes = read_parameters(
        REGISTRY["toy_tone"], {"duration": "7:01", "frequency": "2 kHz", "level": "-3 dB"}, {}, []
    )
    assert not mistakes
    assert (values["duration"], values["frequency"], values["level"]) == (421.0, 2000.0, -3.0)
    _, (said,) = read_parameters(REGISTRY["toy_tone"], {"duration": "long"}, {}, [])
    assert said.allowed.startswith("a time: seconds (1.5)")


def test_files_are_looked_up_in_the_folders_in_turn(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "é ü.txt").write_text("x")
    values, _ = read_parameters(REGISTRY["toy_read"], {"path": "é ü.txt"}, {}, [tmp_path / "a", tmp_path / "b"])
    assert isinstance(values["path"], InputFiles) and values["path"].paths == (tmp_path / "b" / "é ü.txt",)
    _, (said,) = read_parameters(REGISTRY["toy_read"], {"path": "gone.txt"}, {}, [tmp_path])
    assert "an existing file" in said.allowed and str(tmp_path) in said.allowed and said.given == "gone.txt"


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "a whole number"),
        (Literal["a"], "'a'"),
        (int | None, "a whole number or null"),
        (Hertz, "a frequency ≥ 0 (Hz)"),
        (Seconds, "a time ≥ 0 (s)"),
        (Annotated[Seconds, Field(gt=0)], "a time > 0 (s)"),
        (LevelEnvelope, "a value, a list of [time, value] points, or a .brk file (dB, envelope)"),
        (Annotated[Envelope, Unit("envelope")], "a value, a list of [time, value] points, or a .brk file"),
        (Annotated[int, Field(multiple_of=2)], "a whole number a multiple of 2"),
        (Annotated[list[Hertz], Field(min_length=2, max_length=2)], "a list of 2, each a frequency ≥ 0 (Hz)"),
        (Path, "Path"),
    ],
)
def test_types_are_said_in_words(annotation: Any, words: str) -> None:
    assert describe_type(annotation) == words


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(raw=st.dictionaries(st.sampled_from([*SPEC.parameters, "path", "left", "bend", "x"]), ANYTHING),
       spec=st.sampled_from([SPEC, *REGISTRY.values()]))  # fmt: skip
def test_anything_is_either_read_or_a_mistake(raw: dict[str, Any], spec: NodeSpec) -> None:
    values, mistakes = read_parameters(spec, raw, {"sample_rate": 44100}, [Path("nowhere")])
    assert bool(mistakes) or values.keys() == spec.parameters.keys()


@pytest.mark.parametrize("path", ["~nobody-at-all/x.wav", "~nobody-at-all/*.wav", "x\0y", "**", "a" * 5000, "", 7])
def test_no_path_is_a_fault(path: Any) -> None:
    _, (said,) = read_parameters(REGISTRY["toy_read"], {"path": path}, {}, [Path("nowhere")])
    assert said.parameter == "path"
    _, (said,) = read_parameters(REGISTRY["toy_large"], {"bend": f"{path}.brk"}, {}, [Path("nowhere")])
    assert said.parameter == "bend"
