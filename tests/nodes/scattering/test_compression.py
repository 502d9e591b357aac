import numpy as np
import pytest
import torch
from contexts import make_context
from hypothesis import given
from hypothesis import strategies as st

from nodes.inversion.node import invert
from nodes.scattering.compression import compressed
from nodes.scattering.core.design import Design
from nodes.scattering.node import scatter
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError


class Target:
    design = Design()

    def __init__(self, logarithm=None, normalised=False):
        self.logarithm, self.normalised = logarithm, normalised


VALUES = np.random.default_rng(0).random((2, 5, 7)).astype(np.float32) * np.logspace(0, -3, 5)[:, None].astype(
    np.float32
)


def test_without_either_the_values_stay():
    assert compressed(Target(), VALUES, VALUES) is VALUES


@pytest.mark.parametrize("epsilon", [1e-4, 1e-2, 3.0])
def test_the_logarithm_is_of_one_and_the_value_over_the_mean(epsilon):
    found = compressed(Target(epsilon), VALUES, VALUES)
    mean = VALUES.astype(np.float64).mean((0, 2))[:, None]
    np.testing.assert_allclose(found, np.log1p(VALUES / (epsilon * mean)), rtol=1e-5)


def test_normalised_paths_have_a_mean_of_one():
    found = compressed(Target(normalised=True), VALUES, VALUES)
    np.testing.assert_allclose(found.mean((0, 2)), 1, rtol=1e-5)


@pytest.mark.parametrize("choice", [{}, {"logarithm": 1.0}, {"normalise": True}], ids=str)
def test_a_stereo_sound_is_where_its_own_scattering_leads(tmp_path, choice):
    """Every channel is descended on its own: the means of the target must not depend on which."""
    levels = np.array([[1.0], [0.1]], np.float32)
    stereo = Audio(levels * np.random.default_rng(1).standard_normal((2, 3000)).astype(np.float32), 8000)
    context = make_context(tmp_path)
    target = scatter(stereo, octaves=6, quality=4, **choice, context=context)
    invert([target], stereo, iterations=0, context=context)
    (error,) = [value for _, metric, value, _ in context.recorder.metrics if metric == "error.1"]
    assert error < 1e-3


def test_both_are_the_logarithm():
    both, alone = (compressed(Target(0.1, normalised), VALUES, VALUES) for normalised in (True, False))
    np.testing.assert_array_equal(both, alone)


@pytest.mark.parametrize("target", [Target(0.01), Target(normalised=True)], ids=["logarithm", "normalised"])
def test_tensors_are_compressed_as_arrays_are_by_the_means_of_the_reference(target):
    other = VALUES[:, :, :3] * 2
    found = compressed(target, torch.tensor(other), VALUES)
    np.testing.assert_allclose(found.numpy(), compressed(target, other, VALUES), rtol=1e-5)
    assert found.dtype == torch.float32


@given(st.sampled_from([1e-6, 1e-3, 1.0, 1e6]), st.booleans(), st.sampled_from([0.0, 1e-30, 1e-12]))
def test_quiet_paths_and_silence_stay_finite(epsilon, normalised, level):
    values = VALUES * np.float32(level)
    target = Target(None if normalised else epsilon, normalised)
    found = compressed(target, values, values)
    assert np.isfinite(found).all() and (found >= 0).all()
    assert found.any() == (level > 0)


@pytest.mark.parametrize("choice", [{"logarithm": 1e-3}, {"logarithm": 1e-6}, {"normalise": True}], ids=str)
def test_a_sound_can_be_compared_with_silence(tmp_path, choice):
    silence = Audio(np.zeros((1, 2000), np.float32), 8000)
    target = scatter(silence, octaves=6, quality=4, **choice, context=make_context(tmp_path))
    assert not any(values.any() for values in target.coefficients().values())
    samples = torch.randn(1, 2000, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = sum(values.square().sum() for values in target.analysis(2000, "cpu")(samples).values())
    loss.backward()
    assert np.isfinite(loss.item()) and torch.isfinite(samples.grad).all()


@pytest.mark.parametrize("choice", [{"logarithm": 1e-3}, {"normalise": True}], ids=str)
def test_a_path_far_below_the_others_counts_as_quiet(tmp_path, choice):
    tone = (0.5 * np.sin(0.3 * np.arange(4000))).astype(np.float32)
    target = scatter(
        Audio(tone[None], 8000), octaves=7, quality=8, precision="double", **choice, context=make_context(tmp_path)
    )
    for values in target.coefficients().values():
        assert np.isfinite(values).all()
    louder = scatter(
        Audio(4 * tone[None], 8000), octaves=7, quality=8, precision="double", **choice, context=make_context(tmp_path)
    )
    for name, values in target.coefficients().items():
        np.testing.assert_allclose(louder.coefficients()[name], values, rtol=1e-2, atol=1e-3 * values.max())


def test_means_over_the_sound_are_compressed_against_all_paths_of_their_order(tmp_path):
    audio = Audio(np.random.default_rng(3).standard_normal((1, 4000)).astype(np.float32), 8000)
    found = scatter(audio, octaves=7, quality=4, averaging="global", logarithm=0.5, context=make_context(tmp_path))
    expected = np.log1p(found.order1 / (0.5 * found.order1.mean()))
    np.testing.assert_allclose(found.coefficients()["order1"], expected, rtol=1e-5)
    with pytest.raises(MistakeError, match="divided by itself"):
        scatter(audio, averaging="global", normalise=True, context=make_context(tmp_path))
