"""Scattering on the spiral: each filter along log-frequency goes with each one across octaves."""

import numpy as np
import pytest
import torch

from nodes.scattering.core.design import Design
from nodes.scattering.core.differentiable import scatter
from nodes.scattering.core.filters import averaging_impulse, bank
from nodes.scattering.core.scales import scale_rows
from nodes.scattering.core.transform import Transform

BASE = {"octaves": 8, "quality": 4, "averaging": 256, "band_octaves": 2, "boundary": "circular"}


def impulse(filter, places):
    if filter.wavelet is None:
        return averaging_impulse(places, 0.1 / filter.width).astype(complex)
    found = filter.wavelet.impulse(places)
    return found if filter.spin > 0 else found.conj()


def test_a_row_is_one_convolution_along_the_bands_and_then_one_across_octaves():
    design = Design(kind="spiral", sampling="full", **BASE)
    bands, far = 25, 200
    rng = np.random.default_rng(0)
    image = rng.standard_normal((bands, 3)) + 1j * rng.standard_normal((bands, 3))
    places = np.arange(-far, far + 1)
    for filter in design.scale_filters:
        rows = scale_rows(design, filter, bands)
        long = np.zeros((2 * far + 1 + bands, 3), complex)
        long[far : far + bands] = image
        along = np.stack([np.convolve(column, impulse(filter, places), "same") for column in long.T], 1)
        kernel = np.zeros(2 * far + 1, complex)
        octaves = np.arange(-(far // 4), far // 4 + 1)
        kernel[far + 4 * octaves] = impulse(filter.across, octaves)
        both = np.stack([np.convolve(column, kernel, "same") for column in along.T], 1)
        np.testing.assert_allclose(rows.matrix @ image, both[far + rows.places], atol=1e-6)


def test_every_pair_of_scales_is_there():
    design = Design(kind="spiral", **BASE)
    along, across = bank(2, 1), bank(int(np.log2(len(design.carriers) / 4)), 1)
    pairs = {(round(f.scale, 9), round(f.octave_scale, 9)) for f in design.scale_filters}
    scales = {0.0, *(round(s * f.centre, 9) for f in along for s in (1, -1))}
    octaves = {0.0, *(round(s * f.centre, 9) for f in across for s in (1, -1))}
    assert pairs == {(a, b) for a in scales for b in octaves}


def test_summed_over_the_scales_across_octaves_nothing_else_changes():
    """What all octaves have alike is in the low-pass across octaves, at the scales of joint scattering."""
    rate, length = 1.0, 8192
    t = np.arange(length)
    beats = 1 + np.cos(2 * np.pi * t / 400)
    alike = sum(np.sin(2 * np.pi * f * t) for f in 0.3 / 2.0 ** np.arange(6)) * beats
    one = np.sin(2 * np.pi * 0.3 / 8 * t) * beats
    transform = Transform(Design(kind="spiral", **{**BASE, "averaging": 0}), length, dtype=torch.float64)
    paths = transform.paths()["order2"]

    def share(sound):
        _, found = scatter(torch.tensor(sound[None] * rate), transform)
        energy, level = found[0, :, 0].numpy() ** 2, np.abs(paths.octave_scale) == 0
        return energy[level].sum() / energy.sum()

    assert share(alike) > 1.5 * share(one)


@pytest.mark.parametrize("averaging", [0, 4, -1])
def test_gradients_are_those_of_finite_differences(averaging):
    design = Design(kind="spiral", octaves=6, quality=4, averaging=64, band_octaves=2, band_averaging=averaging)
    transform = Transform(design, 200, dtype=torch.float64)
    samples = torch.tensor(np.random.default_rng(0).standard_normal((1, 200)), requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: scatter(x, transform), (samples,), fast_mode=True)


def test_bands_may_be_filtered_on_the_spiral_too():
    design = Design(kind="spiral", band_scales=True, band_averaging=4, **BASE)
    transform = Transform(design, 3000)
    order1, order2 = scatter(torch.randn(1, 3000), transform)
    paths = transform.paths()
    assert order1.shape[1] == len(paths["order1"].octave_scale) and order2.shape[1] == len(paths["order2"].scale)
    assert not np.isnan(paths["order1"].octave_scale).any()
