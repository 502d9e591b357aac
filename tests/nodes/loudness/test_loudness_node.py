"""The node `loudness` and the value it gives: numbers, text, picture, storage."""

from __future__ import annotations

import json
import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nodes.loudness.node import loudness
from nodes.loudness.value import Loudness
from nodes.values import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.value import pack, unpack


def sine(level: float = -23.0, seconds: float = 5.0, channels: int = 2, rate: int = 48000) -> Audio:
    wave = 10 ** (level / 20) * np.sin(2 * np.pi * 1000 * np.arange(round(seconds * rate)) / rate)
    return Audio(np.tile(wave.astype(np.float32), (channels, 1)), rate)


SILENCE = Audio(np.zeros((14, 48000), np.float32), 48000)
ONE = Audio(np.ones((1, 1), np.float32), 192_000)
EMPTY = Audio(np.zeros((2, 0), np.float32), 44100)


def facts(inputs: dict[str, Any], weights: list[float] | None) -> dict[str, Any]:
    rule = NodeSpec("loudness", loudness, "").mark.facts
    assert rule is not None
    return dict(rule(inputs, {"weights": weights}))


def test_the_numbers_of_a_sine() -> None:
    found = loudness(sine())
    assert found.integrated == pytest.approx(-23.0, abs=0.05)
    assert found.true_peak == pytest.approx(-23.0, abs=0.05)
    assert found.sample_peak == pytest.approx(-23.0, abs=0.001)
    assert found.range == pytest.approx(0.0, abs=0.01)
    assert (len(found.momentary), len(found.short_term)) == (47, 21)
    assert found.describe() == "Loudness, -23.0 LUFS, 0.0 LU, -23.0 dBTP"


def test_the_same_numbers_are_recorded_of_a_sound_and_of_its_loudness() -> None:
    assert loudness(sine()).measure() == sine().measure()
    assert set(sine().measure()) == {"peak_dbfs", "true_peak_dbtp", "integrated_lufs", "loudness_range_lu"}


def test_silence_is_said_and_only_finite_numbers_are_recorded() -> None:
    found = loudness(SILENCE)
    assert found.integrated == found.true_peak == found.sample_peak == -math.inf
    assert found.measure() == SILENCE.measure() == {"loudness_range_lu": 0.0}
    assert "-∞ LUFS" in found.text()
    assert json.loads(json.dumps(found.measure(), allow_nan=False)) == found.measure()


@pytest.mark.parametrize("audio", [sine(), SILENCE, ONE, EMPTY, sine(seconds=0.5, channels=14, rate=192_000)])
def test_it_writes_a_text_and_a_picture_at_all_edges(audio: Audio, tmp_path: Path) -> None:
    found = loudness(audio)
    text, picture = found.write(tmp_path, "loudness")
    assert text.read_text(encoding="utf-8") == found.text()
    once = picture.read_bytes()
    assert once.startswith(b"\x89PNG")
    found.write(tmp_path, "loudness")
    assert picture.read_bytes() == once


@pytest.mark.parametrize("audio", [sine(), SILENCE, ONE])
def test_it_is_stored_without_loss(audio: Audio) -> None:
    found = loudness(audio)
    tree, arrays = pack(found)
    again = unpack(json.loads(json.dumps(tree)), arrays)
    assert isinstance(again, Loudness) and again.text() == found.text()
    np.testing.assert_array_equal(again.momentary, found.momentary)
    assert found.momentary.dtype == np.float32


def test_weights_count_by_channel() -> None:
    both, left = loudness(sine()), loudness(sine(), weights=[1.0, 0.0])
    assert both.integrated - left.integrated == pytest.approx(3.01, abs=0.01)
    assert loudness(sine(channels=5)).integrated - both.integrated == pytest.approx(10 * np.log10(5.82 / 2), abs=0.01)


@pytest.mark.parametrize("weights", [[], [1.0], [1.0] * 3])
def test_a_wrong_number_of_weights_is_a_mistake_before_anything_runs(weights: list[float]) -> None:
    with pytest.raises(MistakeError, match="one weight for each channel"):
        facts({"audio": {"channels": 2}}, weights)
    with pytest.raises(MistakeError, match="one weight for each channel"):
        loudness(sine(seconds=0.1), weights=weights)
    assert facts({"audio": None}, weights) == facts({"audio": {"channels": 2}}, None) == {"value": {}}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_broken_sound_is_a_mistake(bad: float) -> None:
    audio = sine()
    audio.samples[1, 24000] = bad
    with pytest.raises(MistakeError, match="not a finite number") as caught:
        loudness(audio)
    assert "0.5 s in channel 2" in str(caught.value)


def test_a_read_only_long_sound_is_measured_in_little_memory() -> None:
    audio = Audio(np.broadcast_to(sine(seconds=60).samples[:1], (2, 48000 * 60)), 48000)
    tracemalloc.start()
    found = loudness(audio)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25e6
    assert found.integrated == pytest.approx(-23.0, abs=0.05)
