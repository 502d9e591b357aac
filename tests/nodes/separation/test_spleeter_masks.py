import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.separation.spleeter.masks import masked, ratio_masks
from nodes.separation.spleeter.wiener import Covariances, with_average

EPS = float(np.finfo(np.float32).eps)


def estimates(stems: int, seed: int = 0, frames: int = 6, bins: int = 5) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).gamma(0.5, 3, (stems, 2, frames, bins)), dtype=torch.float32)


def mixture(seed: int = 0, frames: int = 6, bins: int = 8) -> torch.Tensor:
    random = np.random.default_rng(seed)
    return torch.tensor(random.standard_normal((2, frames, bins)) + 1j * random.standard_normal((2, frames, bins)))


@given(st.integers(2, 5), st.integers(0, 1000), st.sampled_from([0.0, 1e-6, 1.0, 1e3]))
def test_ratio_masks_share_squares_and_sum_to_one(stems: int, seed: int, level: float) -> None:
    values = estimates(stems, seed) * level
    squares = values.double().numpy() ** 2
    wanted = (squares + 1e-10 / stems) / (squares.sum(0) + 1e-10)
    found = ratio_masks(values).numpy()
    np.testing.assert_allclose(found, wanted, rtol=2e-6, atol=1e-12)
    np.testing.assert_allclose(found.sum(0), 1, rtol=2e-6)


def test_bins_above_are_dropped_or_shared() -> None:
    sound, masks = mixture(), ratio_masks(estimates(3))
    assert masked(sound, masks[0], "zeros").shape == (2, 6, 5)
    shared = [masked(sound, mask, "average") for mask in masks]
    torch.testing.assert_close(sum(shared), sound, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(shared[1][..., 5:], sound[..., 5:] * masks[1].mean(-1, keepdim=True).double())


def naive_wiener(found: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The formulas, matrix by matrix."""
    stems, _, frames, bins = seen.shape
    scale = max(1.0, np.abs(found).max() / 10)
    first = seen / (EPS + seen.sum(0)) * found[..., :bins] / scale
    power = (np.abs(first) ** 2).mean(1)
    result = np.zeros_like(first)
    for f in range(bins):
        spatial = [
            sum(np.outer(first[j, :, t, f], first[j, :, t, f].conj()) for t in range(frames))
            / (EPS + power[j, :, f].sum())
            for j in range(stems)
        ]
        for t in range(frames):
            total = sum(power[j, t, f] * spatial[j] for j in range(stems)) + np.sqrt(EPS) * np.eye(2)
            whitened = np.linalg.solve(total, found[:, t, f] / scale)
            for j in range(stems):
                result[j, :, t, f] = power[j, t, f] * spatial[j] @ whitened * scale
    return result


@settings(max_examples=25)
@given(st.sampled_from([2, 4, 5]), st.integers(0, 1000), st.sampled_from([1e-3, 1.0, 300.0]))
def test_the_wiener_filter_is_its_formulas(stems: int, seed: int, level: float) -> None:
    sound, seen = mixture(seed) * level, estimates(stems, seed)
    found = Covariances.of(sound, seen).filtered(sound, seen)
    np.testing.assert_allclose(found, naive_wiener(sound.numpy(), seen.double().numpy()), rtol=1e-6, atol=1e-9 * level)


def test_covariances_of_parts_are_joined() -> None:
    sound, seen = mixture(frames=9), estimates(3, frames=9)
    whole = Covariances.of(sound, seen)
    parts = [Covariances.of(sound[:, cut], seen[:, :, cut]) for cut in (slice(4), slice(4, 5), slice(5, 9))]
    joined = parts[0].joined(parts[1]).joined(parts[2])
    torch.testing.assert_close(joined.filtered(sound, seen), whole.filtered(sound, seen))


def test_filtered_stems_sum_to_the_sound() -> None:
    sound, seen = mixture(frames=40) * 100, estimates(4, frames=40) + 0.1
    found = Covariances.of(sound, seen).filtered(sound, seen)
    torch.testing.assert_close(found.sum(0), sound[..., :5], rtol=2e-3, atol=0.3)
    torch.testing.assert_close(
        with_average(sound, seen.clone(), found).sum(0)[..., 5:], sound[..., 5:], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("level", [0.0, 1e-30])
def test_silence_stays_finite(level: float) -> None:
    sound, seen = mixture() * level, estimates(2) * level
    found = Covariances.of(sound, seen).filtered(sound, seen)
    assert torch.isfinite(torch.view_as_real(found)).all() and found.abs().max() <= level


def test_a_voice_in_the_middle_is_no_singular_matrix() -> None:
    sound = mixture()
    sound[1] = sound[0]
    seen = estimates(2)
    seen[:, 1] = seen[:, 0]
    found = Covariances.of(sound, seen).filtered(sound, seen)
    np.testing.assert_allclose(found, naive_wiener(sound.numpy(), seen.double().numpy()), rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(found[:, 0], found[:, 1])
