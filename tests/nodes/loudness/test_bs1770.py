"""Loudness against closed forms, the EBU's synthetic cases, and ffmpeg's ebur128 filter."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import sosfreqz

from nodes.loudness import bs1770
from nodes.loudness.bs1770 import channel_weights, gated_loudness, loudness_range, measure, summary
from nodes.loudness.peaks import interpolators, peaks
from nodes.loudness.weighting import HIGH_PASS, SHELF, k_weighting, weighted

SOUNDS = sorted(
    path
    for path in (Path(__file__).parents[3] / "sounds").rglob("*")
    if path.suffix in {".flac", ".ogg", ".wav"} and soundfile.info(path).duration > 8
)
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
Array = np.ndarray[Any, Any]


def sine(level: float, seconds: float, rate: int = 48000, frequency: float = 1000.0, channels: int = 2) -> Array:
    wave = 10 ** (level / 20) * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    tiled: Array = np.tile(wave.astype(np.float32), (channels, 1))
    return tiled


def steps(*parts: tuple[float, float]) -> Array:
    return np.concatenate([sine(level, seconds) for level, seconds in parts], axis=1)


def texture(seconds: float, rate: int, channels: int = 2, seed: int = 0) -> Array:
    """Return noise that swells, crackles and falls silent."""
    generator = np.random.default_rng(seed)
    count = round(seconds * rate)
    swell = np.interp(np.arange(count), np.linspace(0, count, 12), generator.uniform(-50, -10, 12))
    noise = np.cumsum(generator.standard_normal((channels, count)), axis=1)
    noise = np.diff(noise, axis=1, prepend=0) + 0.02 * (noise - noise.mean(axis=1, keepdims=True)) / np.sqrt(count)
    samples = 0.3 * noise * 10 ** (swell / 20)
    samples[:, count // 3 : count // 3 + rate // 2] = 0
    clipped: Array = samples.clip(-1, 1).astype(np.float32)
    return clipped


def test_at_48_khz_the_weighting_is_the_published_one() -> None:
    np.testing.assert_allclose(k_weighting(48000), [[*SHELF[0], *SHELF[1]], [*HIGH_PASS[0], *HIGH_PASS[1]]], rtol=1e-12)


@pytest.mark.parametrize("rate", [22050, 32000, 44100, 88200, 96000, 192000])
def test_at_other_rates_the_weighting_has_the_same_response(rate: int) -> None:
    frequencies = np.geomspace(20, min(8000, rate / 5), 60)
    here = np.abs(sosfreqz(k_weighting(rate), frequencies, fs=rate)[1])
    there = np.abs(sosfreqz(k_weighting(48000), frequencies, fs=48000)[1])
    assert np.abs(20 * np.log10(here / there)).max() < (0.15 if rate >= 44100 else 0.5)


@pytest.mark.parametrize("rate", [1, 10, 1000, 4000, 8000, 384_000, 768_000])
def test_the_weighting_is_stable_at_any_rate(rate: int) -> None:
    for section in k_weighting(rate):
        assert np.abs(np.roots(section[3:])).max() < 1


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=5))
def test_blocks_are_weighted_as_one_sound(sizes: list[int]) -> None:
    samples = np.random.default_rng(0).standard_normal((2, sum(sizes))).astype(np.float32)
    whole = next(weighted(iter([samples]), 2, 44100))
    blocks = np.split(samples, np.cumsum(sizes)[:-1], axis=1)
    np.testing.assert_allclose(np.concatenate(list(weighted(iter(blocks), 2, 44100)), axis=1), whole, atol=1e-12)


@pytest.mark.parametrize("rate", [44100, 48000, 88200, 96000, 192000])
def test_a_sine_of_full_scale_in_one_channel_is_minus_three(rate: int) -> None:
    assert measure(sine(0, 5, rate, 997, 1), rate).integrated == pytest.approx(-3.01, abs=0.01)
    assert measure(sine(0, 5, rate, 997, 2), rate).integrated == pytest.approx(0.0, abs=0.01)


# EBU Tech 3341 (2016), table 1: minimum requirements, those cases whose signals are given in words.
TECH_3341 = {
    "1": (steps((-23, 20)), -23.0),
    "2": (steps((-33, 20)), -33.0),
    "3": (steps((-36, 10), (-23, 60), (-36, 10)), -23.0),
    "4": (steps((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0),
    "5": (steps((-26, 20), (-20, 20.1), (-26, 20)), -23.0),
}


@pytest.mark.parametrize("case", TECH_3341)
def test_integrated_loudness_of_the_ebu_cases(case: str) -> None:
    samples, expected = TECH_3341[case]
    assert measure(samples, 48000).integrated == pytest.approx(expected, abs=0.1)


def test_surrounds_count_more_in_the_ebu_case_of_five_channels() -> None:
    levels = (-28, -28, -24, -30, -30)
    samples = np.concatenate([sine(level, 20, channels=1) for level in levels])
    assert measure(samples, 48000).integrated == pytest.approx(-23.0, abs=0.1)
    with_lfe = np.insert(samples, 3, sine(-3, 20, channels=1), axis=0)
    assert measure(with_lfe, 48000).integrated == pytest.approx(-23.0, abs=0.1)


def test_short_term_and_momentary_follow_the_ebu_cases() -> None:
    short = measure(np.tile(steps((-20, 1.34), (-30, 1.66)), (1, 5)), 48000).short_term
    np.testing.assert_allclose(short, -23.0, atol=0.1)
    momentary = measure(np.tile(steps((-20, 0.18), (-30, 0.22)), (1, 25)), 48000).momentary
    np.testing.assert_allclose(momentary[10:], -23.0, atol=0.1)


# EBU Tech 3342 (2016), table 1.
TECH_3342 = {
    "1": (steps((-20, 20), (-30, 20)), 10.0),
    "2": (steps((-20, 20), (-15, 20)), 5.0),
    "3": (steps((-40, 20), (-20, 20)), 20.0),
    "4": (steps((-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)), 15.0),
}


@pytest.mark.parametrize("case", TECH_3342)
def test_loudness_range_of_the_ebu_cases(case: str) -> None:
    samples, expected = TECH_3342[case]
    assert measure(samples, 48000).range == pytest.approx(expected, abs=1.0)


def test_gating_leaves_out_what_is_ten_below() -> None:
    power = 10 ** ((np.array([-20.0] * 10 + [-34.0] * 10 + [-80.0] * 100) + 0.691) / 10)
    assert gated_loudness(power) == pytest.approx(-20.0)
    assert gated_loudness(power[10:]) == pytest.approx(-34.0)
    assert gated_loudness(power[20:]) == -math.inf


@given(st.floats(-60, 20), st.integers(0, 5))
def test_loudness_moves_with_the_level(gain: float, seed: int) -> None:
    power = 10 ** (np.random.default_rng(seed).uniform(-4.5, -3.5, 50))
    moved = power * 10 ** (gain / 10)
    if gain > -20:
        assert gated_loudness(moved) - gated_loudness(power) == pytest.approx(gain)
        assert loudness_range(moved) == pytest.approx(loudness_range(power))


def test_a_sample_rate_that_ten_does_not_divide_is_measured_too() -> None:
    found = measure(sine(-23, 20, 11025), 11025)
    assert found.integrated == pytest.approx(-23.0, abs=0.15)
    assert len(found.momentary) == 197 and len(found.short_term) == 171


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 96000])
def test_a_sound_measures_the_same_at_every_rate_that_holds_it(rate: int) -> None:
    narrow = min(rate, 48000)
    samples = soxr.resample(texture(12, 44100).T, 44100, narrow, quality="VHQ")
    here = np.ascontiguousarray(soxr.resample(samples, narrow, rate, quality="VHQ").T)
    reference = np.ascontiguousarray(soxr.resample(samples, narrow, 48000, quality="VHQ").T)
    found, expected = measure(here, rate), measure(reference, 48000)
    assert found.integrated == pytest.approx(expected.integrated, abs=0.15)
    assert found.range == pytest.approx(expected.range, abs=0.15)


def test_weights_replace_the_layout() -> None:
    samples = sine(-23, 5, channels=6)
    assert channel_weights(14) == (1.0,) * 14
    assert measure(samples, 48000).integrated == pytest.approx(-23 + 10 * np.log10(5.82 / 2), abs=0.05)
    one = measure(samples, 48000, [0, 0, 0, 1, 0, 0]).integrated
    assert one == pytest.approx(-26.01, abs=0.05)
    assert measure(samples, 48000, [0.0] * 6).integrated == -math.inf


def test_blocks_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = texture(10, 44100)
    whole = measure(samples, 44100)
    monkeypatch.setattr(bs1770, "BLOCK", 5000)
    np.testing.assert_allclose(measure(samples, 44100).momentary, whole.momentary, atol=1e-9)


def test_silence_is_minus_infinity_without_a_range() -> None:
    found = measure(np.zeros((2, 48000 * 4), np.float32), 48000)
    assert found.integrated == -math.inf and found.range == 0.0
    assert (found.momentary == -math.inf).all() and (found.short_term == -math.inf).all()
    assert summary(np.zeros((2, 48000), np.float32), 48000) == {"loudness_range_lu": 0.0}


def test_silence_after_sound_is_minus_infinity_again() -> None:
    found = measure(np.pad(sine(0, 1), ((0, 0), (0, 48000 * 20))), 48000)
    assert found.momentary[-1] == -math.inf


@pytest.mark.parametrize("length", [1, 100, 4000])
def test_a_sound_shorter_than_a_block_counts_as_one(length: int) -> None:
    samples = np.full((1, length), 0.5, np.float32)
    power = np.mean(next(weighted(iter([samples]), 1, 48000)) ** 2)
    found = measure(samples, 48000)
    assert found.integrated == pytest.approx(-0.691 + 10 * np.log10(power))
    assert found.range == 0.0 and not len(found.momentary) and not len(found.short_term)


def test_no_sample_at_all_is_silence() -> None:
    assert measure(np.zeros((2, 0), np.float32), 48000).integrated == -math.inf
    assert summary(np.zeros((2, 0), np.float32), 48000) == {"loudness_range_lu": 0.0}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_broken_sound_has_no_levels(bad: float) -> None:
    samples = sine(-20, 1)
    samples[1, 30_000] = bad
    assert summary(samples, 48000) == {}


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 14), st.integers(1, 20_000), st.sampled_from([7, 100, 8000, 44100, 192_000]), st.integers(0, 9))
def test_every_sound_has_finite_levels(channels: int, length: int, rate: int, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, (channels, length)).astype(np.float32)
    found = summary(samples, rate)
    assert all(math.isfinite(level) for level in found.values())
    assert found["true_peak_dbtp"] >= found["peak_dbfs"]


@pytest.mark.parametrize(("rate", "factor"), [(44100, 4), (96_000, 2)])
@pytest.mark.parametrize("phase", [0.0, 45.0, 60.0, 67.5])
def test_true_peak_finds_the_top_between_samples(rate: int, factor: int, phase: float) -> None:
    """EBU Tech 3341, cases 15 to 18: a quarter of the sample rate at several phases, +0.2/-0.4 dB."""
    time = np.arange(rate // 2)
    wave = (0.5 * np.sin(np.pi / 2 * time + np.deg2rad(phase)))[None].astype(np.float32)
    wave[:, :1000] *= np.hanning(2000)[:1000].astype(np.float32)
    wave[:, -1000:] *= np.hanning(2000)[1000:].astype(np.float32)
    tolerance = (-0.4, 0.2) if factor == 4 else (-0.8, 0.2)
    error = 20 * np.log10(peaks(wave, rate)[1] / 0.5)
    assert tolerance[0] <= error <= tolerance[1]


def test_interpolation_is_that_of_a_band_limited_sound() -> None:
    dense = np.sin(2 * np.pi * 0.11 * np.arange(0, 400, 0.25)) * np.hanning(1600)
    between = np.array([np.convolve(dense[::4], row[::-1], "valid") for row in interpolators(4)])
    expected = np.array([dense[4 * 11 + part :: 4][: between.shape[1]] for part in (1, 2, 3)])
    np.testing.assert_allclose(between, expected, atol=2e-3)


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=50), st.integers(0, 5000))
def test_true_peak_does_not_depend_on_the_place_in_the_sound(values: list[float], offset: int) -> None:
    sound = np.array([values], np.float32)
    placed = np.pad(sound, ((0, 0), (offset, 100)))
    assert peaks(placed, 44100)[0] == peaks(sound, 44100)[0]
    assert peaks(np.pad(placed, ((0, 0), (3000, 0))), 44100)[1] == pytest.approx(peaks(placed, 44100)[1], abs=1e-5)


def test_true_peak_sees_what_swings_out_before_the_first_sample() -> None:
    sound = np.array([[-0.75, 0.5]], np.float32)
    before = np.array([[0, 0, 0, -0.75, 0.5]], np.float32)
    assert peaks(sound, 44100)[1] == pytest.approx(peaks(before, 44100)[1])
    assert peaks(sound, 44100)[1] > 0.76


def ffmpeg_levels(path: Path) -> list[float]:
    command = ["ffmpeg", "-nostats", "-i", str(path), "-af", "ebur128=peak=true+sample", "-f", "null", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    text = text[text.rindex("Summary:") :]
    patterns = (r"I:\s+(\S+) LUFS", r"LRA:\s+(\S+) LU", r"True peak:\s+Peak:\s+(\S+)", r"Sample peak:\s+Peak:\s+(\S+)")
    found = [re.search(pattern, text) for pattern in patterns]
    return [float(match[1]) for match in found if match]


def compare_with_ffmpeg(path: Path) -> None:
    """ffmpeg rounds to 0.1, and counts the incomplete windows of the first 3 s: the range of a short sound differs."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    found = summary(np.ascontiguousarray(samples.T), rate)
    integrated, spread, true_peak, sample_peak = ffmpeg_levels(path)
    assert found["integrated_lufs"] == pytest.approx(integrated, abs=0.1)
    if len(samples) >= 60 * rate:
        assert found["loudness_range_lu"] == pytest.approx(spread, abs=0.2)
    assert found["true_peak_dbtp"] == pytest.approx(true_peak, abs=0.2)
    assert found["peak_dbfs"] == pytest.approx(sample_peak, abs=0.06)


@needs_ffmpeg
@pytest.mark.parametrize(("rate", "channels"), [(44100, 1), (48000, 2), (96_000, 1)])
def test_ffmpeg_measures_the_same_of_generated_sound(rate: int, channels: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", texture(60, rate, channels, 1).T, rate, subtype="FLOAT")
    compare_with_ffmpeg(tmp_path / "a.wav")


@needs_ffmpeg
def test_ffmpeg_measures_the_same_of_surround_sound(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", texture(20, 48000, 6).T, 48000, format="WAVEX", subtype="FLOAT")
    compare_with_ffmpeg(tmp_path / "a.wav")


@needs_ffmpeg
@pytest.mark.parametrize("path", SOUNDS, ids=lambda path: path.stem)
def test_ffmpeg_measures_the_same_of_recordings(path: Path) -> None:
    if soundfile.info(path).samplerate < 44100:
        pytest.skip("ffmpeg's weighting is louder by 0.1 to 0.25 dB below 22 kHz")
    compare_with_ffmpeg(path)
