import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.auditory.model import FRAMES, AuditoryModel, pairs_of
from pipelines.value import pack, unpack

MOMENTS = ("band_power", "envelope_mean", "envelope_variation", "envelope_skewness", "envelope_kurtosis")
LINKED = AuditoryModel.linked


@pytest.mark.parametrize(
    "changes", [{}, {"bands": 4, "modulation_bands": 4}, {"sample_rate": 192_000, "highest": 96_000.0, "bands": 60}]
)
def test_axes_tell_of_every_path(changes):
    model = AuditoryModel(**({"sample_rate": 44_100} | changes))
    size = model.size(model.least_samples())
    measure = model.measurement(size, size / model.sample_rate, 0.05, "cpu", torch.float32)
    found, axes = measure(torch.zeros(2, size), 2), model.axes()
    assert list(axes) == list(found) == list(AuditoryModel.domains)
    assert list(measure(torch.zeros(2, size), 1)) == [name for name in axes if name not in LINKED]
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
        "envelope_autocorrelation": 512,
        "modulation_power": 640,
        "modulation_correlation": 366,
        "modulation_phase": 384,
        "swell_correlation": 189,
        "swell_coupling": 32,
        "interaural_coherence": 64,
        "interaural_correlation": 32,
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


def test_bands_far_below_the_loudest_do_not_count():
    model = AuditoryModel(20_000)
    powers = np.full((3, 32), 1.0)
    powers[0, :10], powers[1, 31], powers[2, :10] = 1e-6, 1e6, 3e-5
    axes = model.axes()
    weights = model.significance(dict.fromkeys(axes, powers))
    assert {name: values.shape for name, values in weights.items()} == {
        name: (3, len(axes[name]["frequency"])) for name in axes
    }
    for name in axes:
        low = axes[name]["frequency"] < model.centres[10]
        both = low & (axes[name].get("other", axes[name]["frequency"]) < model.centres[10])
        np.testing.assert_array_equal(weights[name][0], np.where(both, 0.0, 1.0))
        if name not in LINKED:
            assert (weights[name][2] == 1).all()
    assert weights["envelope_mean"][1].sum() == 1


def test_bands_are_compared_where_they_are_heard_in_both_channels():
    model = AuditoryModel(20_000)
    powers = np.full((3, 32), 1.0)
    powers[0, :10], powers[2, 20:] = 0.0, 0.0
    weights = model.significance({"band_power": powers, "interaural_correlation": powers})
    assert list(weights) == ["band_power", "interaural_correlation"]
    heard = powers > 0
    wanted = [heard[0] & heard[2], heard[1] & heard[0], heard[2] & heard[1]]
    np.testing.assert_array_equal(weights["interaural_correlation"], wanted)


def test_lags_go_from_ten_milliseconds_to_three_quarters_of_a_second():
    lags = AuditoryModel(20_000).axes()["envelope_autocorrelation"]["lag"].reshape(32, 16)
    np.testing.assert_allclose(lags[:, [0, -1]], [[0.01, 0.75]] * 32)
    np.testing.assert_allclose(lags[:, 1:] / lags[:, :-1], 75 ** (1 / 15))


def test_a_model_comes_back_from_the_store():
    model = AuditoryModel(44_100, 30.0, 12_000.0, 24, compression=0.4, modulation_bands=12)
    back = unpack(*pack(model))
    assert isinstance(back, AuditoryModel) and dataclasses.astuple(back) == dataclasses.astuple(model)
