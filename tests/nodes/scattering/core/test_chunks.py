import math

import numpy as np
import pytest
import torch
from slow_scattering import rel

from nodes.scattering.core.chunks import Chunks, chunk_length, transform_for
from nodes.scattering.core.design import Design
from nodes.scattering.core.differentiable import scatter
from nodes.scattering.core.transform import Transform
from pipelines.workers import set_workers

BASE = {"octaves": 6, "quality": 4, "averaging": 64, "band_octaves": 2}


def noise(length, channels=1):
    swelling = 1.2 + np.sin(np.arange(length) / 900)
    return torch.tensor(np.random.default_rng(0).standard_normal((channels, length)) * swelling)


@pytest.fixture
def workers():
    yield set_workers
    set_workers(0)


@pytest.mark.parametrize("wavelet", ["morlet", "gammatone"])
@pytest.mark.parametrize("boundary", ["reflect", "circular"])
@pytest.mark.parametrize(
    "form", [{}, {"kind": "time"}, {"band_averaging": 4}, {"averaging": 0}, {"orders": 1}], ids=str
)
def test_chunks_give_nearly_what_the_whole_gives(form, boundary, wavelet):
    design = Design(**BASE | form, boundary=boundary, wavelet=wavelet)
    samples = noise(2**14, 2)
    whole, parts = Transform(design, 2**14, dtype=torch.float64), Chunks(design, 2**14, 4096, dtype=torch.float64)
    wanted, found = whole.forward(samples), parts.forward(samples)
    np.testing.assert_allclose(parts.times, whole.times)
    assert rel(found.order1, wanted.order1) < 0.01
    assert design.orders == 1 or rel(found.order2, wanted.order2) < 0.04
    for name, paths in whole.paths().items():
        for mine, other in zip(parts.paths()[name], paths, strict=True):
            np.testing.assert_array_equal(mine, other)


def test_longer_chunks_are_nearer_to_the_whole():
    design, samples = Design(**BASE, boundary="circular"), noise(2**15)
    wanted = Transform(design, 2**15, dtype=torch.float64).forward(samples).order2
    errors = [
        rel(Chunks(design, 2**15, chunk, dtype=torch.float64).forward(samples).order2, wanted)
        for chunk in (512, 2048, 8192)
    ]
    assert errors[0] > errors[1] > errors[2] and errors[2] < 0.02


@pytest.mark.parametrize("length", [1, 2, 17, 511, 512, 513, 5000, 6007])
@pytest.mark.parametrize("averaging", [1, 64, 0])
def test_frames_are_as_many_and_at_the_same_places_as_of_the_whole(length, averaging):
    design = Design(**BASE | {"averaging": averaging})
    whole, parts = Transform(design, length), Chunks(design, length, 512)
    np.testing.assert_array_equal(parts.times, whole.times)
    found = parts.forward(noise(length).float())
    frames = math.ceil(length / averaging) if averaging else 1
    assert found.order1.shape[-1] == found.order2.shape[-1] == frames
    assert torch.isfinite(found.order1).all() and torch.isfinite(found.order2).all()


def test_their_cost_is_linear_in_the_length(monkeypatch):
    lengths, forward = [], Transform.forward

    def counted(self, samples):
        lengths.append(samples.shape[-1])
        return forward(self, samples)

    monkeypatch.setattr(Transform, "forward", counted)
    for length in (10_000, 40_000):
        lengths.clear()
        Chunks(Design(**BASE), length, 1024).forward(noise(length).float())
        assert set(lengths) == {1024} and len(lengths) == math.ceil(length / 512) + 1


def test_workers_change_no_bit(workers):
    found = []
    for count in (1, 2, 3):
        workers(count)
        transform = Chunks(Design(**BASE, band_averaging=4), 6007, 1024)
        samples = noise(6007, 2).float().requires_grad_()
        orders = scatter(samples, transform)
        sum(order.square().sum() for order in orders).backward()
        found.append((*(order.detach() for order in orders), samples.grad))
    for other in found[1:]:
        assert all(torch.equal(mine, its) for mine, its in zip(found[0], other, strict=True))


def test_long_sounds_are_taken_in_chunks_that_suit_the_design():
    design = Design(**BASE)
    assert chunk_length(design) == 2**17
    assert chunk_length(Design(**BASE | {"octaves": 15})) == 2**19
    assert chunk_length(Design(**BASE | {"averaging": 2**16})) == 2**19
    assert isinstance(transform_for(design, 2**18, None), Transform)
    assert isinstance(transform_for(design, 2**18 + 1, None), Chunks)
    assert isinstance(transform_for(design, 4096, 4096), Transform)
    assert isinstance(transform_for(design, 4097, 4096), Chunks)


def test_silence_beside_a_sound_stays_silent():
    samples = torch.zeros(1, 20_000)
    samples[0, 9000:9500] = noise(500)[0].float()
    found = Chunks(Design(**BASE), 20_000, 2048).forward(samples)
    assert not found.order1[..., : 6000 // 64].any() and not found.order2[..., 14_000 // 64 :].any()
    assert found.order1[..., 9200 // 64].any()


@pytest.mark.parametrize("batch", [2, 3, 100])
def test_several_chunks_at_once_give_what_one_after_the_other_gives(batch):
    torch.manual_seed(5)
    samples = torch.randn(2, 5000, dtype=torch.float64, requires_grad=True)
    design = Design(octaves=6, quality=4, averaging=64)
    found = []
    for size in (1, batch):
        order1, order2 = scatter(samples, Chunks(design, 5000, 1024, dtype=torch.float64, batch=size))
        (gradient,) = torch.autograd.grad((order1**2).sum() + (order2**2).sum(), samples)
        found.append((order1, order2, gradient))
    for one, several in zip(*found, strict=True):
        torch.testing.assert_close(several, one, rtol=1e-10, atol=1e-14)


def test_nothing_of_a_gradient_is_recorded_in_threads(monkeypatch, workers):
    workers(2)
    transform = Chunks(Design(**BASE), 5000, 1024)
    seen, wholes = [], {name: getattr(Transform, name) for name in ("forward", "adjoint")}

    def seeing(name):
        def method(self, *given):
            seen.append(any(tensor.requires_grad for tensor in given))
            return wholes[name](self, *given)

        return method

    for name in wholes:
        monkeypatch.setattr(Transform, name, seeing(name))
    order1, _ = scatter(noise(5000).float().requires_grad_(), transform)
    order1.sum().backward()
    assert len(seen) == 2 * 11 and not any(seen)
