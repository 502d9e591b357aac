import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.textures.erb import erb_hertz, erb_number, smoothed


@given(st.floats(0, 96_000))
def test_numbers_and_frequencies_are_inverse(frequency):
    assert float(erb_hertz(erb_number(frequency))) == pytest.approx(frequency, abs=1e-6)


@pytest.mark.parametrize("frequency", [100.0, 1000.0, 4000.0])
def test_a_step_of_one_is_an_equivalent_rectangular_bandwidth(frequency):
    """24.7 (4.37 f / kHz + 1) Hz, Glasberg and Moore (1990)."""
    below, above = erb_hertz(erb_number(frequency) + np.array([-0.005, 0.005]))
    assert (above - below) / 0.01 == pytest.approx(24.7 * (4.37 * frequency / 1000 + 1), rel=2e-3)


def test_a_line_is_spread_over_the_width_and_nothing_is_lost():
    powers = np.zeros((2, 20_001))
    powers[0, 4000], powers[1, 12_000] = 1.0, 1.0
    found = smoothed(powers, 40_000, 0.5)
    for row, frequency in enumerate((4000, 12_000)):
        inside = np.flatnonzero(found[row])
        low, high = erb_hertz(erb_number(float(frequency)) + np.array([-0.25, 0.25]))
        assert inside[0] == pytest.approx(low, abs=3) and inside[-1] == pytest.approx(high, abs=3)
        assert found[row].sum() == pytest.approx(1.0, rel=0.02)


@given(st.integers(1, 300), st.floats(0, 2), st.integers(0, 10))
def test_what_is_flat_stays_flat_and_no_power_is_negative(bins, width, seed):
    np.testing.assert_allclose(smoothed(np.full(bins, 3.0), 8000, width), 3.0, rtol=1e-9)
    powers = np.random.default_rng(seed).random(bins)
    found = smoothed(powers, 8000, width)
    assert found.shape == powers.shape
    assert (found >= powers.min() - 1e-9).all() and (found <= powers.max() + 1e-9).all()
