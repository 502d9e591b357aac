import dataclasses

import numpy as np
import pytest
import torch
from contexts import make_context

from nodes.scattering import analysis as analysis_module
from nodes.scattering.node import scatter
from nodes.values import power
from nodes.values.audio import Audio
from nodes.values.power import power_spectrum
from pipelines.mistakes import MistakeError

RATE = 8000


def noise(length, channels=1, level=1.0):
    return (level * np.random.default_rng(0).standard_normal((channels, length))).astype(np.float32)


def scattered(tmp_path, samples, **choice):
    return scatter(Audio(np.atleast_2d(np.float32(samples)), RATE), **choice, context=make_context(tmp_path))


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"kind": "time"},
        {"averaging": "global"},
        {"chunk": 0.2},
        {"chunk": 0.2, "averaging": "global"},
        {"logarithm": 1e-3},
        {"normalise": True},
        {"precision": "double"},
        {"orders": 1},
        {"order1": "scales", "octave_averaging": "global"},
    ],
    ids=str,
)
def test_its_own_analysis_finds_its_coefficients(tmp_path, choice):
    samples = noise(5000, 2, 0.1)
    found = scattered(tmp_path, samples, octaves=7, quality=6, **choice)
    again = found.analysis(5000, "cpu")(torch.tensor(samples))
    wanted = found.coefficients()
    assert list(again) == list(wanted) == ["order1", "order2"][: choice.get("orders", 2)]
    for name, values in wanted.items():
        assert again[name].dtype == torch.float32
        np.testing.assert_allclose(again[name].numpy(), values, rtol=1e-3, atol=1e-5 * values.max())


def test_a_gradient_flows_through_the_analysis(tmp_path):
    target = scattered(tmp_path, noise(2000), octaves=7, quality=4, logarithm=0.01, precision="double")
    samples = torch.randn(1, 2000, generator=torch.Generator().manual_seed(1)).requires_grad_()
    analysis = target.analysis(2000, "cpu")
    goal = {name: torch.tensor(values, dtype=torch.float32) for name, values in target.coefficients().items()}

    def loss(x):
        return sum((values - goal[name]).square().sum() for name, values in analysis(x).items())

    before = loss(samples)
    before.backward()
    gradient = samples.grad
    step = 0.05 * before.item() / gradient.square().sum()
    assert loss(samples.detach() - step * gradient).item() < before.item()


def test_another_length_cannot_be_compared_frame_by_frame(tmp_path):
    found = scattered(tmp_path, noise(4000), octaves=7, quality=4)
    with pytest.raises(MistakeError, match="only at the same length") as caught:
        found.analysis(3999, "cpu")
    mistake = caught.value.mistakes[0]
    assert "3999 samples" in mistake.given and "4000 samples (0.500 s)" in mistake.allowed
    assert "averaging: global" in mistake.hint


@pytest.mark.parametrize("chunk", [None, 0.2])
def test_means_over_the_sound_are_compared_at_any_length(tmp_path, chunk):
    found = scattered(tmp_path, noise(8000), octaves=7, quality=4, averaging="global", chunk=chunk)
    for length in (5000, 8000, 12_000):
        other = found.analysis(length, "cpu")(torch.tensor(noise(length)))
        for name, values in found.coefficients().items():
            assert other[name].shape == values.shape
            np.testing.assert_allclose(other[name].numpy().sum(), values.sum(), rtol=0.05)


@pytest.mark.parametrize(("wavelet", "near"), [("morlet", 0.06), ("gammatone", 0.12)])
@pytest.mark.parametrize("quality", [1, 8, 16])
def test_the_spectrum_of_white_noise_is_near_one(tmp_path, quality, wavelet, near):
    found = scattered(tmp_path, noise(2**16, 2), octaves=8, quality=quality, orders=1, wavelet=wavelet)
    spectrum = found.spectrum()
    assert spectrum.shape == (2, analysis_module.SPECTRUM_BINS)
    np.testing.assert_allclose(spectrum.mean(1), 1, atol=near)
    inner = spectrum[:, spectrum.shape[1] // 20 :]
    assert inner.min() > 0.75 and inner.max() < 1.4


def test_the_spectrum_of_coloured_noise_is_found(tmp_path):
    spectra = np.fft.rfft(noise(2**15, level=0.1)[0])
    slope = np.linspace(2.0, 0.5, len(spectra))
    sound = np.fft.irfft(spectra * slope)
    found = scattered(tmp_path, sound, octaves=9, quality=8, orders=1).spectrum()
    wanted = (0.1 * np.interp(np.linspace(0, 1, found.shape[1]), np.linspace(0, 1, len(slope)), slope)) ** 2
    inner = slice(found.shape[1] // 20, -found.shape[1] // 10)
    np.testing.assert_allclose(found[0, inner], wanted[inner], rtol=0.35)
    assert found.mean() == pytest.approx(np.mean(sound**2), rel=0.1)


def test_the_colour_is_the_power_spectrum_of_the_sound(tmp_path):
    samples = noise(3001, 2, 0.1)
    found = scattered(tmp_path, samples, octaves=7, quality=2)
    np.testing.assert_allclose(found.colour(), np.abs(np.fft.rfft(samples)) ** 2 / 3001, rtol=1e-4, atol=1e-9)
    scales = scattered(tmp_path, samples, octaves=7, quality=2, order1="scales")
    np.testing.assert_array_equal(scales.spectrum(), scales.colour())


def test_the_colour_of_a_long_sound_is_a_mean_over_stretches(monkeypatch):
    monkeypatch.setattr(power, "LONGEST_SPECTRUM", 2**10)
    samples = noise(30_001, 2) * np.array([[1.0], [0.1]], np.float32)
    found = power_spectrum(samples)
    assert found.shape == (2, 513) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, 1:-1].mean(1), np.square(samples, dtype=float).mean(1), rtol=0.02)
    inner = found[0, 1:-1]
    assert inner.min() > 0.3 and inner.max() < 2.0
    tone = np.float32(np.sin(2 * np.pi * 0.125 * np.arange(30_001)))[None]
    assert power_spectrum(tone)[0].argmax() == 128


@pytest.mark.parametrize("chunk", [None, 0.5])
def test_the_envelope_is_where_the_sound_is_loud(tmp_path, chunk):
    swelling = np.exp(-(((np.arange(16_000) - 11_000) / 1500) ** 2))
    found = scattered(tmp_path, noise(16_000, 2) * swelling, octaves=7, quality=4, chunk=chunk)
    envelope = found.envelope()
    assert envelope.shape == (2, 2 * len(found.times))
    wanted = np.interp(np.linspace(0, 1, envelope.shape[1]), np.linspace(0, 1, 16_000), swelling)
    for row in envelope:
        assert np.corrcoef(row, wanted)[0, 1] > 0.97


@pytest.mark.parametrize("choice", [{"averaging": "global"}, {"order1": "scales"}], ids=str)
def test_without_bands_over_time_there_is_no_envelope(tmp_path, choice):
    assert scattered(tmp_path, noise(2000), octaves=6, quality=2, **choice).envelope() is None


def test_the_design_tells_all_that_an_analysis_needs(tmp_path):
    found = scattered(tmp_path, noise(2000), octaves=6, quality=2, rates=[50.0, 900.0])
    again = dataclasses.replace(found, design=dataclasses.replace(found.design))
    ours, theirs = (each.analysis(2000, "cpu")(torch.tensor(noise(2000))) for each in (found, again))
    assert torch.equal(ours["order2"], theirs["order2"])
