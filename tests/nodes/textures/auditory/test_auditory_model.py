import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.auditory.model import FRAMES, AuditoryModel, pairs_of
from pipelines.value import pack, unpack

MOMENTS = ("band_power", "envelope_mean", "envelope_variation", "envelope_skewness", "envelope_kurtosis")


@pytest.mark.parametrize(
    "changes", [{}, {"bands": 4, "modulation_bands": 4}, {"sample_rate": 192_000, "highest": 96_000.0, "bands": 60}]
)
def test_axes_tell_of_every_path(changes):
    model = AuditoryModel(**({"sample_rate": 44_100} | changes))
    size = model.size(model.least_samples())
    found = model.measurement(size, size / model.sample_rate, 0.05, "cpu", torch.float32)(torch.zeros(1, size))
    axes = model.axes()
    assert list(axes) == list(found) == list(AuditoryModel.domains)
    for name, values in found.items():
        assert {len(axis) for axis in axes[name].values()} == {values.shape[1]}
        assert (axes[name]["frequency"] >= 0).all() and (axes[name]["frequency"] <= model.sample_rate / 2).all()
        assert (axes[name].get("other", np.inf) > axes[name]["frequency"]).all()


def test_there_are_as_many_statistics_as_published():
    axes = AuditoryModel(20_000).axes()
    counts = {name: len(axes[name]["frequency"]) for name in axes}
    assert counts == {
        **dict.fromkeys(MOMENTS, 32),
        "envelope_correlation": 189,
        "modulation_power": 640,
        "modulation_correlation": 366,
        "modulation_phase": 384,
    }


def test_pairs_are_as_far_apart_as_asked():
    pairs = pairs_of(32, (1, 2, 3))
    assert pairs.shape == (2, 31 + 30 + 29)
    np.testing.assert_array_equal(np.unique(pairs[1] - pairs[0]), [1, 2, 3])
    assert pairs_of(4, (8,)).shape == (2, 0)


def test_rates_are_those_of_what_is_modulated():
    model, time = AuditoryModel(20_000), np.arange(40_000) / 20_000
    rate, band = 12.5, 20
    sound = (1 + 0.5 * np.sin(2 * np.pi * rate * time)) * np.sin(2 * np.pi * round(model.centres[band]) * time)
    found = model.measurement(40_000, 2.0, 0.0, "cpu", torch.float64)(torch.tensor(0.1 * sound[None]))
    axes, values = model.axes()["modulation_power"], found["modulation_power"][0].numpy()
    own = axes["frequency"] == model.centres[band]
    assert axes["rate"][own][values[own].argmax()] == pytest.approx(rate, rel=0.2)


@given(
    rate=st.sampled_from([8000, 20_000, 44_100, 192_000]),
    least=st.integers(1, 10**6),
    speed=st.sampled_from([100, 400]),
)
@settings(max_examples=100)
def test_sizes_and_frames_are_quick_to_transform(rate, least, speed):
    model = AuditoryModel(rate, highest=rate / 2, envelope_rate=float(speed))
    size = model.size(least)
    frames = model.frames(size)
    assert least <= size <= 1.2 * least + 8 and model.size(size) == size
    assert frames % FRAMES == 0 and frames * rate >= size * speed
    for number in (size, frames):
        for prime in (2, 3, 5):
            while number % prime == 0:
                number //= prime
        assert number == 1


def test_the_powers_of_white_noise_imply_white_noise():
    model = AuditoryModel(20_000)
    size = 40_000
    sound = 0.1 * torch.randn(4, size, generator=torch.Generator().manual_seed(0))
    powers = model.measurement(size, 2.0, 0.0, "cpu", torch.float32)(sound)["band_power"].mean(0, keepdim=True)
    spectrum = model.spectrum({"band_power": powers.numpy()})
    assert spectrum.shape == (1, 4097)
    np.testing.assert_allclose(spectrum[0, 100:-1], 0.01, rtol=0.15)
    assert spectrum.mean() == pytest.approx(0.01, rel=0.05)


def test_bands_far_below_the_loudest_do_not_count():
    model = AuditoryModel(20_000)
    powers = np.full((2, 32), 1.0)
    powers[0, :10], powers[1, 31] = 1e-4, 1e4
    classes = {"band_power": powers}
    weights = model.significance(classes)
    axes = model.axes()
    assert {name: values.shape for name, values in weights.items()} == {
        name: (2, len(axes[name]["frequency"])) for name in axes
    }
    quiet = axes["envelope_mean"]["frequency"] < model.centres[10]
    for name in axes:
        low = axes[name]["frequency"] < model.centres[10]
        both = low & (axes[name].get("other", axes[name]["frequency"]) < model.centres[10])
        np.testing.assert_array_equal(weights[name][0], np.where(both, 0.0, 1.0))
    np.testing.assert_array_equal(weights["band_power"][0], ~quiet)
    assert weights["envelope_mean"][1].sum() == 1


def test_a_model_comes_back_from_the_store():
    model = AuditoryModel(44_100, 30.0, 12_000.0, 24, compression=0.4, modulation_bands=12)
    back = unpack(*pack(model))
    assert isinstance(back, AuditoryModel) and dataclasses.astuple(back) == dataclasses.astuple(model)
