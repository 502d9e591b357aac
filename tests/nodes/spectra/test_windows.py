import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import check_NOLA, get_window

from nodes.spectra.windows import (
    COSINES,
    MARGIN,
    WINDOWS,
    default_hop,
    largest_hop,
    reconstructs,
    require_hop,
    window_of,
)
from pipelines.mistakes import MistakeError


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("n_fft", [2, 7, 64, 2048])
def test_windows_are_those_of_scipy(name: str, n_fft: int) -> None:
    peer = get_window({"rectangular": "boxcar"}.get(name, name), n_fft, fftbins=True)
    np.testing.assert_allclose(window_of(name, n_fft), peer, atol=1e-12)
    assert set(COSINES) == set(WINDOWS)


@given(st.sampled_from(WINDOWS), st.integers(2, 300))
def test_every_hop_up_to_the_largest_can_be_undone_and_none_above(name: str, n_fft: int) -> None:
    window = window_of(name, n_fft)
    largest = largest_hop(window)
    assert [reconstructs(window, hop) for hop in range(1, n_fft + 2)] == [hop <= largest for hop in range(1, n_fft + 2)]


@given(st.sampled_from(WINDOWS), st.integers(8, 300), st.data())
def test_hops_that_are_allowed_satisfy_nonzero_overlap_add(name: str, n_fft: int, data: st.DataObject) -> None:
    window = window_of(name, n_fft)
    hop = data.draw(st.integers(1, largest_hop(window)))
    assert check_NOLA(window, n_fft, n_fft - hop, tol=0.99 * MARGIN**2)


@pytest.mark.parametrize("name", WINDOWS)
def test_half_of_n_fft_is_allowed_with_every_window(name: str) -> None:
    require_hop(name, 2048, 1024)
    assert default_hop(2048) == 512 and default_hop(2) == 1


def test_rectangular_frames_may_lie_side_by_side() -> None:
    assert largest_hop(window_of("rectangular", 33)) == 33


def test_unknown_window_names_the_known_ones() -> None:
    with pytest.raises(MistakeError, match="hann, hamming"):
        window_of("hanning", 64)
