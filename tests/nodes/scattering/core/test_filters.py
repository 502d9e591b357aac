import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kymatio.scattering1d.filter_bank import compute_params_filterbank, gauss_1d, morlet_1d

from nodes.scattering.core.filters import (
    Gammatone,
    averaging_impulse,
    averaging_response,
    bank,
    least_octaves,
    without_dust,
)

LENGTH = 2**15
BINS = np.fft.fftfreq(LENGTH)
FORMS = st.integers(1, 48).flatmap(lambda q: st.tuples(st.integers(least_octaves(q), 14), st.just(q)))
WAVELETS = pytest.mark.parametrize("wavelet", ["morlet", "gammatone"])


@given(FORMS)
def test_the_bank_is_that_of_kymatio(form):
    octaves, quality = form
    centres, widths, subsamplings = compute_params_filterbank(0.1 / 2**octaves, quality, 5.0)
    found = bank(octaves, quality)
    np.testing.assert_allclose([f.centre for f in found], centres, rtol=1e-9)
    np.testing.assert_allclose([f.width for f in found], widths, rtol=1e-9)
    assert [f.octave for f in found] == subsamplings


@given(FORMS)
def test_fewer_octaves_than_the_least_leave_no_filter(form):
    octaves, quality = form
    assert bank(octaves, quality)
    assert least_octaves(quality) == 1 or not bank(least_octaves(quality) - 1, quality)


@pytest.mark.parametrize(("octaves", "quality"), [(5, 1), (6, 4), (7, 12)])
def test_responses_are_those_of_kymatio(octaves, quality):
    for filter in bank(octaves, quality)[1:]:
        ours = filter.response(BINS % 1) + filter.response(BINS % 1 - 1)
        assert np.abs(ours - morlet_1d(LENGTH, filter.centre, filter.width)).max() < 2e-3


def low_filters(quality, wavelet):
    """Filters that are narrow enough for their impulse response not to be cut by the sample rate."""
    return [f for f in bank(10, quality, wavelet) if f.centre + 30 * f.width < 0.5]


@WAVELETS
@pytest.mark.parametrize("quality", [1, 4, 12])
def test_the_impulse_response_has_an_l1_norm_of_one(wavelet, quality):
    for filter in low_filters(quality, wavelet):
        assert np.abs(np.fft.ifft(filter.response(BINS))).sum() == pytest.approx(1, abs=2e-3)


@WAVELETS
@pytest.mark.parametrize("quality", [1, 4, 12])
def test_a_band_pass_rejects_the_mean(wavelet, quality):
    assert all(abs(filter.response(np.zeros(1))[0]) < 1e-15 for filter in bank(9, quality, wavelet))


@WAVELETS
@pytest.mark.parametrize("quality", [4, 8, 24])
def test_neighbours_cross_at_half_power(wavelet, quality):
    low, high = bank(10, quality, wavelet)[5], bank(10, quality, wavelet)[4]
    middle = np.array([math.sqrt(low.centre * high.centre)])
    for each in (low, high):
        peak = np.abs(each.response(np.linspace(0.5, 1.5, 4001) * each.centre)).max()
        assert (abs(each.response(middle)[0]) / peak) ** 2 == pytest.approx(
            0.5, abs=0.04 if wavelet == "morlet" else 0.08
        )


@pytest.mark.parametrize("quality", [4, 12, 48])
def test_a_gammatone_is_as_wide_at_half_power_as_a_morlet_filter(quality):
    centre = 0.1

    def half_power_width(filter):
        places = np.linspace(0.05, 0.15, 200_001)
        power = np.abs(filter.response(places)) ** 2
        return np.ptp(places[power > power.max() / 2])

    morlet, gammatone = (min(bank(12, quality, w), key=lambda f: abs(f.centre - centre)) for w in WAVELETS.args[1])
    assert (morlet.centre, morlet.width) == (gammatone.centre, gammatone.width)
    assert half_power_width(gammatone) == pytest.approx(half_power_width(morlet), rel=0.02)


@pytest.mark.parametrize("quality", [1, 4, 12])
def test_a_gammatone_does_not_sound_before_it_is_struck(quality):
    for filter in low_filters(quality, "gammatone"):
        energy = np.abs(np.fft.ifft(filter.response(BINS))) ** 2
        assert energy[LENGTH // 2 :].sum() < 1e-4 * energy.sum()


def test_the_gammatone_is_the_derivative_of_a_fourth_order_one():
    filter = Gammatone(0.05, 0.005)
    alpha = 0.005 * math.sqrt(math.log(2) / (2**0.25 - 1))
    times = np.arange(LENGTH)
    turn = 2 * np.pi * (0.05j - alpha)
    impulse = (3 * times**2 + turn * times**3) * np.exp(turn * times)
    found = np.fft.ifft(filter.response(BINS))
    wanted = impulse / np.abs(impulse).sum()
    turned = np.vdot(wanted, found) / np.vdot(wanted, wanted)
    assert abs(turned) == pytest.approx(1, abs=2e-3)
    assert np.abs(found - turned * wanted).max() < 2e-3 * np.abs(wanted).max()


@pytest.mark.parametrize("filter", bank(4, 1), ids=str)
def test_a_filter_in_whole_steps_rejects_the_mean_and_has_the_same_response(filter):
    places = np.arange(LENGTH) - LENGTH // 2
    impulse = filter.impulse(places)
    assert abs(impulse.sum()) < 1e-12 and np.abs(impulse).sum() == pytest.approx(1)
    response = np.fft.fft(np.roll(impulse, -LENGTH // 2))
    assert np.abs(response - morlet_1d(LENGTH, filter.centre, filter.width)).max() < 1e-6


@given(st.integers(3, 12))
def test_the_average_is_that_of_kymatio(power):
    np.testing.assert_allclose(averaging_response(BINS, 2**power), gauss_1d(LENGTH, 0.1 / 2**power), atol=1e-6)


@given(st.integers(0, 8))
def test_the_average_in_whole_steps_adds_up_to_one(power):
    places = np.arange(-4096, 4096)
    assert averaging_impulse(places, 2**power).sum() == pytest.approx(1, abs=1e-12)


def test_dust_is_what_is_negligible_beside_the_greatest():
    np.testing.assert_array_equal(without_dust(np.array([1.0, -1e-14, 1e-16, 0.0])), [1.0, -1e-14, 0.0, 0.0])
    assert not without_dust(np.zeros(3)).any() and without_dust(np.zeros(0)).shape == (0,)
