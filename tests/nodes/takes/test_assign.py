from __future__ import annotations

import csv
import io
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contexts import make_context
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nodes.takes.drifting import drawn_iterate, segment_order, streams, weights
from nodes.takes.node import assign, takes_pool
from nodes.takes.node.assigning import Assignment
from nodes.takes.pool import Pool
from nodes.values import Takes
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.quantities import Envelope

RATE = 1000


def envelope(*points: tuple[float, float]) -> Envelope:
    return Envelope(points)


def level(value: float) -> Envelope:
    return Envelope(((0.0, value),))


def make_pool(
    tmp_path: Path, segments: int = 5, iterates: int = 11, lengths: tuple[int, ...] = (40,), channels: int = 1
) -> Pool:
    """Return a pool in which every take is constant at a number of its own, a power of two apart from no other."""
    takes = []
    for segment in range(segments):
        length = lengths[segment % len(lengths)]
        value = (1 + np.arange(channels)[:, None] + 10 * segment + 1000 * np.arange(iterates)[:, None, None]) / 2**20
        labels = tuple(str(iterate) for iterate in range(iterates))
        takes.append(Takes(tuple(np.tile(own, length).astype(np.float32) for own in value), RATE, labels))
    return takes_pool(takes, context=make_context(tmp_path / "pool"))


def score(assigned: Assignment) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(assigned.score.text)))


def drawn(assigned: Assignment, channel: int, column: str) -> list[str]:
    return [row[column] for row in score(assigned) if row["channel"] == str(channel)]


def test_the_sound_is_what_the_score_says(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, lengths=(40, 25, 61), channels=2)
    assigned = assign(pool, duration=3.0, channels=5, context=make_context(tmp_path))
    expected = np.zeros((5, 3000), np.float32)
    for row in score(assigned):
        channel, start, count = int(row["channel"]) - 1, round(float(row["start"]) * RATE), float(row["duration"])
        take = pool.samples(int(row["segment"]) - 1, pool.iterates.index(row["iterate"]))[channel % 2]
        expected[channel, start : start + round(count * RATE)] = take[: round(count * RATE)]
    np.testing.assert_array_equal(assigned.audio.samples, expected)
    assert np.all(assigned.audio.samples > 0)
    starts = [float(row["start"]) for row in score(assigned)]
    assert starts == sorted(starts) and assigned.score.ending == "csv"


def test_markers_say_the_same_as_the_score(tmp_path: Path) -> None:
    assigned = assign(make_pool(tmp_path), duration=0.4, channels=3, context=make_context(tmp_path))
    said = [
        (f"{marker.time:.6f}", *part.replace("ch", "").replace("seg", "").replace("it", "").split())
        for marker in assigned.audio.markers
        for part in marker.label.split(", ")
    ]
    written = [
        (row["start"], f"{row['channel']:0>2}", f"{row['segment']:0>3}", row["iterate"]) for row in score(assigned)
    ]
    assert said == written and len(assigned.audio.markers) == 10


def test_too_many_slots_to_mark_are_in_the_score_alone(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, lengths=(1,))
    marked, unmarked = (assign(pool, duration=time, context=make_context(tmp_path)) for time in (0.5, 0.501))
    assert len(marked.audio.markers) == 500 and unmarked.audio.markers == ()
    assert len(score(unmarked)) == 501


def test_the_seed_decides_and_channels_do_not_disturb_each_other(tmp_path: Path) -> None:
    pool = make_pool(tmp_path)
    first, again, other, more = (
        assign(pool, duration=4.0, channels=channels, context=make_context(tmp_path / str(number), seed))
        for number, (channels, seed) in enumerate([(3, 1), (3, 1), (3, 2), (7, 1)])
    )
    np.testing.assert_array_equal(first.audio.samples, again.audio.samples)
    assert first.score.text == again.score.text != other.score.text
    np.testing.assert_array_equal(first.audio.samples, more.audio.samples[:3])
    rows = [tuple(drawn(more, channel, "segment")) for channel in range(1, 8)]
    assert len(set(rows)) == 7


def test_another_drift_leaves_the_segments_as_they_are(tmp_path: Path) -> None:
    pool = make_pool(tmp_path)
    early, late = (
        assign(pool, duration=4.0, centre=level(centre), spread=level(0.2), context=make_context(tmp_path))
        for centre in (0.2, 0.7)
    )
    assert drawn(early, 1, "segment") == drawn(late, 1, "segment")
    pairs = list(zip(drawn(early, 1, "iterate"), drawn(late, 1, "iterate"), strict=True))
    assert all(int(a) <= int(b) for a, b in pairs) and any(a != b for a, b in pairs)


@given(st.integers(1, 60), st.floats(0, 1), st.floats(0, 100))
def test_weights_are_a_normal_curve(count: int, centre: float, spread: float) -> None:
    found = weights(count, centre, spread)
    assert found.shape == (count,) and found.sum() == pytest.approx(1.0) and np.all(found >= 0)
    places = np.linspace(0, 1, count)
    assert abs(places[np.argmax(found)] - centre) == pytest.approx(np.abs(places - centre).min(), abs=1e-6)
    if spread > 0.05:
        expected = stats.norm.pdf(places, centre, spread)
        np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-9, atol=1e-300)


def test_no_spread_plays_the_centre_and_a_wide_one_all_alike() -> None:
    assert weights(11, 0.31, 0.0).argmax() == 3 and weights(11, 0.31, 0.0).max() == 1.0
    np.testing.assert_allclose(weights(51, 0.0, 100.0), 1 / 51, rtol=1e-3)


@pytest.mark.parametrize("centre", [0.0, 0.3, 1.0])
def test_iterates_are_drawn_at_their_weights(centre: float) -> None:
    _, generator = streams(7, 0)
    counts = np.bincount(
        [drawn_iterate(9, 0.0, level(centre), level(0.25), generator) for _ in range(5000)], minlength=9
    )
    expected = weights(9, centre, 0.25) * 5000
    common = expected > 5
    shares = expected[common] * counts[common].sum() / expected[common].sum()
    assert stats.chisquare(counts[common], shares).pvalue > 0.001


def test_iterates_drift_from_early_to_late(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, iterates=51)
    assigned = assign(pool, duration=40.0, channels=4, context=make_context(tmp_path))
    rows = [(float(row["start"]) / 40.0, int(row["iterate"]) / 50) for row in score(assigned)]
    assert len(rows) == 4000
    for early, late in itertools.pairwise(np.linspace(0, 1, 6)):
        inside = np.array([iterate for time, iterate in rows if early <= time < late])
        expected = np.mean([np.linspace(0, 1, 51) @ weights(51, c, 0.1) for c in np.linspace(early, late, 50)])
        assert abs(inside.mean() - expected) < 4 * 0.12 / np.sqrt(len(inside))
    assert stats.linregress(*np.array(rows).T).slope == pytest.approx(0.9, abs=0.05)  # 1 but for the ends


def test_segments_are_drawn_from_all_shuffled_or_in_order() -> None:
    some = {
        order: list(itertools.islice(segment_order(order, 6, np.random.default_rng(3)), 3000))
        for order in ("random", "shuffled", "in_order")
    }
    assert some["in_order"] == list(range(6)) * 500
    rounds = [tuple(some["shuffled"][start : start + 6]) for start in range(0, 3000, 6)]
    assert all(sorted(one) == list(range(6)) for one in rounds) and len(set(rounds)) > 300
    assert stats.chisquare(np.bincount(some["random"])).pvalue > 0.001
    assert np.mean(np.diff(some["random"]) == 0) == pytest.approx(1 / 6, abs=0.03)


def test_fixed_gives_each_loudspeaker_its_iterate_in_step(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, segments=3, iterates=51, lengths=(40, 30, 20), channels=2)
    fixed = ["0", "1", "7", "9", "11", "15", "20", "30", "50", "5", "13", "17", "25", "35"]
    seats = [1] * 9 + [2] * 5
    assigned = assign(pool, mode="fixed", iterates=fixed, pool_channels=seats, context=make_context(tmp_path))
    expected = [
        np.concatenate([pool.samples(segment, int(label))[seat - 1] for segment in range(3)])
        for label, seat in zip(fixed, seats, strict=True)
    ]
    np.testing.assert_array_equal(assigned.audio.samples, np.stack(expected))
    assert [marker.time for marker in assigned.audio.markers] == [0.0, 0.04, 0.07]


def test_fixed_goes_round_for_as_long_as_asked(tmp_path: Path) -> None:
    pool = make_pool(tmp_path, segments=2)
    assigned = assign(pool, mode="fixed", iterates=["3"], duration=0.1, context=make_context(tmp_path))
    once = np.concatenate([pool.samples(0, 3), pool.samples(1, 3)], axis=1)
    np.testing.assert_array_equal(assigned.audio.samples, np.tile(once, 2)[:, :100])
    assert drawn(assigned, 1, "duration") == ["0.040000", "0.040000", "0.020000"]


@pytest.mark.parametrize("duration", [None, 0.085, 0.3])
def test_a_crossfade_of_one_sound_with_itself_changes_nothing(duration: float | None, tmp_path: Path) -> None:
    takes = Takes((np.ones((1, 40), np.float32),), RATE, ("0",))
    pool = takes_pool([takes] * 3, context=make_context(tmp_path))
    assigned = assign(
        pool, order="in_order", duration=duration, crossfade=0.01, shape="linear", context=make_context(tmp_path)
    )
    assert assigned.audio.length == (100 if duration is None else round(duration * RATE))
    np.testing.assert_allclose(assigned.audio.samples, 1.0, atol=1e-6)
    assert [float(start) for start in drawn(assigned, 1, "start")[:3]] == [0.0, 0.03, 0.06]


def test_a_crossfade_is_that_of_a_sequence(tmp_path: Path) -> None:
    from nodes.mixing.node import sequence

    generator = np.random.default_rng(5)
    inputs = [Takes((generator.uniform(-1, 1, (2, 50)).astype(np.float32),), RATE, ("0",)) for _ in range(4)]
    pool = takes_pool(inputs, context=make_context(tmp_path))
    assigned = assign(pool, mode="fixed", iterates=["0", "0"], crossfade=0.02, context=make_context(tmp_path))
    np.testing.assert_array_equal(assigned.audio.samples, sequence(list(inputs), crossfade=0.02).samples)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "fixed"}, r"no iterates(.|\n)*of each loudspeaker"),
        ({"iterates": []}, "no iterates"),
        ({"mode": "fixed", "iterates": ["0", "12"]}, r"no iterate '12'(.|\n)*nearest is '10'"),
        ({"mode": "fixed", "iterates": ["0", "1"], "channels": 3}, "3 channels and 2 iterates"),
        ({"mode": "fixed", "iterates": ["0"], "spread": level(0.1)}, "'spread' goes with mode: drift"),
        ({"mode": "fixed", "iterates": ["0"], "order": "random"}, "'order' goes with mode: drift"),
        ({"pool_channels": [1, 1]}, "1 loudspeakers and 2 pool_channels"),
        ({"channels": 2, "pool_channels": [1, 3]}, "the pool has no channel 3"),
        ({"duration": 0.0001}, "less than a sample"),
        ({"crossfade": 0.021}, r"segment 1 is shorter(.|\n)*0\.02 s or less"),
        ({"duration": 50_000.0, "channels": 14}, r"too short for the duration"),
    ],
)
def test_mistakes_name_what_is_wrong(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    pool = make_pool(tmp_path)
    with pytest.raises(MistakeError, match=message):
        assign(pool, context=make_context(tmp_path), **arguments)


def test_channels_and_duration_are_known_before_anything_runs() -> None:
    rule = NodeSpec("assign", assign, "").mark.facts
    assert rule is not None
    asked: dict[str, Any] = dict.fromkeys(
        ("iterates", "duration", "channels", "pool_channels", "centre", "spread", "order")
    )
    pool = {"channels": 2, "labels": ("0", "7", "50")}
    drift, fixed = {**asked, "mode": "drift"}, {**asked, "mode": "fixed"}
    assert rule({"pool": pool}, {**drift, "duration": 9.0}) == {"audio": {"channels": 2, "duration": 9.0}}
    assert rule({"pool": {}}, drift) == {"audio": {}}
    assert rule({"pool": {}}, {**fixed, "iterates": ["0", "7", "7"]}) == {"audio": {"channels": 3}}
    for parameters, message in (
        ({**drift, "iterates": ["8"]}, "nearest is '7'"),
        ({**fixed, "iterates": ["0"], "channels": 2}, "2 channels and 1 iterates"),
        ({**drift, "pool_channels": [3, 1]}, "no channel 3"),
        (fixed, "no iterates"),
        ({**drift, "duration": 0.0}, "less than a sample"),
    ):
        with pytest.raises(MistakeError, match=message):
            rule({"pool": pool}, parameters)
    timed = {**pool, "sample_rate": RATE, "shortest": 0.04}
    rule({"pool": timed}, {**drift, "crossfade": 0.02})
    with pytest.raises(MistakeError, match=r"the shortest segment is shorter(.|\n)*0\.02 s or less"):
        rule({"pool": timed}, {**drift, "crossfade": 0.021})


RENDER = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from contexts import make_context
from nodes.takes.node import assign, rise, takes_pool
from nodes.values import Takes
from pipelines.run_step import Meter

folder, minutes = Path(sys.argv[2]), float(sys.argv[3])
samples = tuple(np.load(folder / f"{number}.npy", mmap_mode="r") for number in range(4))
takes = Takes(samples, 48000, ("0", "1", "2", "3"))
context = make_context(folder)
before = Meter().read()["peak_memory"]
meter = Meter()
pool = takes_pool([takes], duration=2.5, context=context)
assigned = assign(pool, duration=60 * minutes, channels=13, crossfade=0.5, context=context)
risen = rise(takes, passes=2, lag=1, channels=13, crossfade=0.1, context=context)
read = meter.read()
total = (assigned.audio.samples.nbytes + risen.samples.nbytes) / 2**20
print((read["peak_memory"] - before) / 2**20, total, read["seconds"])
"""


def render(folder: Path, minutes: float) -> tuple[float, float, float]:
    for number in range(4):
        np.save(folder / f"{number}.npy", np.random.default_rng(number).random((1, 10 * 48000), np.float32))
    command = [sys.executable, "-c", RENDER, str(Path(__file__).parents[1]), str(folder), str(minutes)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    grown, total, seconds = (float(word) for word in finished.stdout.split())
    return grown, total, seconds


def test_long_results_need_little_memory(tmp_path: Path) -> None:
    grown, total, _ = render(tmp_path, 1.0)
    assert total > 400 and grown < 150


@pytest.mark.slow
def test_fifty_two_minutes_of_thirteen_channels_need_no_more(tmp_path: Path) -> None:
    grown, total, _ = render(tmp_path, 52.0)
    assert total > 7000 and grown < 300
