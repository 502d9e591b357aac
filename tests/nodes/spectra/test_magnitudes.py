from pathlib import Path

import numpy as np
import pytest
import torch
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.spectra.magnitudes import magnitude_analysis, magnitudes
from nodes.spectra.node import stft
from nodes.values import Audio, Spectrogram
from pipelines.mistakes import MistakeError


def analysed(tmp_path: Path, samples: np.ndarray, **parameters: int | str) -> Spectrogram:
    return stft(Audio(samples.astype(np.float32), 44100), context=make_context(tmp_path), **parameters)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 300), st.integers(1, 3), st.integers(1, 2000), st.sampled_from(["hann", "rectangular"]))
def test_analysis_agrees_with_the_target_of_the_same_sound(
    tmp_path_factory: pytest.TempPathFactory, n_fft: int, channels: int, length: int, window: str
) -> None:
    samples = np.random.default_rng(length).standard_normal((channels, length)).astype(np.float32)
    target = analysed(tmp_path_factory.mktemp("magnitudes"), samples, n_fft=n_fft, window=window)
    expected = target.coefficients()["magnitude"]
    found = target.analysis(length, "cpu")(torch.from_numpy(samples))["magnitude"].numpy()
    assert found.shape == expected.shape == target.spectra.shape and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5 * max(expected.max(), 1e-9))


def test_magnitudes_are_absolute_values_over_several_blocks(tmp_path: Path) -> None:
    target = analysed(tmp_path, np.random.default_rng(0).standard_normal((2, 9000)), n_fft=16, hop=4)
    assert target.spectra.shape[2] > 2048
    np.testing.assert_allclose(magnitudes(target.spectra)["magnitude"], np.abs(target.spectra), rtol=1e-6)


def test_gradient_is_finite_at_silence_and_right_elsewhere(tmp_path: Path) -> None:
    target = analysed(tmp_path, np.zeros((1, 400)), n_fft=64, hop=16)
    analyse = magnitude_analysis(target, 400, "cpu")
    silence = torch.zeros((1, 400), requires_grad=True)
    analyse(silence)["magnitude"].sum().backward()
    assert silence.grad is not None and bool(silence.grad.isfinite().all())

    samples = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 400)))
    direction = torch.from_numpy(np.random.default_rng(1).standard_normal((1, 400)))
    point = samples.clone().float().requires_grad_()
    analyse(point)["magnitude"].sum().backward()
    assert point.grad is not None
    slope = float((point.grad.double() * direction).sum())
    step = 1e-2
    ahead, behind = ((samples + sign * step * direction).float() for sign in (1, -1))
    difference = analyse(ahead)["magnitude"].double().sum() - analyse(behind)["magnitude"].double().sum()
    assert float(difference) / (2 * step) == pytest.approx(slope, rel=1e-2)


def test_other_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="400 samples, as the target has"):
        analysed(tmp_path, np.zeros((1, 400)), n_fft=64).analysis(401, "cpu")
