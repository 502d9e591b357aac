"""Sounds at the edges of what `dbm_decompose` takes, beyond those of its own tests."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
from contexts import make_context

from nodes.dictionaries.node.decomposing import dbm_decompose
from nodes.dictionaries.rebuilding import rebuilt
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError

TEN = [64 << number for number in range(10)]


def decomposed(samples, folder: Path, sample_rate: int = 44100, **parameters):
    audio = Audio(np.atleast_2d(samples).astype(np.float32), sample_rate)
    return dbm_decompose(audio, context=make_context(folder), **parameters)


def snr_of(sound: np.ndarray, residual: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(sound.astype(float) ** 2) / np.sum(residual.astype(float) ** 2)))


def drops(length: int, sample_rate: int, channels: int = 1, every: float = 2.0) -> np.ndarray:
    """Decaying tones, each of a frequency of its own, one after another."""
    generator, sound = np.random.default_rng(0), np.zeros((channels, length), np.float32)
    after = np.arange(round(0.4 * sample_rate)) / sample_rate
    for start in range(0, length - len(after), round(every * sample_rate)):
        tone = np.sin(2 * np.pi * generator.uniform(0.02, 0.45) * sample_rate * after) * np.exp(-after / 0.08)
        sound[:, start : start + len(after)] += generator.uniform(-0.7, 0.7, (channels, 1)) * tone
    return sound


def adds_up(found, sound: np.ndarray) -> bool:
    return bool(np.allclose(rebuilt(found.book) + found.residual.samples, sound, rtol=0, atol=1e-5))


@pytest.mark.slow
def test_ten_scales_at_once(tmp_path):
    sound = drops(132_300, 44100, every=0.5)
    found = decomposed(sound, tmp_path, scales=TEN, atoms=600)
    assert adds_up(found, sound)
    assert set(np.unique(found.book.lengths)) <= set(TEN)
    assert len(np.unique(found.book.lengths)) > 4
    few = decomposed(sound, tmp_path, scales=TEN[3:5], atoms=600)
    assert snr_of(sound, found.residual.samples) > snr_of(sound, few.residual.samples)


@pytest.mark.parametrize("kind", ["together", "apart"])
def test_8_channels_with_eight_scales_of_a_second(tmp_path, kind):
    sound = drops(8000, 8000, channels=8, every=0.3)
    sound[5] = 0
    found = decomposed(sound, tmp_path, 8000, scales=TEN[:8], atoms=40, channels=kind)
    assert found.book.channels == 8
    assert adds_up(found, sound)
    assert not found.residual.samples[5].any()
    assert found.book.count == (40 if kind == "together" else 7 * 40)


@pytest.mark.parametrize("frequency", [50, 441, 5512.5])
def test_squares_of_full_scale_at_long_scales(tmp_path, frequency):
    sound = np.sign(np.sin(2 * np.pi * frequency * (np.arange(44100) + 0.5) / 44100))
    found = decomposed(sound, tmp_path, scales=[512, 8192, 32768], snr=20)
    assert snr_of(sound, found.residual.samples) >= 20
    assert adds_up(found, sound)


@pytest.mark.parametrize("level", [1.0, -1.0, 1e-6])
def test_a_second_that_is_constant_in_any_level(tmp_path, level):
    sound = np.full((1, 44100), level)
    found = decomposed(sound, tmp_path, snr=30)
    assert snr_of(sound, found.residual.samples) >= 30
    inside = (found.book.starts > 8192) & (found.book.starts + found.book.lengths < 44100 - 8192)
    loud = found.book.energies > 1e-3 * found.book.energies.max()
    assert (found.book.frequencies[inside & loud] == 0).any()
    assert found.book.frequencies[inside & loud].max() < 8 / 8192


def test_an_offset_is_told_from_what_sounds(tmp_path):
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100)
    found = decomposed(tone + 0.5, tmp_path, snr=40)
    high = found.book.taken(found.book.frequencies * 44100 > 500)
    middle = slice(12_000, 32_000)
    assert snr_of(tone[middle], rebuilt(high)[0, middle] - tone[middle]) > 20


@pytest.mark.parametrize("length", [1, 2, 31, 63, 64, 65, 8191, 8193])
def test_lengths_around_those_of_scales(tmp_path, length):
    sound = np.random.default_rng(length).uniform(-1, 1, (1, length))
    found = decomposed(sound, tmp_path, scales=[64, 8192], snr=10)
    assert snr_of(sound, found.residual.samples) >= 10
    assert adds_up(found, sound)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_levels_change_nothing_but_weights(tmp_path, scale):
    sound = drops(22050, 44100, every=0.1)
    one, other = (decomposed(sound * factor, tmp_path, atoms=50).book for factor in (1.0, scale))
    np.testing.assert_array_equal(one.starts, other.starts)
    np.testing.assert_allclose(other.weights / scale, one.weights, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("place", [0, 44_099])
def test_what_is_no_number_at_either_end_is_told_with_its_time(tmp_path, place):
    sound = np.zeros((3, 44100))
    sound[2, place] = -np.inf
    with pytest.raises(MistakeError, match=f"{place / 44100:.6g} s in channel 3"):
        decomposed(sound, tmp_path)


def hour(folder: Path, sample_rate: int):
    """An hour decomposed, and by how many bytes the peak of the memory rose."""
    sound = drops(3600 * sample_rate, sample_rate, every=5.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = decomposed(sound, folder, sample_rate, scales=[256, 1024, 4096], rate=4.0)
    rose = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    counts = np.histogram(found.book.centres, bins=6, range=(0, 3600))[0]
    assert 0.9 * 4 * 3600 <= found.book.count <= 4 * 3600
    assert counts.min() > 0.5 * counts.max()
    assert snr_of(sound, found.residual.samples) > 10
    assert adds_up(found, sound)
    return rose


@pytest.mark.slow
@pytest.mark.parametrize("sample_rate", [2000, 8000])
def test_an_hour_takes_no_more_memory_than_its_blocks(tmp_path, sample_rate):
    assert hour(tmp_path, sample_rate) < 1.2e9
