import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nodes.textures.domains import LEAST_LEVEL, interpolated, into, out_of

DOMAINS = ("level", "correlation", "linear")
RANGES = {"level": (1e-9, 1e6), "correlation": (-0.999, 0.999), "linear": (-1e4, 1e4)}


@pytest.mark.parametrize("domain", DOMAINS)
@given(data=st.data())
def test_statistics_come_back_from_their_domain(domain, data):
    low, high = RANGES[domain]
    values = data.draw(arrays(np.float64, (2, 3), elements=st.floats(low, high)))
    natural = into(values, domain)
    assert natural.dtype == np.float64 and out_of(natural, domain).dtype == np.float32
    np.testing.assert_allclose(out_of(natural, domain), values, rtol=1e-5, atol=1e-5 if domain != "level" else 0)


def test_natural_domains_are_those_of_the_formulas():
    np.testing.assert_allclose(into(np.array([1.0, np.e**2]), "level"), [0, 2])
    np.testing.assert_allclose(into(np.array([0.5, -0.5]), "correlation"), [0.5 * np.log(3), -0.5 * np.log(3)])
    np.testing.assert_array_equal(into(np.array([-3.0, 7.0]), "linear"), [-3, 7])


@pytest.mark.parametrize("domain", DOMAINS)
def test_extreme_values_stay_finite(domain):
    values = np.array([0.0, 1.0, -1.0, 2.0, -2.0, 1e30])
    natural = into(values, domain)
    assert np.isfinite(natural).all() and np.isfinite(out_of(natural, domain)).all()
    assert out_of(into(np.zeros(1), "level"), "level")[0] == pytest.approx(LEAST_LEVEL)


@pytest.mark.parametrize("domain", DOMAINS)
@given(data=st.data())
def test_statistics_go_straight_from_point_to_point_and_stay_beyond(domain, data):
    low, high = RANGES[domain]
    values = data.draw(arrays(np.float32, (2, 3, 3), elements=st.floats(-1.0, 1.0, width=16)))
    values = np.clip(values * (high / 2), low, high)
    times = np.array([1.0, 2.0, 4.0])
    found = interpolated(values, times, np.array([0.0, 1.0, 1.5, 2.0, 3.5, 4.0, 9.0]), domain)
    assert found.shape == (2, 3, 7) and found.dtype == np.float32
    for at, point in ((0, 0), (1, 0), (3, 1), (5, 2), (6, 2)):
        np.testing.assert_allclose(found[..., at], values[..., point], rtol=1e-4, atol=1e-4 * high)
    natural = into(values, domain)
    middle = out_of(natural[..., 1] * 0.25 + natural[..., 2] * 0.75, domain)
    np.testing.assert_allclose(found[..., 4], middle, rtol=1e-4, atol=1e-4 * high)


def test_levels_are_halfway_at_their_geometric_mean():
    found = interpolated(np.array([[[1.0, 100.0]]]), np.array([0.0, 2.0]), np.array([1.0]), "level")
    assert found[0, 0, 0] == pytest.approx(10)


@pytest.mark.parametrize("domain", DOMAINS)
def test_one_point_stays_as_it_is(domain):
    values = np.array([[[0.0], [1.0], [-2.0]]], np.float32)
    np.testing.assert_array_equal(
        interpolated(values, np.array([3.0]), np.arange(5.0), domain), values.repeat(5, axis=2)
    )


def test_two_points_at_one_time_are_a_jump():
    values = np.array([[[1.0, 2.0, 5.0, 6.0]]])
    found = interpolated(values, np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.5, 1.5]), "linear")
    np.testing.assert_allclose(found[0, 0], [1.5, 5.5])
