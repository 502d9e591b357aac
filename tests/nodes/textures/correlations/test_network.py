import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.textures.correlations.network import random_filters


def test_filters_are_the_same_for_ever():
    known = [[[[0.553784477, -0.682129855], [0.395673327, -0.267327949]]]]
    np.testing.assert_allclose(random_filters(1935, (2, 2), 1), known, atol=1e-9)


@given(st.integers(0, 2**63 - 1), st.integers(1, 12), st.integers(1, 12), st.integers(1, 6))
def test_filters_have_no_mean_and_unit_norm(seed, height, width, count):
    if height * width == 1:
        return
    filters = random_filters(seed, (height, width), count)
    assert filters.shape == (count, 1, height, width)
    np.testing.assert_allclose(filters.sum((1, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(np.square(filters).sum((1, 2, 3)), 1)


@given(st.integers(0, 2**63 - 1), st.integers(1, 12), st.integers(1, 12), st.integers(1, 6))
def test_filters_of_real_and_imaginary_parts_have_unit_norm_and_see_both(seed, height, width, count):
    filters = random_filters(seed, (height, width), count, planes=2)
    assert filters.shape == (count, 2, height, width)
    np.testing.assert_allclose(np.square(filters).sum((1, 2, 3)), 1)
    assert (np.abs(filters).max((2, 3)) > 0).all()


def test_shapes_and_seeds_have_filters_of_their_own():
    one, other, turned = random_filters(0, (3, 5), 4), random_filters(1, (3, 5), 4), random_filters(0, (5, 3), 4)
    assert not np.allclose(one, other)
    assert not np.allclose(one.ravel(), turned.ravel())


def test_fewer_filters_are_the_first_ones():
    np.testing.assert_array_equal(random_filters(3, (3, 5), 2), random_filters(3, (3, 5), 8)[:2])


def test_directions_are_evenly_spread():
    filters = random_filters(5, (4, 4), 4000).reshape(4000, 16)
    covariance = filters.T @ filters / 4000
    assert np.diagonal(covariance) == pytest.approx(np.full(16, 1 / 16), rel=0.15)


def test_a_kernel_of_one_cell_is_the_spectrogram_itself():
    np.testing.assert_array_equal(random_filters(0, (1, 1), 3), np.ones((3, 1, 1, 1)))
