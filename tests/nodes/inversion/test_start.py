import numpy as np
import pytest
import torch
from contexts import make_context
from hypothesis import given
from hypothesis import strategies as st

from nodes.inversion.shaping import Shaping, resampled
from nodes.inversion.start import noise, spectrum_of_targets
from nodes.scattering.node import scatter
from nodes.spectra.node import stft
from nodes.textures.node import texture_correlate
from nodes.values import Audio

RATE = 8000


def band_power(x, low, high):
    power = np.abs(np.fft.rfft(x)) ** 2 / len(x)
    frequencies = np.arange(len(power)) / len(x)
    return power[(frequencies >= low) & (frequencies < high)].mean()


@pytest.mark.parametrize("initial", ["coloured", "white", "pink"])
def test_noise_has_the_level_of_the_spectrum(initial):
    spectrum = np.linspace(0.04, 0.0, 65)
    x = noise(initial, spectrum, 2**15, RATE, 0, 0)
    assert x.dtype == np.float32
    assert np.mean(np.square(x)) == pytest.approx(0.02, rel=0.05)


def test_coloured_noise_follows_the_spectrum():
    x = noise("coloured", np.linspace(0.04, 0.0, 65), 2**16, RATE, 0, 0)
    for low in (0.05, 0.2, 0.4):
        assert band_power(x, low, low + 0.05) == pytest.approx(0.04 * (1 - 2 * (low + 0.025)), rel=0.1)


def test_pink_noise_falls_by_three_decibels_an_octave():
    x = noise("pink", None, 2**17, RATE, 0, 0)
    octaves = [10 * np.log10(band_power(x, f, 2 * f)) for f in (0.02, 0.04, 0.08, 0.16)]
    np.testing.assert_allclose(np.diff(octaves), -3.01, atol=0.5)


def test_channels_and_seeds_have_noise_of_their_own_and_always_the_same():
    def make(seed, channel):
        return noise("white", None, 4000, RATE, seed, channel)

    np.testing.assert_array_equal(make(1, 0), make(1, 0))
    for other in (make(1, 1), make(2, 0)):
        assert abs(np.corrcoef(make(1, 0), other)[0, 1]) < 0.06


@pytest.mark.parametrize("length", [1, 2, 3])
def test_noise_may_be_as_short_as_one_sample(length):
    assert np.isfinite(noise("coloured", np.ones(5), length, RATE, 0, 0)).all()


@given(st.integers(2, 50), st.integers(1, 300))
def test_resampling_a_flat_spectrum_leaves_it_flat(bins, length):
    np.testing.assert_allclose(resampled(np.full(bins, 3.0), length), 3.0)


@pytest.mark.parametrize("kind", ["scattering", "texture", "spectrogram"])
def test_every_representation_tells_its_spectrum(tmp_path, kind):
    """The noise made from a representation of low-passed noise is low-passed alike, at the same level."""
    white = np.random.default_rng(0).standard_normal(2**15) * 0.1
    spectra = np.fft.rfft(white) / (1 + 12 * np.linspace(0, 1, 2**14 + 1))
    audio = Audio(np.fft.irfft(spectra).astype(np.float32)[None], RATE)
    context = make_context(tmp_path)
    target = {"scattering": scatter, "texture": texture_correlate, "spectrogram": stft}[kind](audio, context=context)
    spectrum = spectrum_of_targets([target], [1.0], 0)
    made = noise("coloured", spectrum, 2**15, RATE, 3, 0)
    assert np.std(made) == pytest.approx(np.std(audio.samples), rel=0.1)
    for low in (0.02, 0.1, 0.3):
        ratio = band_power(made, low, low * 1.5) / band_power(audio.samples[0], low, low * 1.5)
        assert ratio == pytest.approx(1.0, rel=0.25), low


def test_spectra_of_several_targets_are_weighed(tmp_path):
    quiet, loud = (
        texture_correlate(
            Audio((np.random.default_rng(0).standard_normal((1, RATE)) * level).astype(np.float32), RATE),
            context=make_context(tmp_path),
        )
        for level in (0.1, 0.2)
    )
    found = spectrum_of_targets([quiet, loud], [1.0, 3.0], 0)
    assert found.mean() == pytest.approx((0.01 + 3 * 0.04) / 4, rel=0.1)
    assert spectrum_of_targets([quiet, loud], [0.0, 1.0], 0).mean() == pytest.approx(0.04, rel=0.1)


def test_the_shaping_filter_is_its_own_adjoint():
    shaping = Shaping(np.linspace(1.0, 0.0, 33), 501, "cpu")
    rng = np.random.default_rng(0)
    a, b = (torch.tensor(rng.standard_normal((1, 501)), dtype=torch.float32) for _ in range(2))
    assert float((shaping(a) * b).sum()) == pytest.approx(float((a * shaping(b)).sum()), rel=1e-4)


def test_without_a_spectrum_nothing_is_shaped():
    signal = torch.ones(1, 7)
    assert Shaping(None, 7, "cpu")(signal) is signal


def test_the_shape_of_silence_is_flat():
    signal = torch.randn(1, 50, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(Shaping(np.zeros(9), 50, "cpu")(signal), signal)
