from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from contexts import RecordedContext, make_context

from nodes.takes.node import assign, takes_pool
from nodes.takes.pool import Pool
from nodes.values import Takes
from pipelines.context import Context
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.store import Store
from pipelines.value import Value, as_stored, freeze, pack, unpack

RATE = 1000


def inversion(seed: int, length: int = 60, labels: tuple[str, ...] = ("0", "7", "50"), channels: int = 1) -> Takes:
    """Noise, another in each take; louder from take to take."""
    generator = np.random.default_rng(seed)
    samples = tuple(
        (generator.uniform(-1, 1, (channels, length)) * 2.0 ** (number - len(labels))).astype(np.float32)
        for number in range(len(labels))
    )
    return Takes(samples, RATE, labels)


def test_an_input_is_a_segment(tmp_path: Path) -> None:
    inputs = [inversion(1), inversion(2, 80)]
    pool = takes_pool(inputs, context=make_context(tmp_path))
    assert (pool.segments, pool.iterates, pool.lengths, pool.channels) == (2, ("0", "7", "50"), [60, 80], 1)
    for segment, takes in enumerate(inputs):
        for iterate, samples in enumerate(takes.samples):
            np.testing.assert_array_equal(pool.samples(segment, iterate), samples)
            assert pool.levels[segment, iterate] == pytest.approx(
                10 * np.log10(np.mean(samples.astype(np.float64) ** 2)), abs=1e-4
            )
    assert pool.describe() == "Pool, 2 segments × 3 iterates, 0 … 50, 1 ch, 0.140 s, 1000 Hz"


def test_long_inversions_are_cut_one_after_another(tmp_path: Path) -> None:
    inputs = [inversion(1, 50, channels=2), inversion(2, 45, channels=2)]
    pool = takes_pool(inputs, duration=0.02, iterates=["50", "0"], context=make_context(tmp_path))
    assert pool.lengths == [20, 20, 10, 20, 20, 5] and pool.iterates == ("50", "0")
    np.testing.assert_array_equal(pool.samples(4, 0), inputs[1].samples[2][:, 20:40])
    np.testing.assert_array_equal(pool.samples(2, 1), inputs[0].samples[0][:, 40:])
    dropped = takes_pool(inputs, samples=20, rest="drop", context=make_context(tmp_path))
    assert dropped.lengths == [20] * 4


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield Store(tmp_path / "store")


def keep(store: Store, key: str, value: Value) -> Value:
    store.save(key, {"value": value}, {})
    return store.load(key, "value")


def test_stored_takes_are_pointed_to_and_not_copied(store: Store, tmp_path: Path) -> None:
    inputs: list[Any] = [keep(store, digit * 64, inversion(int(digit), 4000)) for digit in "12"]
    for _ in range(2):  # an interrupted run before must not harm what it pointed to
        context = Context("pool", "3" * 64, None, "cpu", store.scratch("3" * 64), make_context(tmp_path).recorder)
        pool: Any = takes_pool(inputs, duration=1.0, context=context)
        assert all(isinstance(source, np.memmap) for source in pool.sources)
    again = keep(store, "3" * 64, freeze(as_stored(pool)))
    inodes = [{path.stat().st_ino for path in store.path(d * 64).glob("*samples*.npy")} for d in "12"]
    assert {path.stat().st_ino for path in store.path("3" * 64).glob("*sources*.npy")} == inodes[0] | inodes[1]
    for digit in "123":
        store.verify_files(digit * 64)
    assert again.describe() == pool.describe()
    assert not store.scratch("3" * 64).exists()


def test_takes_in_memory_make_a_pool_that_is_stored(store: Store, tmp_path: Path) -> None:
    pool = takes_pool([inversion(1)], context=make_context(tmp_path))
    again: Any = keep(store, "4" * 64, freeze(as_stored(pool)))
    np.testing.assert_array_equal(again.samples(0, 1), pool.samples(0, 1))
    np.testing.assert_array_equal(again.levels, pool.levels)


def test_a_pool_survives_as_json_and_arrays(tmp_path: Path) -> None:
    labels = ("0", "Ö/1", "")
    pool = takes_pool([inversion(1, labels=labels)], context=make_context(tmp_path))
    tree, arrays = pack(pool)
    again = unpack(json.loads(json.dumps(tree)), arrays)
    assert isinstance(again, Pool) and again.iterates == labels and again.describe() == pool.describe()


def test_files_are_named_by_channel_segment_and_iterate(tmp_path: Path) -> None:
    labels = ("0", "50", "Ö/x", "Ö:x", "007")
    pool = takes_pool([inversion(1, 20, labels, channels=2)], samples=10, context=make_context(tmp_path))
    paths = pool.write(tmp_path, "Modulator")
    assert len({path.name for path in paths}) == len(paths) == 2 * 2 * 5
    assert [path.name for path in paths[5:10]] == [
        "Modulator_ch01_seg002_it001_0.wav",
        "Modulator_ch01_seg002_it002_50.wav",
        "Modulator_ch01_seg002_it003_Ö_x.wav",
        "Modulator_ch01_seg002_it004_Ö_x.wav",
        "Modulator_ch01_seg002_it005_007.wav",
    ]
    written, rate = soundfile.read(paths[11], dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(written, pool.samples(0, 1)[1], atol=2**-23)


@pytest.mark.parametrize(
    "takes",
    [
        inversion(1),
        Takes((np.zeros((1, 1), np.float32),), 192_000, ("☾",)),
        Takes((np.zeros((14, 9), np.float32), np.ones((14, 9), np.float32)), RATE, ("$a$", "")),
    ],
)
def test_every_edge_is_drawn_and_assigned(takes: Takes, tmp_path: Path) -> None:
    context = make_context(tmp_path)
    pool = takes_pool([takes], context=context)
    figure = pool.draw()
    assert figure is not None
    figure.savefig(tmp_path / "pool.png")
    assert assign(pool, context=context).audio.samples.shape == takes.samples[0].shape


def test_the_picture_shows_the_levels(tmp_path: Path) -> None:
    pool = takes_pool([inversion(1), Takes((np.zeros((1, 9), np.float32),) * 3, RATE, ("0", "7", "50"))],
                      context=make_context(tmp_path))  # fmt: skip
    image: Any = np.ma.asarray(pool.draw().axes[0].images[0].get_array())
    assert image.shape == (3, 2)
    np.testing.assert_allclose(image[:, 0], pool.levels[0], rtol=1e-6)
    assert np.ma.getmaskarray(image)[:, 1].all() and np.isneginf(pool.levels[1]).all()


def nan() -> Takes:
    takes = inversion(3)
    takes.samples[1][0, 30] = np.nan
    return takes


@pytest.mark.parametrize(
    ("takes", "arguments", "message"),
    [
        ([], {}, "no takes"),
        ([inversion(1), Takes(inversion(1).samples, 44100, ("0", "7", "50"))], {}, "takes 2: 44100 Hz"),
        ([inversion(1), inversion(2, labels=("0", "7", "49"))], {}, "takes 2 have other iterates than takes 1"),
        ([inversion(1), inversion(2, labels=("0", "7", "49"))], {"iterates": ["50"]},
         r"takes 2 have no iterate '50'(.|\n)*nearest is '49'"),
        ([inversion(1)], {"iterates": ["0", "0"]}, "'0' is named more than once"),
        ([inversion(1)], {"iterates": []}, "no iterates"),
        ([Takes((), RATE, ())], {}, "no iterates"),
        ([inversion(1), inversion(2, channels=2)], {}, "differ in channels"),
        ([Takes((*inversion(1).samples[:2], np.zeros((1, 9), np.float32)), RATE, ("a", "b", "ç"))], {},
         r"differ in length(.|\n)*iterate 'ç': 9 samples"),
        ([inversion(1, 0)], {}, "a take is empty"),
        ([inversion(1)], {"duration": 0.02, "samples": 20}, "more than one way"),
        ([inversion(1)], {"duration": 0.0001}, "less than a sample"),
        ([inversion(1)], {"samples": 61, "rest": "drop"}, "shorter than a segment"),
        ([inversion(1), nan()], {}, r"segment 2, iterate '7', holds[^\n]*\n[^\n]*nan at 0\.03 s"),
    ],
)  # fmt: skip
def test_mistakes_name_what_is_wrong(
    takes: list[Takes], arguments: dict[str, Any], message: str, tmp_path: Path
) -> None:
    context: RecordedContext = make_context(tmp_path)
    with pytest.raises(MistakeError, match=message):
        takes_pool(takes, context=context, **arguments)


def test_labels_and_channels_are_checked_before_anything_runs() -> None:
    rule = NodeSpec("takes_pool", takes_pool, "").mark.facts
    assert rule is not None
    asked: dict[str, Any] = {"duration": None, "samples": None, "iterates": None}
    known = {"channels": 1, "labels": ("0", "7")}
    assert rule({"takes": [known, known]}, asked) == {"value": {"channels": 1, "labels": ("0", "7")}}
    assert rule({"takes": [known, {}]}, {**asked, "iterates": ["3"]}) == {"value": {"channels": 1, "labels": ("3",)}}
    for facts, more, message in (
        ([known, {"channels": 2}], {}, "differ in channels"),
        ([known, {"labels": ("0",)}], {}, "other iterates"),
        ([known], {"iterates": ["8"]}, "nearest is '7'"),
        ([known], {"iterates": ["7", "7"]}, "more than once"),
        ([known], {"duration": 1.0, "samples": 2}, "more than one way"),
        ([known], {"duration": 0.0}, "less than a sample"),
        ([{}, {"sample_rate": RATE}], {"duration": 0.0001}, r"0\.001 s or more"),
    ):
        with pytest.raises(MistakeError, match=message):
            rule({"takes": facts}, {**asked, **more})


def test_a_pool_tells_the_most_that_its_shortest_segment_can_last() -> None:
    rule = NodeSpec("takes_pool", takes_pool, "").mark.facts
    assert rule is not None
    asked: dict[str, Any] = {"duration": None, "samples": None, "iterates": None}
    known = {"sample_rate": RATE, "duration": 0.06}
    assert rule({"takes": [known, {"sample_rate": RATE}]}, asked)["value"]["shortest"] == 0.06
    assert rule({"takes": [known]}, {**asked, "duration": 0.02})["value"]["shortest"] == 0.02
    assert rule({"takes": [known]}, {**asked, "samples": 50})["value"]["shortest"] == 0.05
    assert "shortest" not in rule({"takes": [{}]}, {**asked, "samples": 50})["value"]
