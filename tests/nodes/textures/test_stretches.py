import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.stretches import AT_ONCE, EDGE, STRETCH, Stretches, measured, stretches_of
from pipelines.workers import set_workers

MODEL = AuditoryModel(2000, highest=1000.0, bands=6, modulation_bands=6)


@pytest.fixture(params=[1, 2, 4])
def _workers(request):
    set_workers(request.param)
    yield
    set_workers(0)


def noise(length, channels=1, seed=0):
    return 0.1 * torch.randn(channels, length, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(
    rate=st.sampled_from([8000, 44_100, 192_000]),
    seconds=st.floats(1e-3, 100),
    longest=st.sampled_from([STRETCH, 1.5]),
)
@settings(max_examples=200)
def test_stretches_cover_a_sound_evenly(rate, seconds, longest):
    length = max(10, round(seconds * rate))
    layout = stretches_of(AuditoryModel(rate), length, longest)
    starts = np.array(layout.starts)
    assert starts[0] == 0 and starts[-1] + layout.samples == length
    assert layout.samples <= layout.size and layout.samples <= round(longest * rate) + 1
    assert (np.diff(starts) > 0).all() and (np.diff(starts) <= layout.samples - layout.edge).all()
    assert layout.edge == round(min(EDGE * rate, 0.2 * min(length, round(longest * rate))))
    assert (len(starts) == 1) == (length <= round(longest * rate))
    assert layout.centres[0] == pytest.approx(layout.samples / rate / 2) and len(layout.centres) == len(starts)


def test_a_sound_of_one_stretch_is_measured_whole():
    sound = noise(4000)
    layout = stretches_of(MODEL, 4000)
    assert layout.starts == (0,) and layout.samples == 4000
    found = Stretches(MODEL, layout, "cpu", torch.float64)(sound)
    padded = torch.nn.functional.pad(sound, (0, layout.size - 4000))
    alone = MODEL.measurement(layout.size, 2.0, layout.edge / 2000, "cpu", torch.float64)(padded)
    for name, values in alone.items():
        np.testing.assert_array_equal(found[name][:, :, 0].numpy(), values.numpy())


@pytest.mark.parametrize(("channels", "seconds"), [(1, 14), (3, 2), (2, 14)])
@pytest.mark.usefixtures("_workers")
def test_one_by_one_gives_the_values_and_gradients_of_all_at_once(channels, seconds):
    length = 2000 * seconds
    layout = stretches_of(MODEL, length)
    measure = Stretches(MODEL, layout, "cpu", torch.float64)
    assert channels * len(layout.starts) > AT_ONCE["cpu"]
    sounds = noise(length, channels).requires_grad_()
    found = measure(sounds)
    cut = torch.stack([sounds[:, start : start + layout.samples] for start in layout.starts])
    padded = torch.nn.functional.pad(cut, (0, layout.size - layout.samples)).flatten(0, 1)
    direct = {n: v.unflatten(0, (-1, channels)).movedim(0, -1) for n, v in measure._measure(padded, channels).items()}
    gradients = []
    for each in (found, direct):
        total = sum((v.square() * (1 + torch.arange(v.shape[-1]))).sum() for v in each.values())
        gradients.append(torch.autograd.grad(total, sounds)[0])
    for name, values in direct.items():
        assert found[name].shape == (channels, len(MODEL.axes()[name]["frequency"]), len(layout.starts))
        np.testing.assert_allclose(found[name].detach().numpy(), values.detach().numpy(), rtol=1e-9, atol=1e-12)
    scale = gradients[1].abs().max()
    assert (gradients[0] - gradients[1]).abs().max() < 1e-9 * scale


def test_the_number_of_workers_changes_no_bit():
    sounds = noise(28_000, 2).float()
    measure = Stretches(MODEL, stretches_of(MODEL, 28_000), "cpu")
    results = []
    try:
        for count in (1, 2, 3):
            set_workers(count)
            place = sounds.clone().requires_grad_()
            found = measure(place)
            (gradient,) = torch.autograd.grad(sum(v.sum() for v in found.values()), place)
            results.append([*(v.detach() for v in found.values()), gradient])
    finally:
        set_workers(0)
    for other in results[1:]:
        assert all(torch.equal(one, two) for one, two in zip(results[0], other, strict=True))


def test_a_class_that_does_not_count_needs_no_gradient():
    sounds = noise(28_000).requires_grad_()
    found = Stretches(MODEL, stretches_of(MODEL, 28_000), "cpu", torch.float64)(sounds)
    (gradient,) = torch.autograd.grad(found["envelope_mean"].sum(), sounds)
    assert torch.isfinite(gradient).all() and gradient.abs().max() > 0


def test_channels_and_stretches_do_not_mix():
    sounds = noise(16_000, 2)
    layout = stretches_of(MODEL, 16_000)
    measure = Stretches(MODEL, layout, "cpu", torch.float64)
    once = measure(sounds)
    changed = sounds.clone()
    changed[1, : layout.starts[1]] *= 2
    again = measure(changed)
    for name in once:
        np.testing.assert_allclose(again[name][:, :, 1:].numpy(), once[name][:, :, 1:].numpy(), atol=1e-12)
        if name not in MODEL.linked:
            np.testing.assert_allclose(again[name][0].numpy(), once[name][0].numpy(), atol=1e-12)
    assert not torch.allclose(again["band_power"][1, :, 0], once["band_power"][1, :, 0])


@pytest.mark.parametrize("seconds", [2, 14])
def test_what_channels_have_in_common_does_not_depend_on_how_they_are_measured(seconds):
    sounds = noise(2000 * seconds, 3)
    sounds[1] += sounds[0]
    found = measured(sounds.float().numpy(), MODEL, "cpu")
    assert (found["interaural_coherence"][1, 0::2] > 0.3).all() and found["interaural_correlation"][1].min() > 0
    pair = measured(sounds[:2].float().numpy(), MODEL, "cpu")
    for name in MODEL.linked:
        np.testing.assert_allclose(found[name][1], pair[name][1], atol=1e-5)
    alone = measured(sounds[:1].float().numpy(), MODEL, "cpu")
    assert set(alone) == set(pair) - set(MODEL.linked)
    np.testing.assert_allclose(pair["interaural_coherence"][0, 1::2], -pair["interaural_coherence"][1, 1::2], atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 3999), (1, 4001), (4000,)])
def test_sounds_of_another_length_are_refused(shape):
    measure = Stretches(MODEL, stretches_of(MODEL, 4000), "cpu")
    with pytest.raises(ValueError, match="channels × 4000"):
        measure(torch.zeros(shape))
