"""First sounds of texture statistics: their seams, ends, spectra and carriers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from contexts import make_context

from nodes.inversion.node import invert
from nodes.textures import starting
from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.erb import erb_hertz, erb_number, smoothed
from nodes.textures.measuring import statistics_of
from nodes.textures.starting import _closed
from nodes.textures.value import DETAIL
from nodes.values.audio import Audio
from pipelines.workers import set_workers

RATE = 4000
MODEL = AuditoryModel(RATE, highest=2000.0, bands=8, modulation_bands=6)


def noise(channels, seconds, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal((channels, round(seconds * RATE)))


def crackle(seconds, seed=0, channels=1):
    draw, size = np.random.default_rng(seed), round(seconds * RATE)
    events = (draw.random((channels, size)) < 15 / RATE) * draw.standard_normal((channels, size))
    ringing = np.exp(-np.arange(200) / 20) * draw.standard_normal(200)
    sounds = np.array([np.convolve(row, ringing)[:size] for row in events])
    return Audio((0.2 * sounds + 0.003 * draw.standard_normal((channels, size))).astype(np.float32), RATE)


def moments(sounds, first, last):
    """Variation and kurtosis of the envelopes of each band, over those seconds of all sounds together."""
    seconds = sounds.shape[1] / RATE
    measure = MODEL.measurement(sounds.shape[1], seconds, 0.0, "cpu", torch.float64)
    envelopes = measure.front_end(torch.tensor(sounds, dtype=torch.float64)).envelopes.numpy()
    rate = envelopes.shape[2] / seconds
    part = envelopes[:, :, round(first * rate) : round(last * rate)]
    centred = part - part.mean((0, 2), keepdims=True)
    deviation = np.sqrt(np.square(centred).mean((0, 2)))
    return deviation / part.mean((0, 2)), (centred**4).mean((0, 2)) / deviation**4


def first_sound(target, carriers, rows, loop=False):
    shares, weights = target.class_emphasis(), target.emphasis_for(carriers.shape[1])
    shares = {name: share if weights.get(name, np.ones(1)).any() else 0.0 for name, share in shares.items()}
    return starting.first_sound(target, carriers, rows, shares, {}, loop)


@pytest.fixture(scope="module")
def target():
    return statistics_of(crackle(5.0), MODEL)


@pytest.mark.parametrize(
    ("seconds", "channels", "loop"), [(0.3, 2, True), (1.0, 1, False), (7.0, 1, True), (5 / RATE, 1, True)]
)
def test_a_first_sound_is_as_long_as_its_carriers(target, seconds, channels, loop):
    carriers = noise(channels, seconds)
    found = first_sound(target, carriers, [0] * channels, loop)
    assert found.shape == carriers.shape and found.dtype == np.float32 and np.isfinite(found).all()
    np.testing.assert_array_equal(found, first_sound(target, carriers, [0] * channels, loop))


def test_a_first_sound_has_the_fine_structure_of_its_carriers():
    steady = noise(1, 2.0)  # the envelopes of noise ask for little change
    target = statistics_of(Audio(noise(1, 4.0, 1).astype(np.float32), RATE), MODEL)
    found = first_sound(target, steady, [0])
    assert np.corrcoef(found[0], steady[0])[0, 1] > 0.8
    moved = first_sound(target, np.roll(steady, RATE, 1), [0])
    assert np.corrcoef(moved[0], np.roll(found[0], RATE))[0, 1] > 0.6


@pytest.mark.parametrize("common", [0, 2, 60, 300])
def test_a_sound_is_closed_at_the_place_where_it_would_be_cut(common):
    length = 300
    turning = np.sin(2 * np.pi * 3 * np.arange(length + common) / length)[None]
    np.testing.assert_allclose(_closed(turning, common, 400), np.roll(turning[:, :length], -(common // 2)), atol=1e-12)


def test_a_sound_that_does_not_turn_is_closed_without_a_step():
    sound = np.linspace(-1.0, 1.0, 360)[None]
    steps = np.abs(np.diff(np.tile(_closed(sound, 60, 400), 2)))
    assert steps.max() < 2 * 1.6 / 60 and np.argmax(steps[:, :300]) in (*range(20), *range(280, 300))


def test_ends_of_a_texture_are_as_lively_as_its_middle(target, tmp_path):
    sounds = np.concatenate([
        invert([target], iterations=5, duration=1.5, context=make_context(tmp_path / str(seed), seed)).audio.samples
        for seed in range(6)
    ])  # fmt: skip
    middle = moments(sounds, 0.5, 1.0)
    for ends in (moments(sounds, 0, 0.25), moments(sounds, 1.25, 1.5)):
        variation, kurtosis = (np.exp(np.mean(np.log(end / own))) for end, own in zip(ends, middle, strict=True))
        assert 0.75 < variation < 1.25 and 0.65 < kurtosis < 1.5


def test_a_first_sound_follows_statistics_that_move(target):
    quiet = {n: v * {"band_power": 0.01, "envelope_mean": 0.01**0.15}.get(n, 1.0) for n, v in target.classes.items()}
    moving = replace(
        target,
        classes={name: np.concatenate([values, quiet[name]], -1) for name, values in target.classes.items()},
        weights={name: np.repeat(values, 2, -1) for name, values in target.weights.items()},
        times=np.array([0.0, 6.0]),
    )
    parts = np.split(first_sound(moving, noise(1, 6.0), [0])[0], 6)
    levels = 10 * np.log10([np.mean(np.square(part)) for part in parts])
    assert (np.diff(levels) < 1.0).all() and -20 < levels[-1] - levels[0] < -12


@pytest.fixture
def workers():
    yield set_workers
    set_workers(0)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("together", [True, False])
def test_progress_counts_the_stretches_of_all_channels(target, tmp_path, monkeypatch, workers, count, together):
    workers(count)
    monkeypatch.setattr(starting, "_imposed", lambda model, measure, part, *others: part.numpy())
    wide = statistics_of(crackle(4.0, channels=2), MODEL) if together else target
    assert bool(wide.linked) == together
    context = make_context(tmp_path)
    invert([wide], iterations=1, duration=7.0, channels=2, context=context)
    heard = [(done, total) for what, done, total in context.recorder.heard if what == "first sound"]
    (total,) = {total for _, total in heard}
    stretches = len(wide.layout(7 * RATE + 2 * (wide.layout(7 * RATE).edge // 2)).starts)
    assert total == stretches * (1 if together else 2) > 1
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[0] == (0, total) and heard[-1] == (total, total) and len(heard) > 2
    later = [entry for entry in context.recorder.heard if entry[0] == "step"]
    assert context.recorder.heard[-len(later) :] == later == [("step", 0, 1), ("step", 1, 1)]


def test_carriers_of_white_noise_are_white():
    powers = np.random.default_rng(0).exponential(size=(2, 40_001))
    found = smoothed(powers, RATE, DETAIL)
    assert found.shape == powers.shape
    np.testing.assert_allclose(found[:, 4000:-2000], 1, atol=0.2)
    np.testing.assert_allclose(smoothed(np.ones((1, 5000)), 44_100, DETAIL), 1, atol=1e-9)


@pytest.mark.parametrize("frequency", [50.0, 440.0, 1500.0])
def test_a_line_is_spread_over_a_quarter_of_a_bandwidth(frequency):
    bins = np.linspace(0, RATE / 2, 20_001)
    line = np.argmin(np.abs(bins - frequency))
    powers = np.zeros(20_001)
    powers[line] = 1.0
    found = smoothed(powers, RATE, 0.25)
    heard = bins[found > 0]
    ends = erb_hertz(erb_number(frequency) + np.array([-0.125, 0.125]))
    np.testing.assert_allclose(heard[[0, -1]], ends, atol=2 * bins[1])
    assert found.sum() == pytest.approx(1, rel=0.05)


def test_the_spectrum_of_statistics_is_that_of_the_sound_but_for_narrow_lines():
    sound = crackle(4.0)
    target = statistics_of(sound, MODEL)
    spectrum, colour = target.spectrum(), target.colour()
    assert spectrum.shape == colour.shape == (1, sound.length // 2 + 1)
    for found, width in ((spectrum, 2.0), (target.fine(), 0.25)):
        assert found.sum() == pytest.approx(colour.sum(), rel=0.1)
        assert found.max() < 0.5 * colour.max()
        np.testing.assert_array_equal(found, smoothed(colour, RATE, width))
