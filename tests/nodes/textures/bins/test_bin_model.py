import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.bins.model import BinModel
from pipelines.mistakes import MistakeError
from pipelines.value import pack, unpack


@pytest.mark.parametrize("changes", [{}, {"groups": 0, "distances": (1, 600)}, {"sample_rate": 192_000}, {"lags": 1}])
def test_axes_tell_of_every_path(changes):
    model = BinModel(**({"sample_rate": 44100} | changes))
    size = model.size(model.least_samples())
    found = model.measurement(size, size / model.sample_rate, 0.1, "cpu", torch.float32)(torch.zeros(1, size))
    axes = model.axes()
    assert list(axes) == list(BinModel.domains)
    assert list(found) == [name for name in BinModel.domains if name not in BinModel.linked]
    for name, values in found.items():
        assert {len(axis) for axis in axes[name].values()} == {values.shape[1]}
        assert (axes[name]["frequency"] >= 0).all() and (axes[name]["frequency"] <= model.sample_rate / 2).all()
    cross = axes["bin_crosscorrelation"]
    assert (cross["other"] > cross["frequency"]).all()
    lags = cross["lag"].reshape(-1, 2 * len(model.cross_lag_frames) - 1)
    assert (np.diff(lags, axis=1) > 0).all()
    np.testing.assert_allclose(lags, -lags[:, ::-1])


def test_lags_go_up_in_equal_ratios_from_one_frame_to_the_longest():
    model = BinModel(44100, hop=64, longest_lag=2.0, lags=12)
    frames = model.lag_frames
    assert frames[0] == 1 and frames[-1] == round(2.0 * 44100 / 64) and len(frames) == 12
    np.testing.assert_allclose(frames[6:] / frames[5:-1], (2.0 * 44100 / 64) ** (1 / 11), rtol=0.03)
    assert list(BinModel(44100, longest_lag=1e-3).lag_frames) == [1]


@given(st.integers(0, 10**6), st.integers(16, 4096), st.floats(0.05, 1.0))
@settings(max_examples=50)
def test_sizes_are_whole_hops_and_settle(least, n_fft, part):
    model = BinModel(44100, n_fft=n_fft, hop=max(1, int(part * n_fft)), groups=4)
    size = model.size(least)
    assert size >= max(least, n_fft) and size % model.hop == 0 and model.size(size) == size


def test_least_length_is_a_quarter_second_or_two_frames():
    assert BinModel(192_000).least_samples() == 48_000
    assert BinModel(8000, n_fft=4096).least_samples() == 8192


def test_frames_and_groups_that_cannot_be_are_mistakes():
    with pytest.raises(MistakeError, match="hop: frames must overlap"):
        BinModel(44100, n_fft=256, hop=257)
    with pytest.raises(MistakeError, match="1 to 31, or 0"):
        BinModel(44100, n_fft=64, hop=16, groups=32)


def test_a_model_comes_back_from_the_store():
    model = BinModel(22050, n_fft=512, groups=16, distances=(1, 4))
    back = unpack(*pack(model))
    assert isinstance(back, BinModel) and vars(back) == vars(model)
