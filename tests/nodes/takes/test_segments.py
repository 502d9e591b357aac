from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.takes.cutting import count_spans, segment_spans
from nodes.takes.node import segments
from nodes.values import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.value import as_stored

RATE = 1000


def noise(length: int, channels: int = 1, rate: int = RATE) -> Audio:
    return Audio(np.random.default_rng(length).uniform(-1, 1, (channels, length)).astype(np.float32), rate)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.integers(1, 60), st.integers(1, 3), st.sampled_from(["pad", "keep"]))
def test_segments_put_together_are_the_sound(
    tmp_path_factory: pytest.TempPathFactory, length: int, size: int, channels: int, rest: Any
) -> None:
    audio = noise(length, channels)
    cut = segments(audio, samples=size, rest=rest, context=make_context(tmp_path_factory.mktemp("cut")))
    whole = np.concatenate(cut.samples, axis=1)
    np.testing.assert_array_equal(whole[:, :length], audio.samples)
    assert not whole[:, length:].any()
    assert {samples.shape[1] for samples in cut.samples[:-1]} <= {size}
    assert cut.samples[-1].shape[1] == (size if rest == "pad" else length - size * (len(cut) - 1))
    assert cut.labels == tuple(str(number) for number in range(1, len(cut) + 1))
    assert as_stored(cut).describe() == cut.describe()


@given(st.integers(1, 500), st.integers(1, 50), st.integers(1, 80))
def test_segments_cover_all_that_their_hop_reaches(length: int, size: int, hop: int) -> None:
    found = segment_spans(length, size, hop, "pad")
    assert [start for start, _ in found] == [number * hop for number in range(len(found))]
    assert all(start < length for start, _ in found)
    assert found[-1][1] + max(0, hop - size) >= length
    assert all(stop < length for _, stop in found[:-1])
    kept, dropped = segment_spans(length, size, hop, "keep"), [span for span in found if span[1] <= length]
    assert kept == [(start, min(stop, length)) for start, stop in found]
    assert not dropped or segment_spans(length, size, hop, "drop") == dropped


@given(st.integers(1, 60), st.integers(0, 500), st.sampled_from(["pad", "keep", "drop"]))
def test_a_count_gives_that_many_equal_segments(count: int, more: int, rest: Any) -> None:
    length = count * count + more
    found = count_spans(length, count, rest)
    sizes = [stop - start for start, stop in found]
    assert len(found) == count and len(set(sizes[:-1])) <= 1
    assert sizes[-1] == sizes[0] or rest == "keep"


def test_a_power_of_two_is_cut_to_the_sample(tmp_path: Path) -> None:
    audio = noise(2**18 * 2 + 7, rate=44100)
    cut = segments(audio, duration=2**18 / 44100, rest="drop", context=make_context(tmp_path))
    assert [samples.shape for samples in cut.samples] == [(1, 2**18)] * 2


@pytest.mark.parametrize("audio", [noise(1), noise(3, 14, 192_000), Audio(np.zeros((2, 8), np.float32), 44100)])
def test_edges_are_cut(audio: Audio, tmp_path: Path) -> None:
    cut = segments(audio, count=1, context=make_context(tmp_path))
    np.testing.assert_array_equal(cut.samples[0], audio.samples)


@pytest.mark.parametrize(
    ("audio", "arguments", "message"),
    [
        (noise(9), {}, "the segments have no length"),
        (noise(9), {"samples": 3, "count": 2}, "more than one way"),
        (noise(9), {"duration": 0.0001}, r"less than a sample(.|\n)*0\.001 s or more"),
        (noise(9), {"samples": 10, "rest": "drop"}, "shorter than a segment"),
        (noise(0), {"samples": 10}, "nothing to cut"),
        (noise(9), {"count": 3, "hop": 0.001}, "a hop does not go with a count"),
        (noise(9), {"count": 10}, "too short for 10 equal segments"),
        (noise(20_000), {"samples": 1}, "20000 segments"),
        (Audio(np.full((1, 9), np.nan, np.float32), RATE), {"count": 3}, "nan at 0 s"),
    ],
)
def test_mistakes_name_what_is_wrong(audio: Audio, arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match=message):
        segments(audio, context=make_context(tmp_path), **arguments)


def test_labels_are_known_where_the_duration_is() -> None:
    rule = NodeSpec("segments", segments, "").mark.facts
    assert rule is not None
    asked = {"duration": 2.0, "samples": None, "count": None, "hop": None, "rest": "pad"}
    known = {"sample_rate": RATE, "channels": 3}
    assert rule({"audio": {**known, "duration": 5.0}}, asked) == {
        "value": {**known, "labels": ("1", "2", "3"), "duration": 2.0}
    }
    cut = rule({"audio": {**known, "duration": 5.0}}, {**asked, "rest": "keep"})["value"]
    assert len(cut["labels"]) == 3 and "duration" not in cut
    for name in ("duration", "hop"):
        for audio in ({}, known):
            with pytest.raises(MistakeError, match="less than a sample"):
                rule({"audio": audio}, {**asked, name: 0.0})
    assert rule({"audio": known}, asked) == {"value": known}
    with pytest.raises(MistakeError, match="more than one way"):
        rule({"audio": {}}, {**asked, "count": 3})
