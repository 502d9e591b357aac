"""The hand-written adjoint against finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.scattering.core.chunks import Chunks
from nodes.scattering.core.design import Design
from nodes.scattering.core.differentiable import scatter
from nodes.scattering.core.modulus import modulus, modulus_adjoint
from nodes.scattering.core.transform import Transform

SMALL = {"octaves": 5, "quality": 3, "band_octaves": 2}
CHECKED = [
    {},
    {"kind": "time"},
    {"averaging": 0},
    {"averaging": 0, "kind": "time", "boundary": "circular"},
    {"band_averaging": 4},
    {"band_averaging": -1},
    {"band_averaging": -1, "averaging": 0, "boundary": "circular"},
    {"orders": 1},
    {"orders": 1, "averaging": 0, "wavelet": "gammatone"},
    {"wavelet": "gammatone", "band_averaging": 4},
    {"wavelet": "gammatone", "kind": "time", "sampling": "full"},
    {"sampling": "full", "band_averaging": 4},
    {"sampling": "full", "boundary": "circular", "averaging": 2},
    {"boundary": "circular", "band_averaging": 2, "averaging": 1},
    {"rates": (0.02, 0.1), "scales": (0.1, 0.2)},
    {"rates_per_octave": 2, "scales_per_octave": 2},
    {"band_scales": True, "orders": 1},
    {"band_scales": True, "band_averaging": -1, "averaging": 0},
    {"band_scales": True, "band_averaging": 4, "sampling": "full"},
]


def design_of(form):
    return Design(**SMALL | {"averaging": 16} | form)


def name(form):
    return " ".join(f"{key}={value}" for key, value in form.items()) or "as it is"


def sounds(length, channels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(channels, length, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("form", CHECKED, ids=name)
def test_gradients_are_those_of_finite_differences(form):
    transform = Transform(design_of(form), 90, dtype=torch.float64)
    samples = sounds(90, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: scatter(x, transform), samples, fast_mode=True)


@pytest.mark.parametrize("form", CHECKED, ids=name)
def test_gradients_in_chunks_are_those_of_finite_differences(form):
    transform = Chunks(design_of(form), 300, 128, dtype=torch.float64)
    samples = sounds(300, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: scatter(x, transform), samples, fast_mode=True)


def test_every_entry_of_the_gradient_is_right():
    transform = Transform(Design(octaves=3, quality=1, averaging=4, band_octaves=1), 12, dtype=torch.float64)
    assert len(transform.paths()["order2"].rate)
    assert torch.autograd.gradcheck(lambda x: scatter(x, transform), sounds(12, 2).requires_grad_())


FORMS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["time", "joint"]),
        "orders": st.sampled_from([1, 2]),
        "averaging": st.sampled_from([0, 1, 8, 32]),
        "boundary": st.sampled_from(["reflect", "circular"]),
        "wavelet": st.sampled_from(["morlet", "gammatone"]),
        "sampling": st.sampled_from(["fitted", "full"]),
    }
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([1, 2, 3, 17, 1000, 1021]) | st.integers(1, 1500), FORMS, st.sampled_from([0, 2, -1]))
def test_the_adjoint_is_that_of_the_derivative(length, form, bands):
    design = design_of(form | ({"band_averaging": bands} if form["kind"] == "joint" else {}))
    transform = Transform(design, length, dtype=torch.float64)
    samples, direction = sounds(length).requires_grad_(), sounds(length, seed=1)
    orders = scatter(samples, transform)
    weights = [torch.randn(o.shape, dtype=o.dtype, generator=torch.Generator().manual_seed(2)) for o in orders]
    gradient = torch.autograd.grad(orders, samples, weights)[0]
    step = 1e-6
    with torch.no_grad():
        ahead, behind = (scatter(samples + sign * step * direction, transform) for sign in (1, -1))
    change = sum(((a - b) * w).sum().item() for a, b, w in zip(ahead, behind, weights, strict=True)) / (2 * step)
    scale = gradient.norm().item() * direction.norm().item()
    assert (gradient * direction).sum().item() == pytest.approx(change, rel=1e-5, abs=1e-5 * scale)


@pytest.mark.parametrize("chunk", [None, 128])
def test_a_second_backward_gives_the_same_gradient(chunk):
    design = design_of({"band_averaging": 4})
    transform = Chunks(design, 500, chunk) if chunk else Transform(design, 500)
    samples = sounds(500).float().requires_grad_()
    loss = sum(order.square().sum() for order in scatter(samples, transform))
    first = torch.autograd.grad(loss, samples, retain_graph=True)[0]
    second = torch.autograd.grad(loss, samples, retain_graph=True)[0]
    third = torch.autograd.grad(loss, samples)[0]
    assert torch.equal(first, second) and torch.equal(first, third)


def test_two_forward_passes_may_wait_for_their_gradients():
    transform = Transform(design_of({}), 200, dtype=torch.float64)
    both = [sounds(200, seed=seed).requires_grad_() for seed in (0, 1)]
    losses = [sum(order.sum() for order in scatter(x, transform)) for x in both]
    alone = []
    for samples in both:
        alone += torch.autograd.grad(sum(order.sum() for order in scatter(samples, transform)), samples)
    for loss, samples, wanted in zip(losses, both, alone, strict=True):
        assert torch.equal(torch.autograd.grad(loss, samples)[0], wanted)


def test_one_order_alone_has_a_gradient():
    transform = Transform(design_of({}), 200, dtype=torch.float64)
    samples = sounds(200).requires_grad_()
    parts = [torch.autograd.grad(scatter(samples, transform)[order].sum(), samples)[0] for order in (0, 1)]
    both = torch.autograd.grad(sum(order.sum() for order in scatter(samples, transform)), samples)[0]
    torch.testing.assert_close(parts[0] + parts[1], both)


def test_a_gradient_of_the_gradient_is_refused():
    transform = Transform(design_of({}), 64, dtype=torch.float64)
    samples = sounds(64).requires_grad_()
    gradient = torch.autograd.grad(scatter(samples, transform)[0].square().sum(), samples, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@pytest.mark.parametrize("chunk", [None, 128])
def test_silence_has_a_gradient_of_zero(chunk):
    design = design_of({})
    transform = Chunks(design, 500, chunk) if chunk else Transform(design, 500)
    samples = torch.zeros(1, 500, requires_grad=True)
    sum(order.sum() for order in scatter(samples, transform)).backward()
    assert samples.grad is not None and (samples.grad == 0).all()


@pytest.mark.parametrize("gain", [1e-6, 1e-12, 1e-18, 1e-20, 1e-22, 1e-24, 1e-30, 1e-38])
def test_a_quiet_sound_has_no_greater_gradient_than_a_loud_one(gain):
    transform = Transform(design_of({}), 512)
    found = []
    for factor in (1.0, gain):
        samples = (factor * sounds(512)).float().requires_grad_()
        sum(order.sum() for order in scatter(samples, transform)).backward()
        found.append(samples.grad.norm().item())
    assert np.isfinite(found[1]) and found[1] < 1.01 * found[0]
    assert gain < 1e-15 or found[1] == pytest.approx(found[0], rel=1e-3)


def test_the_modulus_of_zero_has_no_gradient():
    planes = torch.tensor([[[[3.0, 0.0, 0.0]], [[-4.0, 0.0, 1e-30]]]])
    moduli = modulus(planes)
    np.testing.assert_allclose(moduli.numpy().ravel(), [5.0, 0.0, 0.0])
    back = modulus_adjoint(torch.ones(1, 1, 3), planes, moduli)
    np.testing.assert_allclose(back[0, :, 0, :2].numpy(), [[0.6, 0.0], [-0.8, 0.0]], rtol=1e-6)
    assert abs(back[0, 1, 0, 2].item()) <= 1
