import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import median_filter

from nodes.separation.repet.framing import frame_count, sound_of, spectra_of
from nodes.separation.repet.masks import central, share, tonal
from nodes.separation.repet.settings import Settings
from nodes.separation.repet.similarity import alike, repeating


def naive_neighbours(magnitudes: np.ndarray, frame: int, reach: int, distance: int, most: int) -> list[int]:
    """Return the highest peaks of likeness, one loop after another in float64."""
    exact = magnitudes.astype(np.float64)
    within = range(max(0, frame - reach), min(len(exact), frame + reach + 1))
    norms = np.linalg.norm(exact, axis=1)
    likeness = {other: exact[frame] @ exact[other] / (norms[frame] * norms[other]) for other in within}
    likeness[frame] = 2.0
    peaks = [o for o in within if all(likeness[o] >= likeness[n] for n in within if abs(n - o) <= distance)]
    kept = sorted(peaks, key=lambda other: -likeness[other])[:most]
    return kept[: len(kept) - 1 + len(kept) % 2]


@given(
    frames=st.integers(1, 40),
    reach=st.integers(1, 30),
    distance=st.integers(0, 6),
    most=st.sampled_from([1, 3, 7, 25]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_neighbours_and_medians_are_those_of_a_plain_loop(
    frames: int, reach: int, distance: int, most: int, seed: int
) -> None:
    magnitudes = np.random.default_rng(seed).uniform(0, 1, (frames, 5)).astype(np.float32)
    first, last = frames // 3, frames
    found = alike(magnitudes, first, last, reach, distance, most)
    wanted = [naive_neighbours(magnitudes, frame, reach, distance, most) for frame in range(first, last)]
    assert [[int(place) for place in row if place < frames] for row in found] == wanted
    medians = np.array([np.median(magnitudes[places], axis=0) for places in wanted])
    np.testing.assert_array_equal(repeating(magnitudes, found), medians.reshape(-1, 5))


@given(length=st.integers(1, 300), hop=st.sampled_from([4, 16, 25]), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_frames_bring_the_sound_back(length: int, hop: int, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, (2, length)).astype(np.float32)
    count = frame_count(length, hop)
    back = sound_of(spectra_of(samples, hop, 0, count), hop)
    np.testing.assert_allclose(back[:, :length], samples, atol=2e-6)
    np.testing.assert_allclose(back[:, length:], 0, atol=2e-6)


def test_frames_of_a_part_are_those_of_the_whole() -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (1, 500)).astype(np.float32)
    np.testing.assert_array_equal(spectra_of(samples, 16, 3, 9), spectra_of(samples, 16, 0, 30)[:, 3:9])


@given(angle=st.floats(0, np.pi / 2), phase=st.floats(-np.pi, np.pi), focus=st.sampled_from([1.0, 8.0]))
@settings(max_examples=50, deadline=None)
def test_the_centre_mask_is_the_likeness_of_level_and_phase(angle: float, phase: float, focus: float) -> None:
    left, right = np.complex64(np.cos(angle)), np.complex64(np.sin(angle) * np.exp(1j * phase))
    wanted = max(0.0, np.sin(2 * angle) * np.cos(phase)) ** focus
    found = central(np.array([left, 0]), np.array([right, 0]), focus)
    np.testing.assert_allclose(found, [wanted, 0], atol=1e-5)


def test_tones_and_strokes_are_told_apart_by_medians_as_in_scipy() -> None:
    magnitudes = np.random.default_rng(0).uniform(0, 1, (30, 40)).astype(np.float32)
    steady = median_filter(magnitudes, (7, 1), mode="reflect")
    broad = median_filter(magnitudes, (1, 11), mode="reflect")
    wanted = steady**2 / (steady**2 + broad**2)
    np.testing.assert_allclose(tonal(magnitudes, 0, 0, 3, 5), wanted, rtol=1e-5)
    np.testing.assert_allclose(tonal(magnitudes[2:], 3, 0, 3, 5), wanted[5:], rtol=1e-5)


def test_shares_of_both_make_one_and_silence_has_none() -> None:
    one, other = np.random.default_rng(0).uniform(0.1, 1, (2, 50)).astype(np.float32)
    np.testing.assert_allclose(share(one, other) + share(other, one), 1, rtol=1e-6)
    assert share(np.zeros(1, np.float32), np.zeros(1, np.float32)) == 0


@pytest.mark.parametrize(("rate", "n_fft"), [(1, 16), (8000, 512), (16000, 1024), (44100, 4096), (192000, 16384)])
def test_frames_last_about_as_long_at_any_rate(rate: int, n_fft: int) -> None:
    grid = Settings().at(rate)
    assert grid.n_fft in (n_fft, 2 * n_fft) and grid.hop == grid.n_fft // 4 and grid.similar % 2 == 1
    assert grid.chunk(2) % grid.hop == 0 and grid.chunk(14) < grid.chunk(2)
