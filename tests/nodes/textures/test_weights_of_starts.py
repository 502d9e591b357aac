"""What is weighted with 0 is left alone from the first sound on, and what counts is reached beside it."""

import dataclasses

import numpy as np
import pytest
from contexts import make_context

from nodes.inversion.node import invert
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.bins.model import BinModel
from nodes.textures.measuring import statistics_of
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError

RATE = 8000
MODEL = AuditoryModel(RATE, highest=4000.0, bands=10, modulation_bands=8)
BINS = BinModel(RATE, n_fft=256, hop=64, groups=16, lags=6, longest_lag=0.3)


def crackle(seconds=2.0, seed=0, channels=1):
    draw = np.random.default_rng(seed)
    size = round(seconds * RATE)
    events = (draw.random((channels, size)) < 12 / RATE) * draw.standard_normal((channels, size))
    sounds = [np.convolve(row, np.exp(-np.arange(300) / 40) * draw.standard_normal(300))[:size] for row in events]
    return Audio((0.2 * np.array(sounds) + 0.002 * draw.standard_normal((channels, size))).astype(np.float32), RATE)


def made(tmp_path, target, **parameters):
    return invert([target], context=make_context(tmp_path / "made", 3), **({"iterations": 0} | parameters)).audio


def error(target, audio, name):
    found = statistics_of(audio, target.model).classes[name]
    return float(np.linalg.norm(found - target.classes[name]) / np.linalg.norm(target.classes[name]))


@pytest.mark.parametrize(("model", "name"), [(MODEL, "envelope_correlation"), (BINS, "bin_crosscorrelation")])
def test_a_class_that_weighs_nothing_is_not_imposed(tmp_path, model, name):
    target = statistics_of(crackle(), model)
    usual = error(target, made(tmp_path, target), name)
    free = error(target, made(tmp_path, target, class_weights={name: 0}), name)
    assert usual < 0.5 * free


def test_paths_that_weigh_nothing_are_not_imposed(tmp_path):
    target = statistics_of(crackle(), MODEL)
    bands = [{"frequency": [1000, 4000], "weight": 0.0}]
    usual, free = made(tmp_path / "usual", target), made(tmp_path / "free", target, path_weights=bands)
    wanted, high = target.classes["envelope_kurtosis"][0, :, 0], MODEL.centres > 1100
    far = [
        np.abs(statistics_of(each, MODEL).classes["envelope_kurtosis"][0, :, 0] - wanted)[high].mean()
        for each in (usual, free)
    ]
    assert far[0] < 0.6 * far[1]


def test_the_first_target_that_counts_makes_the_first_sound(tmp_path):
    loud = statistics_of(Audio(10 * crackle(1.0, 1).samples, RATE), MODEL)
    quiet = statistics_of(crackle(1.0, 2), MODEL)
    found = invert([loud, quiet], weights=[0, 1], iterations=0, context=make_context(tmp_path)).audio
    assert error(quiet, found, "band_power") < 0.5


@pytest.mark.parametrize("model", [MODEL, BINS])
def test_where_nothing_counts_at_first_only_levels_are_given(tmp_path, model):
    target = statistics_of(crackle(), model)
    names = target.classes
    rising = {name: np.repeat(target.weights.get(name, np.ones_like(names[name])), 2, -1) for name in names}
    for values in rising.values():
        values[..., 0] = 0.0
    moving = dataclasses.replace(
        target,
        classes={name: np.repeat(values, 2, -1) for name, values in names.items()},
        weights=rising,
        times=np.array([2.5, 2.6]),
    )
    found = made(tmp_path, moving, duration=6.0, iterations=2)
    assert np.isfinite(found.samples).all() and np.square(found.samples).mean() > 0
    nothing = dataclasses.replace(target, weights={name: 0 * values for name, values in names.items()})
    with pytest.raises(MistakeError, match="nothing is left to descend on"):
        made(tmp_path / "nothing", nothing)


@pytest.mark.parametrize("decibels", [0, -40])
def test_a_quiet_channel_does_not_spoil_a_loud_one(tmp_path, decibels):
    sounds = crackle(2.0, channels=2).samples * np.array([[1.0], [10 ** (decibels / 20)]], np.float32)
    target = statistics_of(Audio(sounds, RATE), MODEL)
    found = statistics_of(made(tmp_path, target, iterations=30), MODEL)
    for name in ("envelope_variation", "envelope_correlation", "modulation_power"):
        wanted = target.classes[name]
        for row in range(2):
            assert np.linalg.norm(found.classes[name][row] - wanted[row]) < 0.15 * np.linalg.norm(wanted[row]), name


def test_a_channel_of_which_nothing_counts_stays_as_it_begins(tmp_path):
    target = statistics_of(crackle(1.0, channels=2), MODEL)
    weights = {name: values.copy() for name, values in target.weights.items()}
    for values in weights.values():
        values[1] = 0.0
    half = dataclasses.replace(target, weights=weights)
    apart = dict.fromkeys(target.linked, 0.0)
    before, after = (made(tmp_path / str(n), half, iterations=n, class_weights=apart).samples for n in (0, 6))
    np.testing.assert_array_equal(before[1], after[1])
    assert not np.array_equal(before[0], after[0])


def test_steady_sounds_begin_with_their_lines(tmp_path):
    time = np.arange(2 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * f * time) for f in (300.0, 1130.0, 2500.0))[None] * 0.1
    target = statistics_of(Audio(chord.astype(np.float32), RATE), MODEL)
    assert target.starts == "tonal" and statistics_of(crackle(), MODEL).starts == "statistics"
    found = made(tmp_path, target).samples[0]
    spectrum = np.abs(np.fft.rfft(found)) ** 2
    lines = sum(spectrum[round(2 * f)] for f in (300.0, 1130.0, 2500.0))
    assert lines > 0.9 * spectrum.sum()
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(np.sqrt(np.mean(np.square(chord))), rel=0.1)


def test_sounds_too_short_for_frames_are_refused(tmp_path):
    target = statistics_of(crackle(), BINS)
    with pytest.raises(MistakeError, match=r"(?s)too short.*384 samples"):
        made(tmp_path, target, duration=0.03)
    long_frames = BinModel(RATE, n_fft=8192, hop=2048, groups=16)
    assert statistics_of(crackle(6.0), long_frames).classes["bin_mean"].shape == (1, 16, 1)


def test_statistics_that_move_make_no_steps(tmp_path):
    target = statistics_of(
        Audio(np.random.default_rng(0).normal(0, 0.1, (1, 5 * RATE)).astype(np.float32), RATE), MODEL
    )
    falling = {"band_power": 1e-3, "envelope_mean": 1e-3**0.15}
    moving = dataclasses.replace(
        target,
        classes={n: np.concatenate([v, v * falling.get(n, 1.0)], -1) for n, v in target.classes.items()},
        weights={name: np.repeat(values, 2, -1) for name, values in target.weights.items()},
        times=np.array([0.0, 10.0]),
    )
    found = made(tmp_path, moving, duration=10.0, iterations=4).samples[0]
    levels = 10 * np.log10(np.square(found).reshape(40, -1).mean(1))
    line = np.polyval(np.polyfit(np.arange(40), levels, 1), np.arange(40))
    assert np.polyfit(np.arange(40), levels, 1)[0] == pytest.approx(-0.75, abs=0.12)
    assert np.abs(levels - line).max() < 3
