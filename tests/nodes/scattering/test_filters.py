import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kymatio.scattering1d.filter_bank import compute_params_filterbank, gauss_1d, morlet_1d

from nodes.scattering.filters import averaging_response, bank, least_octaves

forms = st.integers(1, 16).flatmap(lambda q: st.tuples(st.integers(least_octaves(q), 14), st.just(q)))


@given(forms)
def test_the_bank_is_that_of_kymatio(form):
    octaves, quality = form
    centres, widths, subsamplings = compute_params_filterbank(0.1 / 2**octaves, quality, 5.0)
    found = bank(octaves, quality)
    np.testing.assert_allclose([f.centre for f in found], centres, rtol=1e-9)
    np.testing.assert_allclose([f.width for f in found], widths, rtol=1e-9)
    assert [f.octave for f in found] == subsamplings


@pytest.mark.parametrize(("octaves", "quality"), [(5, 1), (6, 4), (7, 12)])
def test_responses_are_those_of_kymatio(octaves, quality):
    length = 2**13
    frequencies = np.arange(length) / length
    for filter in bank(octaves, quality)[1:]:
        ours = filter.response(frequencies) + filter.response(frequencies - 1)
        assert np.abs(ours - morlet_1d(length, filter.centre, filter.width)).max() < 2e-3


def test_a_band_pass_rejects_the_mean():
    assert all(abs(f.response(np.zeros(1))[0]) < 1e-12 for f in bank(10, 1))


@given(st.integers(3, 12))
def test_the_average_is_that_of_kymatio(power):
    length, averaging = 2**14, 2**power
    bins = np.fft.fftfreq(length)
    np.testing.assert_allclose(averaging_response(bins, averaging), gauss_1d(length, 0.1 / averaging), atol=1e-6)


def test_neighbours_cross_at_half_power():
    low, high = bank(10, 8)[5], bank(10, 8)[4]
    middle = np.array([math.sqrt(low.centre * high.centre)])
    assert low.response(middle)[0] ** 2 == pytest.approx(0.5, abs=0.03)
    assert high.response(middle)[0] ** 2 == pytest.approx(0.5, abs=0.03)
