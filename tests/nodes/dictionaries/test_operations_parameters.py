from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from nodes.dictionaries import node as family
from nodes.dictionaries.operations.parameters import note, pitch_class, ratio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import read_parameters
from pipelines.quantities import Envelope

KNOWN = {"book": {"sample_rate": 8000, "channels": 2, "duration": 3.0}}


def read(node: Callable[..., Any], **given: Any) -> dict[str, Any]:
    """Return parameters as a piece has them."""
    values, mistakes = read_parameters(NodeSpec("node", node, ""), given, {}, [])
    if mistakes:
        raise MistakeError(mistakes)
    return values


def facts(node: Callable[..., Any], **given: Any) -> dict[str, Any]:
    """Return what is known of the outputs before anything runs."""
    rule = NodeSpec("node", node, "").mark.facts
    assert rule is not None
    return dict(rule(KNOWN, read(node, **given)))


def test_ranges_are_read() -> None:
    values = read(
        family.dbm_filter,
        scale=["1 ms", "20 ms"],
        samples=[512, None],
        time=["0:01", 2],
        frequency=["2 kHz", None],
        energy=["-40 dB", None],
        rank=[1, 100],
    )
    assert values["scale"] == [0.001, 0.02]
    assert values["samples"] == [512, None]
    assert values["time"] == [1.0, 2.0]
    assert values["frequency"] == [2000.0, None]
    assert values["energy"] == [-40.0, None]
    assert values["rank"] == [1, 100]


@pytest.mark.parametrize(
    ("node", "given", "said"),
    [
        ("dbm_filter", {"frequency": [2000, 200]}, "the lower end"),
        ("dbm_filter", {"frequency": 2000}, "two ends"),
        ("dbm_filter", {"time": [-1, 2]}, "ends from 0"),
        ("dbm_filter", {"rank": [0, 5]}, "ends from 1"),
        ("dbm_filter", {"samples": [1.5, 5]}, "whole numbers"),
        ("dbm_filter", {"energy": ["loud", None]}, "a level in dB"),
        ("dbm_density", {"density": 1.5}, "from 0 to 1"),
        ("dbm_density", {"density": 0.5, "choice": "best"}, "random"),
        ("dbm_density", {}, "density"),
        ("dbm_limit", {"atoms": -1}, "0"),
        ("dbm_limit", {"per_second": -5}, "from 0 to"),
        ("dbm_split", {"layer": 0}, "1"),
        ("dbm_split", {"layer": 1, "edges": []}, "does not fit"),
        ("dbm_jitter", {"time": "-1 s"}, "from 0 to"),
        ("dbm_jitter", {"frequency": 200}, "from 0 to 120"),
        ("dbm_bleed", {"factor": 16}, "from 0.125 to 8"),
        ("dbm_bleed", {"factor": "1/0"}, "a number"),
        ("dbm_window", {"window": "sine"}, "blackman"),
        ("dbm_stretch", {"factor": 0}, "from 0.01 to 100"),
        ("dbm_stretch", {"factor": 2, "atoms": "some"}, "stretched"),
        ("dbm_transpose", {"semitones": 300}, "from -120 to 120"),
        ("dbm_quantise", {"multiples": "H2"}, "a note|a frequency"),
        ("dbm_quantise", {"multiples": 0}, "a note"),
        ("dbm_quantise", {"notes": []}, "does not fit"),
        ("dbm_quantise", {"scale": ["C4"]}, "names of notes"),
        ("dbm_quantise", {"scale": [12]}, "names of notes"),
        ("dbm_reverse", {"atoms": "backwards"}, "reversed"),
        ("dbm_scrub", {"position": -1}, "from 0"),
        ("dbm_scrub", {"position": 1, "hop": 2}, "1"),
    ],
)
def test_wrong_values_are_refused(node: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(MistakeError, match=said):
        read(getattr(family, node), **given)


@pytest.mark.parametrize(
    ("node", "given", "said"),
    [
        ("dbm_filter", {}, "needs a range"),
        ("dbm_limit", {}, "needs a number"),
        ("dbm_split", {"layer": 3, "edges": [512]}, "fewer layers"),
        ("dbm_split", {"layer": 1, "edges": [512, 256]}, "must rise"),
        ("dbm_layers", {"edges": [512, 256]}, "must rise"),
        ("dbm_quantise", {}, "something to go to"),
        ("dbm_quantise", {"multiples": "A2", "scale": ["C"]}, "one thing"),
        ("dbm_scrub", {"position": 1}, "how long"),
    ],
)
def test_what_goes_wrong_is_known_before_it_runs(node: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(MistakeError, match=said):
        facts(getattr(family, node), **given)


def test_what_is_known_of_books() -> None:
    form = KNOWN["book"]
    assert facts(family.dbm_rebuild) == {"value": form}
    assert facts(family.dbm_filter, rank=[1, 5]) == {"yes": form, "no": form}
    assert facts(family.dbm_stretch, factor="1/2") == {"value": {**form, "duration": 1.5}}
    assert facts(family.dbm_stretch, factor=[[0, 1], [1, 2]]) == {"value": {"sample_rate": 8000, "channels": 2}}
    assert facts(family.dbm_scrub, position=[[0, 0], [5, 1]]) == {"value": {**form, "duration": 5.0}}


def test_factors() -> None:
    assert [ratio("1/8"), ratio("3 / 2"), ratio(2), ratio("0.5")] == [0.125, 1.5, 2.0, 0.5]
    assert read(family.dbm_bleed, factor=[[0, "1/4"], ["0:02", 4]])["factor"] == Envelope(((0.0, 0.25), (2.0, 4.0)))


def test_notes() -> None:
    assert note("A4") == note("midi 69") == note(440) == note("440 Hz") == pytest.approx(440)
    assert note("C4") == pytest.approx(261.6255653)
    assert note("C-1") == pytest.approx(8.1757989)
    assert note("Bb3") == pytest.approx(note("A#3"))
    assert note("midi 45") == pytest.approx(110)
    assert [pitch_class("C"), pitch_class("Eb"), pitch_class("b"), pitch_class("Cb"), pitch_class(3.5)] == [
        0, 3, 11, 11, 3.5,
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in dir(family) if name.startswith("dbm_")])
def test_every_parameter_is_described(name: str) -> None:
    spec = NodeSpec(name, getattr(family, name), "")
    missing = [item for item in (*spec.ports, *spec.parameters) if not spec.docs.get(item)]
    assert not missing, inspect.getdoc(spec.function)
