from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.mixing.node import sequence
from nodes.values import Audio, Marker, Takes
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec

RATE = 1000


def noise(channels: int, length: int, seed: int = 0) -> Audio:
    return Audio(np.random.default_rng(seed).standard_normal((channels, length)).astype(np.float32), RATE)


def ones(length: int) -> Audio:
    return Audio(np.ones((1, length), np.float32), RATE)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(0, 20))
def test_clips_follow_each_other_to_the_sample(lengths: list[int], gap: int) -> None:
    clips = [noise(1, length, seed) for seed, length in enumerate(lengths)]
    silence = np.zeros((1, gap), np.float32)
    expected = np.concatenate([part for clip in clips for part in (clip.samples, silence)][:-1], axis=1)
    np.testing.assert_array_equal(sequence(clips, gap=gap / RATE).samples, expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 200)), min_size=1, max_size=6))
def test_clips_lie_where_times_put_them_and_add_up(places: list[tuple[int, int]]) -> None:
    clips = [noise(2, length, seed) for seed, (length, _) in enumerate(places)]
    expected = np.zeros((2, max(length + start for length, start in places)))
    for clip, (length, start) in zip(clips, places, strict=True):
        expected[:, start : start + length] += clip.samples
    found = sequence(clips, times=[start / RATE for _, start in places]).samples
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_linear_crossfade_of_equal_clips_changes_nothing() -> None:
    joined = sequence([ones(100), ones(80), ones(60)], crossfade=0.03, shape="linear").samples
    assert joined.shape == (1, 100 + 80 + 60 - 60)
    np.testing.assert_allclose(joined, 1.0, atol=1e-7)


def test_an_equal_power_crossfade_of_unrelated_clips_keeps_the_power() -> None:
    joined = sequence([noise(1, 60_000, 1), noise(1, 60_000, 2)], crossfade=50.0).samples[0]
    powers = [np.mean(joined[start : start + 10_000] ** 2) for start in range(0, 70_000, 10_000)]
    np.testing.assert_allclose(powers, 1.0, atol=0.06)
    dip = sequence([noise(1, 60_000, 1), noise(1, 60_000, 2)], crossfade=50.0, shape="linear").samples[0]
    assert np.mean(dip[30_000:40_000] ** 2) == pytest.approx(0.5, abs=0.06)


def test_times_that_overlap_by_the_crossfade_are_a_crossfade() -> None:
    clips = [noise(1, 100, 1), noise(1, 90, 2), noise(1, 80, 3)]
    in_a_row = sequence(clips, crossfade=0.02)
    put = sequence([clips[2], clips[0], clips[1]], times=[0.15, 0.0, 0.08], crossfade=0.02)
    np.testing.assert_array_equal(put.samples, in_a_row.samples)


def test_labels_become_markers_beside_those_of_the_clips() -> None:
    marked = Audio(np.zeros((1, 50), np.float32), RATE, (Marker(0.01, "Einsatz"),))
    found = sequence([ones(100), marked], gap=0.02, labels=["A", "Γ"]).markers
    assert [(m.time, m.label, m.duration) for m in found] == [
        (0.0, "A", 0.1),
        (0.12, "Γ", 0.05),
        (pytest.approx(0.13), "Einsatz", 0.0),
    ]


def test_a_duration_is_filled_with_silence() -> None:
    filled = sequence([ones(100)], duration=0.25).samples
    assert filled.shape == (1, 250) and filled.sum() == 100
    with pytest.raises(MistakeError, match=r"0\.1 s or more"):
        sequence([ones(100)], duration=0.05)


def test_mono_goes_to_all_channels_and_takes_count_one_by_one() -> None:
    takes = Takes((ones(10).samples, ones(20).samples), RATE, ("0", "1"))
    joined = sequence([takes, noise(14, 5)]).samples
    assert joined.shape == (14, 35)
    assert np.all(joined[:, :30] == 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clips": []}, "no clip"),
        ({"clips": [ones(9), Audio(np.ones((1, 9), np.float32), 44100)]}, "clip 1: 1000 Hz, clip 2: 44100 Hz"),
        ({"clips": [noise(2, 9), noise(3, 9)]}, "clip 1: 2, clip 2: 3"),
        ({"clips": [ones(9), ones(9)], "times": [0.0]}, "2 clips and 1 times"),
        ({"clips": [ones(9)], "labels": ["a", "b"]}, "1 clips and 2 labels"),
        ({"clips": [ones(9), ones(9), ones(9)], "crossfade": 0.005}, "clip 2 is shorter than its crossfades"),
        ({"clips": [ones(9)], "gap": 0.1, "times": [0.0]}, "a gap goes neither"),
        ({"clips": [ones(9), ones(9)], "gap": 0.1, "crossfade": 0.001}, "a gap goes neither"),
    ],
)
def test_mistakes_name_what_is_wrong(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(MistakeError, match=message):
        sequence(**arguments)


def test_a_clip_with_no_number_is_named() -> None:
    broken = noise(1, 500)
    broken.samples[0, 250] = np.nan
    with pytest.raises(MistakeError, match=r"clip 2 holds[^\n]*\n[^\n]*nan at 0\.25 s"):
        sequence([ones(9), broken])


def test_channels_are_known_and_refused_before_anything_runs() -> None:
    rule = NodeSpec("sequence", sequence, "").mark.facts
    assert rule is not None
    assert rule({"clips": [{"channels": 1}, {"channels": 4}]}, {}) == {"value": {"channels": 4}}
    assert rule({"clips": [{"channels": 1}, {}]}, {}) == {}
    with pytest.raises(MistakeError, match="differ in channels"):
        rule({"clips": [{"channels": 2}, {"channels": 4}]}, {})


RULED = {"times": None, "gap": 0.0, "crossfade": 0.0, "labels": None, "duration": None}


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    gap=st.sampled_from([0.0, 0.003]),
    crossfade=st.sampled_from([0.0, 0.001, 0.012]),
    times=st.none() | st.lists(st.floats(0, 0.1), min_size=1, max_size=5),
    duration=st.none() | st.floats(0, 0.3),
)
def test_the_plan_knows_what_a_sequence_becomes(
    lengths: list[int], gap: float, crossfade: float, times: list[float] | None, duration: float | None
) -> None:
    rule = NodeSpec("sequence", sequence, "").mark.facts
    assert rule is not None
    asked = {"gap": gap, "crossfade": crossfade, "times": times, "duration": duration}
    clips = [{"kind": "Audio", "channels": 1, "sample_rate": RATE, "duration": n / RATE} for n in lengths]
    try:
        made = sequence([ones(n) for n in lengths], **asked)
    except MistakeError as error:
        if "last longer" not in str(error):  # a clip may be shorter than its file says
            with pytest.raises(MistakeError):
                rule({"clips": clips}, {**RULED, **asked})
    else:
        found = rule({"clips": clips}, {**RULED, **asked})["value"]
        assert found["channels"] == 1 and round(found["duration"] * RATE) == made.length
