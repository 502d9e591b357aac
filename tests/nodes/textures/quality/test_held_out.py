import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.signal import hilbert

from nodes.textures.quality.held_out import (
    COMPONENTS,
    Reference,
    envelope_model,
    frechet_distance,
    moment_distance,
    principal_basis,
)
from nodes.textures.quality.mel import level_distance, logarithms, mel_powers, mel_weights, snippet_features
from nodes.textures.quality.scoring import averages

RATE = 16_000


def noise(seconds, seed=0, rate=RATE):
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate)).astype(np.float32)


def points(mean, covariance, seed=0):
    """Return points whose mean and covariance are exactly these."""
    raw = np.random.default_rng(seed).standard_normal((50, len(mean)))
    raw -= raw.mean(0)
    raw = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    return raw @ np.linalg.cholesky(covariance).T + mean


@given(st.lists(st.tuples(*[st.floats(0.01, 10)] * 2, *[st.floats(-5, 5)] * 2), min_size=2, max_size=5))
def test_the_frechet_distance_of_axis_parallel_gaussians_is_that_of_their_means_and_deviations(axes):
    first, second, here, there = (np.array(column) for column in zip(*axes, strict=True))
    expected = np.square(here - there).sum() + np.square(first - second).sum()
    found = frechet_distance(points(here, np.diag(first**2)), points(there, np.diag(second**2), 1))
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_frechet_distance_is_that_of_the_matrix_square_root(seed):
    draw = np.random.default_rng(seed).standard_normal
    first, second = draw((30, 4)) @ draw((4, 4)), draw((40, 4)) @ draw((4, 4)) + 1
    shapes = np.cov(first.T), np.cov(second.T)
    expected = np.square(first.mean(0) - second.mean(0)).sum()
    expected += np.trace(shapes[0] + shapes[1] - 2 * np.real(sqrtm(shapes[0] @ shapes[1])))
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-5, abs=1e-5)
    assert frechet_distance(first, first[::-1]) == pytest.approx(0, abs=1e-8)


def test_one_point_has_no_frechet_distance():
    assert np.isnan(frechet_distance(np.zeros((1, 8)), np.zeros((9, 8))))


def test_components_are_uncorrelated_and_as_many_as_there_can_be():
    features = np.random.default_rng(0).standard_normal((200, 12)) * np.arange(1, 13)
    found = np.cov((features @ principal_basis(features)).T)
    assert found.shape == (COMPONENTS, COMPONENTS)
    assert found == pytest.approx(np.diag(np.diag(found)), abs=1e-9)
    assert principal_basis(features[:3]).shape == (12, 3)


@pytest.mark.parametrize("rate", [4000, 16_000, 44_100, 192_000])
def test_every_mel_band_sees_something(rate):
    weights = mel_weights(round(0.032 * rate), rate)
    assert weights.sum(1) == pytest.approx(np.ones(40))
    assert (np.diff(weights @ np.arange(weights.shape[1])) > 0).all()


def test_a_tone_is_in_the_band_of_its_frequency():
    sound = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    ends = 2595 * np.log10(1 + np.array([50, 0.98 * RATE / 2]) / 700)
    place = (2595 * np.log10(1 + 1000 / 700) - ends[0]) / (ends[1] - ends[0]) * 41 - 1
    assert (np.abs(mel_powers(sound, RATE).argmax(0) - place) < 1).all()


def test_twice_the_amplitude_is_6_db_away():
    first, second = (logarithms(mel_powers(gain * noise(1), RATE), 1.0) for gain in (1, 2))
    assert level_distance(first, second) == pytest.approx(6.0206, abs=0.01)
    assert level_distance(first, first[:, :50]) == 0


def test_the_features_of_snippets_are_mean_deviation_and_mean_step():
    levels = np.random.default_rng(0).standard_normal((40, 75))
    found = snippet_features(levels, 0.5)
    cut = levels[:, 10:60]
    assert found.shape == (3, 120)
    expected = [cut.mean(1), cut.std(1), np.abs(np.diff(cut, axis=1)).mean(1)]
    assert found[1] == pytest.approx(np.concatenate(expected))


def test_plain_envelopes_have_the_moments_of_the_magnitude_of_the_analytic_signal():
    sound, model = noise(2.0), envelope_model(RATE)
    found = averages(sound[None], model, "cpu")
    band = 8
    response = model.responses(np.fft.rfftfreq(len(sound), 1 / RATE))[band]
    envelope = np.abs(hilbert(np.fft.irfft(np.fft.rfft(sound) * response, len(sound))))
    inner = envelope[6400:-6400]
    assert found["envelope_mean"][0, band] == pytest.approx(inner.mean(), rel=0.03)
    assert found["envelope_variation"][0, band] == pytest.approx(inner.std() / inner.mean(), rel=0.05)
    assert found["envelope_variation"][0, band] == pytest.approx(np.sqrt(4 / np.pi - 1), rel=0.1)  # Rayleigh


def test_the_distance_of_moments_grows_with_sparseness():
    model = envelope_model(RATE)
    source = averages(noise(4)[None], model, "cpu")
    gates = [np.repeat(np.random.default_rng(9).random(400) < share, RATE // 100) for share in (0.9, 0.5, 0.1)]
    counted = model.significance(source)
    found = [moment_distance(source, averages((noise(4, 1) * gate)[None], model, "cpu"), counted) for gate in gates]
    assert moment_distance(source, source, counted) == 0
    assert 0 < moment_distance(source, averages(noise(4, 1)[None], model, "cpu"), counted) < found[0]
    assert found == sorted(found)


def test_another_recording_is_as_far_as_the_halves_are_and_a_copy_is_nearer():
    reference = Reference(noise(8), RATE, 0.5)
    same, other = reference(noise(8)), reference(noise(8, 1))
    assert other.frechet == pytest.approx(same.frechet_natural, rel=0.2)
    assert other.moments == pytest.approx(same.moments_natural, rel=0.2)
    assert same.frechet < 0.75 * same.frechet_natural
    assert same.moments < 0.75 * same.moments_natural


def test_a_loop_of_two_equal_halves_is_no_distance_from_itself():
    found = Reference(np.tile(noise(2), 2), RATE, 0.5)(np.tile(noise(2), 4))
    assert found.frechet_natural == pytest.approx(0, abs=1e-6)
    assert found.moments_natural == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 9.0])
def test_results_of_every_length_and_silence_have_finite_distances(seconds):
    reference = Reference(noise(3), RATE, 0.07)
    assert np.isfinite(reference(noise(seconds, 2))).all()
    assert np.isfinite(reference(np.zeros(round(seconds * RATE), np.float32))).all()
    assert reference(np.zeros(round(seconds * RATE), np.float32)).frechet > 100 * reference(noise(seconds, 2)).frechet
