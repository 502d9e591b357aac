from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.mixing.node import cut, loop, sequence, take
from nodes.values import Audio, Marker, Takes
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import read_parameters

RATE = 1000


def noise(channels: int, length: int, seed: int = 0) -> Audio:
    return Audio(np.random.default_rng(seed).standard_normal((channels, length)).astype(np.float32), RATE)


def iterates(*labels: str) -> Takes:
    samples = tuple(np.full((1, 3), place, np.float32) for place, _ in enumerate(labels))
    return Takes(samples, RATE, labels)


def test_takes_are_selected_by_place_or_by_label() -> None:
    takes = iterates("0", "10", "50")
    assert [take(takes, index=index).samples[0, 0] for index in (0, 1, -1, -3)] == [0, 1, 2, 0]
    assert take(takes, label="10").samples[0, 0] == 1
    assert take(takes).samples[0, 0] == 2


def test_a_number_is_read_as_a_label() -> None:
    values, mistakes = read_parameters(NodeSpec("take", take, ""), {"label": 10}, {}, [Path.cwd()])
    assert not mistakes and values["label"] == "10"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"index": 3}, "-3 to 2"),
        ({"index": -4}, "-3 to 2"),
        ({"label": "5"}, "no take has this label"),
        ({"label": "rain"}, "several takes have this label"),
        ({"label": "rain", "index": 1}, "not by both"),
    ],
)
def test_there_is_no_such_take(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(MistakeError, match=message):
        take(iterates("50", "rain", "rain"), **arguments)


def test_no_takes_at_all() -> None:
    with pytest.raises(MistakeError, match="there are no takes"):
        take(Takes((), RATE, ()))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.data())
def test_a_cut_is_the_stretch_itself_and_cuts_join_again(length: int, data: st.DataObject) -> None:
    audio = noise(2, length)
    place = data.draw(st.integers(0, length - 1))
    behind = cut(audio, start=place / RATE)
    np.testing.assert_array_equal(behind.samples, audio.samples[:, place:])
    if place:
        before = cut(audio, duration=place / RATE)
        np.testing.assert_array_equal(sequence([before, behind]).samples, audio.samples)


def test_a_cut_fades_at_its_own_ends() -> None:
    ones = Audio(np.ones((1, 100), np.float32), RATE)
    found = cut(ones, start=0.02, duration=0.05, fade_in=0.01, fade_out=0.01).samples[0]
    way = (np.arange(10) + 0.5) / 10
    np.testing.assert_allclose(found[:10], way, atol=1e-6)
    np.testing.assert_allclose(found[-10:], way[::-1], atol=1e-6)
    assert np.all(found[10:40] == 1) and len(found) == 50


def test_a_cut_keeps_the_markers_within() -> None:
    markers = (Marker(0.0, "before", 0.01), Marker(0.02, "into", 0.02), Marker(0.04, "point"), Marker(0.09, "after"))
    found = cut(Audio(np.zeros((1, 100), np.float32), RATE, markers), start=0.03, duration=0.03).markers
    assert [(m.label, round(m.time, 9), round(m.duration, 9)) for m in found] == [
        ("into", 0.0, 0.01),
        ("point", 0.01, 0.0),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": 0.1}, "start: the stretch does not lie within"),
        ({"start": 0.05, "duration": 0.06}, "duration: the stretch does not lie within"),
        ({"duration": 0.0}, "duration: the stretch does not lie within"),
        ({"duration": 0.01, "fade_in": 0.02}, "fade_in: the stretch is shorter than its fade"),
    ],
)
def test_a_stretch_that_is_not_there(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(MistakeError, match=message):
        cut(noise(1, 100), **arguments)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.integers(1, 500), st.data())
def test_a_loop_is_the_sequence_of_its_passes(length: int, total: int, data: st.DataObject) -> None:
    audio, fade = noise(2, length), data.draw(st.integers(0, length // 2))
    passes = sequence([audio] * (total // (length - fade) + 2), crossfade=fade / RATE).samples
    found = loop(audio, duration=total / RATE, crossfade=fade / RATE).samples
    np.testing.assert_allclose(found, passes[:, :total], atol=1e-6)


def test_a_loop_of_a_texture_keeps_its_power() -> None:
    looped = loop(noise(1, 50_000), duration=400.0, crossfade=20.0).samples[0]
    powers = looped.reshape(-1, 10_000).astype(np.float64)
    np.testing.assert_allclose(np.mean(powers**2, axis=1), 1.0, atol=0.08)


def test_a_loop_of_one_sample_over_several_blocks() -> None:
    looped = loop(Audio(np.ones((14, 1), np.float32), 192000), duration=2.0).samples
    assert looped.shape == (14, 384000) and np.all(looped == 1)


@pytest.mark.parametrize(
    ("length", "arguments", "message"),
    [
        (100, {"duration": 1.0, "crossfade": 0.051}, r"0\.05 s or less"),
        (100, {"duration": 0.0}, "less than a sample"),
        (0, {"duration": 1.0}, "nothing to repeat"),
    ],
)
def test_a_loop_that_cannot_be_made(length: int, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(MistakeError, match=message):
        loop(noise(1, length), **arguments)


@pytest.mark.parametrize("excerpt", [lambda audio: cut(audio), lambda audio: loop(audio, duration=1.0)])
def test_samples_that_are_no_numbers_are_refused(excerpt: Callable[[Audio], Audio]) -> None:
    broken = noise(1, 500)
    broken.samples[0, 250] = np.nan
    with pytest.raises(MistakeError, match=r"nan at 0\.25 s"):
        excerpt(broken)


def test_what_is_known_of_excerpts_before_anything_runs() -> None:
    rules = [NodeSpec(excerpt.__name__, excerpt, "").mark.facts for excerpt in (take, cut, loop)]
    of_take, of_cut, of_loop = (rule for rule in rules if rule is not None)
    form = {"channels": 2, "sample_rate": RATE}
    assert of_take({"takes": {**form, "takes": 51}}, {}) == {"value": form}
    whole = {"start": 0.03, "duration": None}
    assert of_cut({"audio": {**form, "duration": 0.1}}, whole) == {"value": {**form, "duration": 0.07}}
    assert of_cut({"audio": form}, whole) == {"value": form}
    assert of_cut({"audio": None}, whole) == {"value": {}}
    long = {"duration": 9.0, "crossfade": 0.05}
    assert of_loop({"audio": {**form, "duration": 0.1}}, long) == {"value": {**form, "duration": 9.0}}
    assert of_loop({"audio": form}, {**long, "crossfade": 2}) == {"value": {**form, "duration": 9.0}}
    with pytest.raises(MistakeError, match="longer than half"):
        of_loop({"audio": {**form, "duration": 0.1}}, {**long, "crossfade": 0.06})
    with pytest.raises(MistakeError, match="does not lie within"):
        of_cut({"audio": {**form, "duration": 0.1}}, {"start": 0.05, "duration": 0.06})
