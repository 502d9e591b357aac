import numpy as np
import pytest
import torch
from contexts import make_context
from hypothesis import given
from hypothesis import strategies as st
from modulation_spectra import modulation_spectrum

from nodes.inversion.node import invert
from nodes.inversion.shaping import Shaping
from nodes.inversion.spectra import mean_power, resampled, stretched, told
from nodes.inversion.start import enveloped, first_sounds, noise, phase_randomised
from nodes.spectra.node import stft
from nodes.textures.node import texture_correlate
from nodes.values import Audio
from pipelines.mistakes import MistakeError

RATE = 8000


def random(*seed):
    return np.random.default_rng(seed)


def audio(samples):
    return Audio(np.atleast_2d(np.asarray(samples, np.float32)), RATE)


def first(targets, initial="coloured", count=1, length=None, phases="independent", seed=0):
    length = length or targets[0].length
    return first_sounds(targets, [1.0] * len(targets), count, length, initial, phases, seed)


def band_power(x, low, high):
    power = np.abs(np.fft.rfft(x)) ** 2 / len(x)
    frequencies = np.arange(len(power)) / len(x)
    return power[(frequencies >= low) & (frequencies < high)].mean()


def spectrum_of_targets(targets, weights, length):
    return mean_power(told(targets, weights, lambda t: t.spectrum()), 0, lambda s: resampled(s, length))


@pytest.mark.parametrize("initial", ["coloured", "envelope", "energies", "white", "pink"])
def test_noise_has_the_level_of_the_spectrum(initial):
    x = noise(initial, np.linspace(0.04, 0.0, 2**14 + 1), 2**15, RATE, random(0))
    assert np.mean(np.square(x)) == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("initial", ["coloured", "energies"])
def test_coloured_noise_follows_the_spectrum(initial):
    x = noise(initial, resampled(np.linspace(0.04, 0.0, 65), 2**16), 2**16, RATE, random(0))
    for low in (0.05, 0.2, 0.4):
        assert band_power(x, low, low + 0.05) == pytest.approx(0.04 * (1 - 2 * (low + 0.025)), rel=0.1)


@given(st.integers(1, 400), st.integers(0, 2**32))
def test_random_phases_leave_every_magnitude_as_it_is(length, seed):
    source = random(seed).standard_normal(length)
    power = np.abs(np.fft.rfft(source)) ** 2 / length
    made = phase_randomised(power, length, random(seed, 1))
    np.testing.assert_allclose(np.abs(np.fft.rfft(made)), np.abs(np.fft.rfft(source)), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.square(made).sum(), np.square(source).sum(), rtol=1e-9)


def test_random_phases_are_uniform_and_independent():
    turns = np.fft.rfft(phase_randomised(np.ones(2**15 + 1), 2**16, random(0)))[1:-1]
    for moment in (1, 2, 3):
        assert abs(np.mean((turns / np.abs(turns)) ** moment)) < 0.02
    assert abs(np.mean(turns[1:] * np.conj(turns[:-1])) / np.mean(np.abs(turns) ** 2)) < 0.02


@pytest.mark.parametrize("length", [4000, 4001])
def test_a_coloured_start_has_the_magnitudes_of_the_sound_itself(tmp_path, length):
    t = np.arange(length) / RATE
    source = audio(np.stack([0.1 * np.sin(2 * np.pi * 440 * t) * (t < 0.2), 0.01 * random(0).standard_normal(length)]))
    start = invert([modulation_spectrum(source)], iterations=0, context=make_context(tmp_path)).audio
    found, wanted = (np.abs(np.fft.rfft(a.samples)) for a in (start, source))
    np.testing.assert_allclose(found, wanted, atol=1e-6 * wanted.max())
    for channel in range(2):
        assert abs(np.corrcoef(start.samples[channel], source.samples[channel])[0, 1]) < 0.5


def test_pink_noise_falls_by_three_decibels_an_octave():
    x = noise("pink", None, 2**17, RATE, random(0))
    octaves = [10 * np.log10(band_power(x, f, 2 * f)) for f in (0.02, 0.04, 0.08, 0.16)]
    np.testing.assert_allclose(np.diff(octaves), -3.01, atol=0.5)


@pytest.mark.parametrize("initial", ["coloured", "envelope", "energies", "white", "pink"])
def test_channels_and_seeds_have_phases_of_their_own_and_always_the_same(initial):
    target = modulation_spectrum(audio(random(9).standard_normal(4000)))
    start = first([target], initial, 2)
    np.testing.assert_array_equal(start, first([target], initial, 2))
    for other in (start[1], first([target], initial, 2, seed=1)[0]):
        assert abs(np.corrcoef(start[0], other)[0, 1]) < 0.1


@pytest.mark.parametrize("initial", ["coloured", "envelope", "energies", "white", "pink"])
def test_shared_phases_make_channels_coherent_each_under_its_own_spectrum(initial):
    rng = random(3)
    left = rng.standard_normal(4000)
    target = modulation_spectrum(audio(np.stack([left, 0.1 * rng.standard_normal(4000)])))
    start = first([target], initial, 2, phases="shared")
    np.testing.assert_array_equal(start[0], first([target], initial, 2)[0])
    cross = np.fft.rfft(start[0])[1:-1] * np.conj(np.fft.rfft(start[1])[1:-1])
    assert abs(cross.sum()) > 0.7 * np.abs(cross).sum()
    assert np.std(start[0]) == pytest.approx(10 * np.std(start[1]), rel=0.15)
    if initial == "coloured":
        np.testing.assert_allclose(np.angle(cross), 0, atol=1e-3)
        np.testing.assert_allclose(np.abs(np.fft.rfft(start[1])), np.abs(np.fft.rfft(target.samples[1])), atol=1e-4)


def test_channels_with_shared_phases_towards_one_channel_are_the_same():
    start = first([modulation_spectrum(audio(random(0).standard_normal(2000)))], count=3, phases="shared")
    np.testing.assert_array_equal(start[0], start[1])
    np.testing.assert_array_equal(start[0], start[2])


def test_a_start_with_the_envelope_keeps_the_course_in_time():
    t = np.arange(8000) / RATE
    course = np.where(t % 0.5 < 0.25, 1.0, 0.05)
    target = modulation_spectrum(audio(0.1 * course * random(0).standard_normal(8000)))
    loud = course > 0.5
    plain, shaped = first([target])[0], first([target], "envelope")[0]
    assert np.std(shaped) == pytest.approx(np.std(plain), rel=1e-6) == np.std(target.samples)
    assert np.std(plain[loud]) < 2 * np.std(plain[~loud])
    assert np.std(shaped[loud]) > 5 * np.std(shaped[~loud])


def test_an_envelope_that_no_target_tells_is_a_mistake(tmp_path):
    target = texture_correlate(audio(random(0).standard_normal(8000)), context=make_context(tmp_path))
    with pytest.raises(MistakeError, match="no target tells the envelope"):
        invert([target], initial="envelope", context=make_context(tmp_path))


def test_of_several_targets_the_powers_of_envelopes_are_weighed():
    ramp, flat = np.linspace(0, 1, 11)[None], np.ones((1, 3))
    each = [(1.0, np.square(ramp)), (3.0, np.square(flat))]
    found = mean_power(each, 0, lambda e: stretched(e, 101))
    assert found[0] == pytest.approx(0.75) and found[-1] == pytest.approx(1.0)


def test_a_silent_envelope_leaves_the_sound():
    np.testing.assert_array_equal(enveloped(np.ones(5), np.zeros(5)), np.ones(5))


@pytest.mark.parametrize("telling", [True, False])
@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("initial", ["coloured", "energies", "white", "pink"])
def test_a_start_may_be_as_short_as_one_sample(initial, length, telling):
    target = modulation_spectrum(audio(np.full(length, 0.5)), telling)
    start = first([target], initial)
    assert start.shape == (1, length) and start.dtype == np.float32 and np.isfinite(start).all()
    if initial == "coloured" and telling and length == 1:
        assert abs(start[0, 0]) == pytest.approx(0.5)


def test_where_no_target_tells_a_spectrum_noise_is_white_at_20_decibels_below_full_scale():
    start = first([modulation_spectrum(audio(np.zeros(8000)), telling=False)])
    assert np.std(start) == pytest.approx(0.1, rel=0.05)


@given(st.integers(1, 50), st.integers(1, 300))
def test_resampling_a_flat_spectrum_leaves_it_flat(bins, length):
    np.testing.assert_allclose(resampled(np.full(bins, 3.0), length), 3.0)


@given(st.integers(2, 300), st.integers(1, 1000), st.integers(0, 1000))
def test_a_line_between_two_coarser_bins_is_not_lost(length, finer, place):
    """Bins averaged over their width hold the energy of the spectrum, wherever its line lies."""
    spectrum = np.zeros(length // 2 + 1 + finer)
    spectrum[place % len(spectrum)] = 1.0
    edges = np.clip([np.arange(length // 2 + 1) - 0.5, np.arange(length // 2 + 1) + 0.5], 0, length / 2)
    inside = resampled(spectrum, length) @ (edges[1] - edges[0]) / (length / 2)
    whole = (0.5 if place % len(spectrum) in (0, len(spectrum) - 1) else 1.0) / (len(spectrum) - 1)
    reach = 1 if length % 2 == 0 else (edges[1][-1] / (length / 2))
    assert inside <= whole * (1 + 1e-9)
    if reach == 1:
        assert inside == pytest.approx(whole, rel=1e-9)


def test_a_spectrum_at_the_resolution_of_the_sound_stays_as_it_is():
    for length in (8, 9):
        spectrum = random(0).random(length // 2 + 1)
        np.testing.assert_array_equal(resampled(spectrum, length), spectrum)


@pytest.mark.parametrize("kind", ["modulation", "texture", "spectrogram"])
def test_every_representation_tells_its_spectrum(tmp_path, kind):
    """The noise made from a representation of low-passed noise is low-passed alike, at the same level."""
    white = random(0).standard_normal(2**15) * 0.1
    source = audio(np.fft.irfft(np.fft.rfft(white) / (1 + 12 * np.linspace(0, 1, 2**14 + 1))))
    context = make_context(tmp_path)
    analyse = {"texture": texture_correlate, "spectrogram": stft}.get(kind)
    target = analyse(source, context=context) if analyse else modulation_spectrum(source)
    for initial in ("energies", "coloured"):
        made = first([target], initial, seed=3)[0]
        assert np.std(made) == pytest.approx(np.std(source.samples), rel=0.1)
        for low in (0.02, 0.1, 0.3):
            ratio = band_power(made, low, low * 1.5) / band_power(source.samples[0], low, low * 1.5)
            assert ratio == pytest.approx(1.0, rel=0.25), low


def test_spectra_of_several_targets_are_weighed(tmp_path):
    samples = random(0).standard_normal(RATE)
    quiet, loud = (texture_correlate(audio(samples * level), context=make_context(tmp_path)) for level in (0.1, 0.2))
    found = spectrum_of_targets([quiet, loud], [1.0, 3.0], 500)
    assert found.mean() == pytest.approx((0.01 + 3 * 0.04) / 4, rel=0.1)
    assert spectrum_of_targets([quiet, loud], [0.0, 1.0], 500).mean() == pytest.approx(0.04, rel=0.1)


def test_the_shaping_filter_is_its_own_adjoint():
    shaping = Shaping([np.linspace(1.0, 0.0, 33)], 501, "cpu")
    a, b = (torch.tensor(random(seed).standard_normal((1, 501)), dtype=torch.float32) for seed in range(2))
    assert float((shaping(a) * b).sum()) == pytest.approx(float((a * shaping(b)).sum()), rel=1e-4)


def test_without_a_spectrum_nothing_is_shaped():
    signal = torch.ones(1, 7)
    assert Shaping(None, 7, "cpu")(signal) is signal


def test_the_shape_of_silence_is_flat():
    signal = torch.randn(1, 50, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(Shaping([np.zeros(9)], 50, "cpu")(signal), signal)
