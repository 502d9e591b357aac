"""The four-stem network: its bands, its masks, and sounds of all forms through it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nodes.separation.streams.framing import spectra
from nodes.separation.unet4.bands import BANDS, BINS, SINGLE, banded, edges, unbanded
from nodes.separation.unet4.network import STEMS, UNet4
from nodes.separation.unet4.separating import separate_into
from nodes.separation.unet4.spectra import FLOOR, LEVEL, shared, views
from pipelines.mistakes import MistakeError
from pipelines.workers import set_workers

RATE = 44100


@pytest.fixture(scope="module")
def network() -> UNet4:
    torch.manual_seed(3)
    made = UNet4()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return made.eval().requires_grad_(False)


def separated(network: UNet4, samples: np.ndarray, rate: int = RATE) -> np.ndarray:
    found = np.full((len(STEMS), *samples.shape), np.nan, np.float32)
    separate_into(samples, rate, network, list(found))
    return found


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32) * 0.2


def test_bands_cover_all_bins_once_and_grow() -> None:
    widths = np.diff(edges())
    assert edges()[0] == 0
    assert edges()[-1] == BINS
    assert len(widths) == BANDS
    assert (widths[:SINGLE] == 1).all()
    assert (widths > 0).all()
    assert widths[-1] == pytest.approx(BINS * (1 - (SINGLE / BINS) ** (1 / (BANDS - SINGLE))), abs=2)


@given(arrays(np.float32, (2, BINS), elements=st.floats(0, 1, width=32)))
def test_means_over_bands_keep_the_sum(powers: np.ndarray) -> None:
    means = banded(torch.from_numpy(powers)).numpy()
    np.testing.assert_allclose((means * np.diff(edges())).sum(1), powers.sum(1), rtol=1e-4, atol=1e-3)
    naive = [powers[:, a:b].mean(1) for a, b in zip(edges()[:-1], edges()[1:], strict=True)]
    np.testing.assert_allclose(means, np.stack(naive, 1), rtol=1e-4, atol=1e-6)


@given(st.floats(0, 1), st.floats(0, 1))
def test_masks_of_bands_are_joined_by_straight_lines(low: float, high: float) -> None:
    centres = (edges()[:-1] + edges()[1:] - 1) / 2
    masks = low + (high - low) * centres / BINS
    found = unbanded(torch.from_numpy(masks.astype(np.float32))).numpy()
    inside = slice(0, int(centres[-1]))
    np.testing.assert_allclose(found[inside], (low + (high - low) * np.arange(BINS) / BINS)[inside], atol=1e-5)


def test_what_the_network_sees_is_the_level_of_each_view() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 50 / 4096 * np.arange(8 * 1024 + 3072)).astype(np.float32)
    found = spectra(torch.from_numpy(np.stack([tone, -tone])))
    assert torch.allclose(shared(found, found), found.abs() ** 2, rtol=1e-4, atol=1e-3)
    seen = views(found, torch.tensor(0.5 * 0.5**0.5)).numpy()
    expected = np.log(0.5 * 1024 / (0.5 * 0.5**0.5 * LEVEL) / FLOOR + 1) / 7
    np.testing.assert_allclose(seen[:2, 1:-1, 50], expected, rtol=1e-3)
    np.testing.assert_allclose(seen[2], 0, atol=1e-6)
    np.testing.assert_allclose(seen[3, 1:-1, 50], np.log(2**0.5 * (np.exp(7 * expected) - 1) + 1) / 7, rtol=1e-3)


def test_masks_are_shares(network: UNet4) -> None:
    masks = network(torch.rand(2, 4, 16, BANDS))
    assert masks.shape == (2, len(STEMS), 2, 16, BANDS)
    assert (masks >= 0).all()
    torch.testing.assert_close(masks.sum(1), torch.ones(2, 2, 16, BANDS))
    assert masks.std() > 0.01


@pytest.mark.parametrize(("channels", "length", "rate"), [(2, 30000, 44100), (1, 7001, 48000), (6, 3000, 16000)])
def test_stems_add_up_to_a_sound_of_any_form(network: UNet4, channels: int, length: int, rate: int) -> None:
    samples = noise(channels, length)
    if rate != RATE:  # what is near half of a sample rate does not come back from another
        samples = np.cumsum(samples, axis=1, dtype=np.float32) * 0.01
    stems = separated(network, samples, rate)
    inner = slice(200, -200)
    error = stems.sum(0) - samples
    assert np.sum(error[:, inner] ** 2) < 1e-4 * np.sum(samples[:, inner] ** 2)
    assert all(np.sum(stem**2) > 0 for stem in stems)


def test_silence_one_sample_and_nothing(network: UNet4) -> None:
    assert not separated(network, np.zeros((2, 5000), np.float32)).any()
    np.testing.assert_allclose(separated(network, np.ones((1, 1), np.float32)).sum(0), 1, atol=1e-5)
    assert separated(network, np.zeros((2, 0), np.float32)).shape == (4, 2, 0)


def test_nan_is_refused(network: UNet4) -> None:
    samples = noise(2, 4000)
    samples[1, 77] = np.nan
    with pytest.raises(MistakeError, match="not a finite number"):
        separated(network, samples)


def test_a_sound_beyond_all_levels_is_refused(network: UNet4) -> None:
    with pytest.raises(MistakeError, match="too loud to be separated"):
        separated(network, noise(2, 4000) * np.float32(1e30))


def test_level_changes_only_the_level(network: UNet4) -> None:
    samples = noise(2, 20000)
    np.testing.assert_allclose(separated(network, samples * 0.01), separated(network, samples) * 0.01, atol=2e-6)


def test_workers_change_no_bit_and_borders_of_segments_are_not_heard(network: UNet4) -> None:
    samples = noise(2, 26 * RATE)
    try:
        set_workers(1)
        one = separated(network, samples)
        set_workers(3)
        assert np.array_equal(separated(network, samples), one)
    finally:
        set_workers(0)
    # the same sound behind a second more has its segments' borders in other places
    shifted = separated(network, np.concatenate([samples[:, : 43 * 1024], samples], 1))[:, :, 43 * 1024 :]
    inner = slice(5 * RATE, -5 * RATE)
    error = np.sum((shifted - one)[..., inner] ** 2)
    assert error < 1e-2 * np.sum(one[..., inner] ** 2)
