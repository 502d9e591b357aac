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


def test_bands_50_db_below_the_strongest_do_not_count(wanted):
    quiet = changed(wanted, "band_power", 0)
    error = np.zeros_like(wanted["envelope_kurtosis"])
    error[0, 3] = 100
    for level, counts in ((1e-6, False), (1e-4, True), (1, True)):
        quiet["band_power"][0, 3] = level * wanted["band_power"].max()
        found = compared(MODEL, changed(quiet, "envelope_kurtosis", error), quiet, {}, {}, 30)
        assert (found.ratio["envelope_kurtosis"] < 0) == counts
        assert counts or found.ratio["envelope_kurtosis"] == 30


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
    halves = scores_of_halves(audio.samples, statistics, [0], 30, "cpu")
    assert max(halves.ratio.values()) < 30 or min(halves.ratio.values()) < 25
    assert all(
        0.5 < value < 4 for value in halves.deviations.values()
    )  # two halves differ by √4 deviations of the whole


def test_a_sound_too_short_for_halves_has_no_natural_scores():
    audio = Audio(noise(0.3), RATE)
    found = scores_of_halves(audio.samples, statistics_of(audio, MODEL), [0], 30, "cpu")
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


def related(channels, seconds=3, seed=0):
    """Return noises, each of which has half of its power from the one before."""
    found = [0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))]
    for row in range(1, channels):
        fresh = 0.1 * np.random.default_rng((seed, row)).standard_normal(len(found[0]))
        found.append((found[-1] + fresh) / np.sqrt(2))
    return np.stack(found).astype(np.float32)


def test_what_channels_have_in_common_has_a_ratio_deviations_and_an_error():
    source = Audio(related(2, 6), RATE)
    statistics = statistics_of(source, MODEL)
    pairs = [(0, 0), (1, 1)]
    same = scores_of(source.samples, statistics, pairs, 30, "cpu")
    alike = scores_of(related(2, 6, 1), statistics, pairs, 30, "cpu")
    apart = scores_of(noise(6, 3, 2), statistics, pairs, 30, "cpu")
    halves = scores_of_halves(source.samples, statistics, [0, 1], 30, "cpu")
    for name in MODEL.linked:
        assert same.ratio[name] == 30 > alike.ratio[name] > 8 > 1 > apart.ratio[name]
        assert halves.ratio[name] > 8
        assert 0.3 < alike.deviations[name] < 3 < apart.deviations[name]
        assert alike.error[name] < 0.15 < 0.3 < apart.error[name]


def test_a_source_of_one_channel_says_nothing_of_what_several_have_in_common():
    statistics = statistics_of(Audio(noise(3), RATE), MODEL)
    found = scores_of(noise(3, 1, 2), statistics, [(0, 0), (1, 0)], 30, "cpu")
    assert found.ratio.keys() == statistics.classes.keys()
    assert not found.ratio.keys() & set(MODEL.linked)


def test_channels_are_compared_with_their_own_neighbours_also_where_some_are_left_out():
    sounds = related(4)
    sounds[1] = 0
    statistics = statistics_of(Audio(sounds, RATE), MODEL)
    heard = [0, 2, 3]
    other = sounds.copy()
    other[1] = noise(3, 9)
    found = scores_of(other, statistics, [(row, row) for row in heard], 30, "cpu")
    assert set(found.ratio.values()) == {30}  # though what 1 has in common with 2 is another
    halves = scores_of_halves(sounds, statistics, heard, 30, "cpu")
    assert all(np.isfinite(halves.ratio[name]) for name in MODEL.linked)
    alone = sounds[:2]
    found = scores_of(alone, statistics_of(Audio(alone, RATE), MODEL), [(0, 0)], 30, "cpu")
    assert all(np.isnan(found.ratio[name]) for name in MODEL.linked)
    assert found.ratio["envelope_mean"] == 30


def test_silence_against_a_texture_is_0_db_or_less():
    statistics = statistics_of(Audio(noise(3), RATE), MODEL)
    found = scores_of(np.zeros((1, 3 * RATE), np.float32), statistics, [(0, 0)], 30, "cpu")
    assert found.ratio["band_power"] == pytest.approx(0, abs=0.01)
    assert np.isfinite(list(found.ratio.values())).all()
