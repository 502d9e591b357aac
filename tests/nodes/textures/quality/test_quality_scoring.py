import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.measuring import statistics_of
from nodes.textures.quality.scoring import averages, compared, scores_of, scores_of_halves
from nodes.textures.stretches import MOVING, measured, stretches_of
from nodes.values.audio import Audio

RATE = 8000
MODEL = AuditoryModel(RATE, highest=4000.0)


def noise(seconds, seed=0, channels=1):
    found = 0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * RATE)))
    return found.astype(np.float32)


@pytest.fixture(scope="module")
def wanted():
    return {name: values[..., None] for name, values in averages(noise(3), MODEL, "cpu").items()}


def changed(wanted, name, error):
    return wanted | {name: wanted[name] + error}


@settings(deadline=None)
@given(st.floats(1e-3, 10), st.floats(1, 100))
def test_the_ratio_is_that_of_squares_and_is_capped(wanted, size, cap):
    name = "envelope_variation"
    counted = MODEL.significance({key: values[..., 0] for key, values in wanted.items()})[name] > 0
    error = size * np.random.default_rng(0).standard_normal(wanted[name].shape)
    found = compared(MODEL, changed(wanted, name, error), wanted, {}, {}, cap)
    expected = 10 * np.log10(np.square(wanted[name][counted]).sum() / np.square(error[counted]).sum())
    assert found.ratio[name] == pytest.approx(min(expected, cap))
    assert all(ratio == cap for other, ratio in found.ratio.items() if other != name)


def test_bands_30_db_below_the_strongest_do_not_count(wanted):
    quiet = changed(wanted, "band_power", 0)
    quiet["band_power"][0, 3] = 1e-4 * quiet["band_power"].max()
    error = np.zeros_like(wanted["envelope_kurtosis"])
    error[0, 3] = 100
    assert (
        compared(MODEL, changed(quiet, "envelope_kurtosis", error), quiet, {}, {}, 30).ratio["envelope_kurtosis"] == 30
    )
    assert (
        compared(MODEL, changed(wanted, "envelope_kurtosis", error), wanted, {}, {}, 30).ratio["envelope_kurtosis"] < 0
    )


def test_what_has_weight_0_does_not_count(wanted):
    name = "envelope_skewness"
    free = {name: np.zeros_like(wanted[name])}
    found = compared(MODEL, changed(wanted, name, 1.0), wanted, free, {}, 30)
    assert np.isnan([found.ratio[name], found.error[name]]).all()
    assert found.ratio["envelope_mean"] == 30


def test_errors_are_told_in_deviations_and_as_rms(wanted):
    name = "envelope_correlation"
    deviations = {name: np.full(wanted[name].shape[:2], 0.05)}
    found = compared(MODEL, changed(wanted, name, 0.1), wanted, {}, deviations, 30)
    assert found.deviations[name] == pytest.approx(2)
    assert found.error[name] == pytest.approx(0.1)
    assert np.isnan(found.error["band_power"])
    assert np.isnan(found.deviations["envelope_mean"])


def test_the_same_sound_has_the_highest_ratio_and_halves_of_noise_differ_by_a_few_deviations():
    audio = Audio(noise(6), RATE)
    statistics = statistics_of(audio, MODEL)
    same = scores_of(audio.samples, statistics, [(0, 0)], 30, "cpu")
    assert set(same.ratio.values()) == {30}
    halves = scores_of_halves(audio.samples, statistics, 30, "cpu")
    assert max(halves.ratio.values()) < 30 or min(halves.ratio.values()) < 25
    assert all(
        0.5 < value < 4 for value in halves.deviations.values()
    )  # two halves differ by √4 deviations of the whole


def test_a_sound_too_short_for_halves_has_no_natural_scores():
    audio = Audio(noise(0.3), RATE)
    found = scores_of_halves(audio.samples, statistics_of(audio, MODEL), 30, "cpu")
    assert np.isnan(list(found.ratio.values())).all()


def test_moving_statistics_are_compared_stretch_by_stretch():
    sound = noise(12)
    sound *= np.linspace(0.1, 2, sound.shape[1], dtype=np.float32)
    statistics = statistics_of(Audio(sound, RATE), MODEL)
    layout = stretches_of(MODEL, sound.shape[1], MOVING)
    found = measured(sound, MODEL, "cpu", layout)
    moving = dataclasses.replace(statistics, classes=found, weights={}, times=layout.centres)
    assert scores_of(sound, moving, [(0, 0)], 30, "cpu").ratio["band_power"] == 30
    back = sound[:, ::-1].copy()
    assert scores_of(back, moving, [(0, 0)], 30, "cpu").ratio["band_power"] < 10
    assert scores_of(back, statistics, [(0, 0)], 30, "cpu").ratio["band_power"] > 15


def test_channels_are_scored_each_and_averaged():
    both = np.concatenate([noise(3), noise(3, 1)])
    statistics = statistics_of(Audio(both, RATE), MODEL)
    crossed = scores_of(both[::-1].copy(), statistics, [(0, 0), (1, 1)], 30, "cpu").ratio
    uncrossed = scores_of(both[::-1].copy(), statistics, [(0, 1), (1, 0)], 30, "cpu").ratio
    one = [scores_of(both[own : own + 1], statistics, [(0, 1 - own)], 30, "cpu").ratio for own in (0, 1)]
    assert set(uncrossed.values()) == {30}
    assert crossed["modulation_power"] == pytest.approx(np.mean([each["modulation_power"] for each in one]), abs=1e-3)


def test_silence_against_a_texture_is_0_db_or_less():
    statistics = statistics_of(Audio(noise(3), RATE), MODEL)
    found = scores_of(np.zeros((1, 3 * RATE), np.float32), statistics, [(0, 0)], 30, "cpu")
    assert found.ratio["band_power"] == pytest.approx(0, abs=0.01)
    assert np.isfinite(list(found.ratio.values())).all()
