import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kymatio.scattering1d.frontend.numpy_frontend import ScatteringNumPy1D

from nodes.scattering.transform import Modulus, Padding, Slices, Transform, padding_of


def relative(found, wanted):
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def noise(length, seed=0):
    return np.random.default_rng(seed).standard_normal(length).astype(np.float32)


def speechlike(length):
    """Two gliding tones with an envelope: sparse in time and in frequency."""
    t = np.arange(length) / length
    tone = np.sin(0.15 * length * (t + 0.3 * t**2)) + 0.5 * np.sin(0.9 * length * t)
    return (tone * np.exp(-(((t - 0.45) / 0.08) ** 2))).astype(np.float32)


def kymatio(x, octaves, quality, averaging):
    """Kymatio's coefficients in our order, without the powers of two by which version 0.3 divides them."""
    peer = ScatteringNumPy1D(J=octaves, shape=len(x), Q=quality, T=averaging)
    coefficients, meta = peer(x.astype(np.float64)), peer.meta()
    deepest = int(np.log2(averaging))
    octave = np.where(np.isnan(meta["j"]), 0, np.minimum(meta["j"], deepest))
    coefficients *= 2.0 ** octave.sum(1)[:, None]
    return np.nan_to_num(meta["xi"]), coefficients, Padding(peer.pad_left, peer.pad_right, peer._N_padded)


def rows(centres, coefficients, paths):
    """Rows of coefficients whose centres are those of our paths."""
    found = [np.abs(centres - path).sum(1).argmin() for path in paths]
    assert len(set(found)) == len(found)
    np.testing.assert_allclose(centres[found], paths, rtol=1e-9)
    return coefficients[found]


def wanted(x, octaves, quality, averaging, transform):
    centres, coefficients, _ = kymatio(x, octaves, quality, averaging)
    first = rows(centres, coefficients, [(c.centre, 0.0) for c in transform.carriers])
    second = rows(centres, coefficients, [(c.centre, m.centre) for c, m in transform.paths()])
    assert 1 + len(first) + len(second) == len(coefficients)
    return first, second


@pytest.mark.parametrize("make", [noise, speechlike])
@pytest.mark.parametrize(
    ("octaves", "quality", "averaging"),
    [(6, 1, 2**6), (7, 8, 2**7), (8, 12, 2**8), (6, 16, 2**6), (8, 4, 2**6), (6, 4, 2**9)],
)
def test_coefficients_are_those_of_kymatio(make, octaves, quality, averaging):
    x = make(2**13)
    transform = Transform(len(x), octaves, quality, averaging, kymatio(x, octaves, quality, averaging)[2])
    found = {name: values[0].numpy() for name, values in transform(torch.tensor(x)[None]).items()}
    first, second = wanted(x, octaves, quality, averaging, transform)
    assert relative(found["order1"], first) < 5e-4
    assert relative(found["order2"], second) < 2e-3


def test_our_shorter_padding_changes_little():
    x = noise(2**14)
    transform = Transform(len(x), 8, 12, 2**8, padding_of(len(x), 2**8))
    found = transform(torch.tensor(x)[None])
    first, second = wanted(x, 8, 12, 2**8, transform)
    assert relative(found["order1"][0].numpy(), first) < 5e-3
    assert relative(found["order2"][0].numpy(), second) < 5e-3


@given(st.integers(1, 10**7), st.integers(0, 14))
def test_padding_mirrors_no_more_than_there_is(length, power):
    unit = 2**power
    padding = padding_of(length, unit)
    if length < 2 * unit + 1:
        assert padding is None
    else:
        assert padding.before + length + padding.behind == padding.total
        assert padding.total % unit == 0 and padding.before % unit == 0
        assert unit <= padding.before < length and unit <= padding.behind < length


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from([0.0, 1e-3, 3.0]))
def test_a_louder_sound_has_proportionally_louder_coefficients(seed, gain):
    transform = Transform(700, 5, 4, 2**5, padding_of(700, 2**5))
    x = torch.tensor(noise(700, seed))[None]
    plain, scaled = transform(x), transform(gain * x)
    for name in plain:
        torch.testing.assert_close(scaled[name], gain * plain[name], rtol=1e-4, atol=1e-6 * max(gain, 1e-3))


def test_channels_are_transformed_apart():
    transform = Transform(1000, 5, 2, 2**5, padding_of(1000, 2**5))
    x = torch.tensor(np.stack([noise(1000, seed) for seed in range(3)]))
    together = transform(x)
    for channel in range(3):
        alone = transform(x[channel : channel + 1])
        for name in alone:
            torch.testing.assert_close(together[name][channel], alone[name][0])


def test_gradients_are_those_of_finite_differences():
    transform = Transform(40, 3, 2, 2**3, padding_of(40, 2**3), dtype=torch.float64)
    x = torch.tensor(noise(40)[None], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: tuple(transform(s).values()), x)


def test_gradients_of_the_parts_are_those_of_finite_differences():
    z = torch.randn(2, 9, dtype=torch.complex128, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(Modulus.apply, z)
    assert torch.autograd.gradcheck(lambda spectrum: Slices.apply(spectrum, [0, 2, 5, 2], 4), z)


def test_silence_has_a_gradient_of_zero():
    transform = Transform(500, 5, 4, 2**5, padding_of(500, 2**5))
    x = torch.zeros(1, 500, requires_grad=True)
    sum(values.sum() for values in transform(x).values()).backward()
    assert (x.grad == 0).all()
