import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.textures.correlations.bands import band_edges, pooling


def erb_number(frequency):
    """Glasberg and Moore (1990), equation 4."""
    return 21.4 * np.log10(4.37e-3 * frequency + 1)


def test_bands_are_evenly_spaced_for_the_ear():
    edges = band_edges(40, 2**15, 44100)
    steps = np.diff(erb_number(edges))
    np.testing.assert_allclose(steps, steps.mean(), rtol=2e-2)


@given(st.integers(2, 200), st.integers(5, 14), st.sampled_from([8000, 22050, 44100, 192_000]))
def test_every_band_sees_a_bin_and_weights_add_up_to_one(bands, power, rate):
    n_fft = 2**power
    bands = min(bands, n_fft // 2 - 1)
    weights, edges = pooling(bands, n_fft, rate), band_edges(bands, n_fft, rate)
    assert weights.shape == (bands, n_fft // 2 + 1)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(1), 1.0)
    assert (np.diff(edges) > 0).all() and edges[-1] == pytest.approx(rate / 2)


def test_centres_of_gravity_are_at_the_centres():
    weights, edges = pooling(30, 2**14, 44100), band_edges(30, 2**14, 44100)
    bins = np.arange(2**13 + 1) * 44100 / 2**14
    np.testing.assert_allclose(weights @ bins, edges[1:-1], rtol=0.06)
