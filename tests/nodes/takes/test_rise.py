from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.takes.courses import delays_of, spread_passes
from nodes.takes.node import rise
from nodes.values import Takes
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec

RATE = 1000


def loops(count: int, length: int = 50, channels: int = 1, rate: int = RATE) -> Takes:
    """Noise, another in each take."""
    generator = np.random.default_rng(count)
    samples = tuple(generator.uniform(-1, 1, (channels, length)).astype(np.float32) for _ in range(count))
    return Takes(samples, rate, tuple(str(number) for number in range(count)))


def heard(takes: Takes, samples: np.ndarray[Any, Any]) -> list[list[str | None]]:
    """Return the label that each channel plays in each pass, None for silence; any other sound is an error."""
    length = takes.samples[0].shape[1]
    found: list[list[str | None]] = []
    for number, channel in enumerate(samples):
        row: list[str | None] = []
        for one_pass in channel.reshape(-1, length):
            known = {
                label: take[number if len(take) > 1 else 0]
                for label, take in zip(takes.labels, takes.samples, strict=True)
            }
            names = [label for label, take in known.items() if np.array_equal(take, one_pass)]
            assert names or not one_pass.any()
            row.append(names[0] if names else None)
        found.append(row)
    return found


def test_each_iterate_is_one_pass_in_order(tmp_path: Path) -> None:
    takes = loops(5, channels=2)
    risen = rise(takes, context=make_context(tmp_path))
    np.testing.assert_array_equal(risen.samples, np.concatenate(takes.samples, axis=1))
    assert [m.label for m in risen.markers] == ["0", "1", "2", "3", "4"]
    np.testing.assert_allclose([(m.time, m.duration) for m in risen.markers], [(k * 0.05, 0.05) for k in range(5)])


def test_iterates_are_played_as_named_and_markers_join_passes_of_one(tmp_path: Path) -> None:
    takes = loops(6)
    risen = rise(takes, iterates=["5", "0", "5"], passes=6, hold=2, context=make_context(tmp_path))
    assert heard(takes, risen.samples) == [["5", "5", "0", "0", "5", "5", "5", "5"]]
    assert [(m.label, round(m.duration / 0.05)) for m in risen.markers] == [("5", 2), ("0", 2), ("5", 4)]


@given(st.integers(1, 80), st.integers(1, 300), st.floats(0.05, 20))
def test_passes_never_go_back_and_end_on_the_last_iterate(iterates: int, passes: int, curve: float) -> None:
    order = spread_passes(iterates, passes, curve)
    assert len(order) == passes and order[-1] == iterates - 1
    assert order[0] == 0 or passes == 1
    assert np.all(np.diff(order) >= 0)


@given(st.integers(1, 60), st.integers(1, 7))
def test_a_straight_curve_gives_every_iterate_as_many_passes(iterates: int, each: int) -> None:
    counts = np.bincount(spread_passes(iterates, iterates * each, 1.0), minlength=iterates)
    assert np.ptp(counts) <= 1 and counts.sum() == iterates * each
    assert spread_passes(iterates, iterates, 1.0) == list(range(iterates))


def test_a_curve_above_one_stays_longer_in_the_noise() -> None:
    late = [sum(place >= 25 for place in spread_passes(51, 200, curve)) for curve in (0.5, 1.0, 2.0, 4.0)]
    assert late == sorted(late, reverse=True) and len(set(late)) == 4
    # the k-th iterate of n begins where x to the power of the curve reaches k / n
    assert spread_passes(51, 200, 2.0).index(26) == int(np.ceil(np.sqrt(26 / 51) * 199))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.integers(1, 40), st.integers(0, 40), st.sampled_from(["linear", "equal_power"]))
def test_a_crossfade_leaves_the_time_and_the_beginnings_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, count: int, length: int, overlap: int, shape: Any
) -> None:
    takes, overlap = loops(count, length), min(overlap, length)
    context = make_context(tmp_path_factory.mktemp("rise"))
    risen = rise(takes, crossfade=overlap / RATE, shape=shape, context=context).samples[0].reshape(count, length)
    whole = np.concatenate(takes.samples)
    np.testing.assert_array_equal(risen[:, : length - overlap], whole[:, : length - overlap])
    np.testing.assert_array_equal(risen[-1], whole[-1])
    way = (np.arange(overlap) + 0.5) / max(overlap, 1)
    up, down = (way, 1 - way) if shape == "linear" else (np.sin(np.pi / 2 * way), np.cos(np.pi / 2 * way))
    ends = whole[:, length - overlap :]
    np.testing.assert_allclose(risen[:-1, length - overlap :], ends[:-1] * down + ends[1:] * up, atol=1e-6)


def test_there_is_no_crossfade_where_the_iterate_stays(tmp_path: Path) -> None:
    takes = loops(1)
    risen = rise(takes, passes=4, crossfade=0.02, shape="equal_power", context=make_context(tmp_path))
    np.testing.assert_array_equal(risen.samples, np.tile(takes.samples[0], 4))


def test_a_rise_travels_through_fourteen_loudspeakers(tmp_path: Path) -> None:
    takes = loops(4)
    risen = rise(takes, channels=14, lag=2, hold=1, context=make_context(tmp_path))
    assert risen.samples.shape == (14, (4 + 26 + 1) * 50)
    rows = heard(takes, risen.samples)
    for channel, row in enumerate(rows):
        assert row == ["0"] * 2 * channel + ["0", "1", "2", "3"] + ["3"] * (26 - 2 * channel + 1)
    assert [m.label for m in risen.markers] == ["0", "1", "2", "3"]


def test_channels_of_their_own_run_behind_each_other_and_may_wait_in_silence(tmp_path: Path) -> None:
    takes = loops(3, channels=3)
    risen = rise(takes, lag=[1, 0, 2], entry="silence", context=make_context(tmp_path))
    assert heard(takes, risen.samples) == [
        [None, "0", "1", "2", "2"],
        ["0", "1", "2", "2", "2"],
        [None, None, "0", "1", "2"],
    ]


def test_a_negative_lag_begins_with_the_last_channel() -> None:
    assert delays_of(-3, 4) == [9, 6, 3, 0]
    assert delays_of([0, -1, 1], 3) == [1, 0, 2]


def test_lags_alone_say_how_many_channels_a_mono_loop_goes_to(tmp_path: Path) -> None:
    assert rise(loops(2), lag=[0, 1, 2], context=make_context(tmp_path)).channels == 3


@pytest.mark.parametrize(
    "takes", [loops(1, 1), loops(3, 1, 14, 192_000), Takes((np.zeros((2, 9), np.float32),), 8, ("ä",))]
)
def test_edges_are_played(takes: Takes, tmp_path: Path) -> None:
    risen = rise(takes, context=make_context(tmp_path))
    np.testing.assert_array_equal(risen.samples, np.concatenate(takes.samples, axis=1))
    assert risen.sample_rate == takes.sample_rate


def unlike() -> Takes:
    return Takes((np.zeros((1, 9), np.float32), np.zeros((1, 8), np.float32)), RATE, ("0", "50"))


def broken() -> Takes:
    samples = np.zeros((1, 50), np.float32)
    samples[0, 25] = np.inf
    return Takes((samples, samples), RATE, ("0", "1"))


@pytest.mark.parametrize(
    ("takes", "arguments", "message"),
    [
        (loops(51), {"iterates": ["0", "53"]}, r"no iterate '53'(.|\n)*the nearest is '50'"),
        (Takes(loops(2).samples, RATE, ("Wölfe", "Vögel")), {"iterates": ["Wolfe"]}, "did you mean 'Wölfe'"),
        (Takes(loops(2).samples, RATE, ("a", "a")), {"iterates": ["a"]}, "several iterates 'a'"),
        (unlike(), {}, r"'0': 9 samples, 1 ch, '50': 8 samples"),
        (Takes((), RATE, ()), {}, "no takes"),
        (loops(2, 0), {}, "a sample or more"),
        (loops(2), {"iterates": []}, "no takes"),
        (loops(2), {"crossfade": 0.051}, r"0\.05 s or less"),
        (loops(2, channels=2), {"channels": 3}, "have 2 channels already"),
        (loops(2, channels=2), {"lag": [0, 1, 2]}, "2 channels and 3 lags"),
        (broken(), {}, r"take '0' holds[^\n]*\n[^\n]*inf at 0\.025 s"),
    ],
)
def test_mistakes_name_what_is_wrong(takes: Takes, arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match=message):
        rise(takes, context=make_context(tmp_path), **arguments)


def test_channels_and_labels_are_checked_before_anything_runs() -> None:
    rule = NodeSpec("rise", rise, "").mark.facts
    assert rule is not None
    given = {"iterates": None, "channels": 14, "lag": 1}
    assert rule({"takes": {"channels": 1}}, given) == {"value": {"channels": 14}}
    assert rule({"takes": {}}, given) == {}
    with pytest.raises(MistakeError, match="already"):
        rule({"takes": {"channels": 2}}, given)
    with pytest.raises(MistakeError, match="nearest is '10'"):
        rule({"takes": {"labels": ("0", "10")}}, {**given, "iterates": ["9"]})


@pytest.mark.parametrize(
    ("takes", "more", "message"),
    [
        ({}, {"channels": 3, "lag": [0, 1]}, "3 channels and 2 lags"),
        ({}, {"channels": None, "lag": []}, "1 channels and 0 lags"),
        ({"channels": 2}, {"channels": None, "lag": [0, 1, 2]}, "2 channels and 3 lags"),
        ({"sample_rate": RATE, "duration": 0.05}, {"crossfade": 0.051}, r"0\.05 s or less"),
    ],
)
def test_lags_and_crossfades_are_checked_before_anything_runs(
    takes: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    rule = NodeSpec("rise", rise, "").mark.facts
    assert rule is not None
    given = {"iterates": None, "channels": None, "lag": 0, "crossfade": 0.0}
    rule({"takes": takes}, given)
    with pytest.raises(MistakeError, match=message):
        rule({"takes": takes}, {**given, **more})
