"""The bands of one sound with the modulations of another."""

import dataclasses

import numpy as np
import pytest
from contexts import make_context
from plane_sounds import RATE, audio, constant, metamodulate

from nodes.scattering.node import scatter
from pipelines.quantities import Envelope

SMALL = {"octaves": 9, "quality": 6, "averaging": 1 / 16}


def noise(channels=1, seed=0, beat=0.0):
    t = np.arange(RATE) / RATE
    loud = 0.1 * (1 + np.cos(2 * np.pi * beat * t))
    return audio(*(loud * np.random.default_rng(seed).standard_normal((channels, RATE))))


def tone(frequency):
    return audio(0.1 * np.sin(2 * np.pi * frequency * np.arange(RATE) / RATE))


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    return make_context(tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="module")
def pair(context):
    return scatter(noise(), **SMALL, context=context), scatter(noise(seed=1, beat=30.0), **SMALL, context=context)


@pytest.mark.parametrize("levels", [None, "absolute", "ratio"])
@pytest.mark.parametrize("choices", [{}, {"octave_averaging": 1.0}, {"octave_averaging": "global"}, {"kind": "time"}])
def test_a_hybrid_with_itself_is_itself(context, levels, choices):
    source = scatter(noise(2), **SMALL, **choices, context=context)
    found = metamodulate(source, source, levels=levels)
    assert np.array_equal(found.order1, source.order1)
    assert np.array_equal(found.order2, source.order2)


def test_a_hybrid_has_the_bands_of_one_and_the_modulations_of_the_other(pair):
    first, second = pair
    found = metamodulate(first, second)
    assert np.array_equal(found.order1, first.order1)
    assert np.array_equal(found.order2, second.order2)
    assert np.array_equal(metamodulate(first, second, hybrid=constant(0)).order2, first.order2)
    half = metamodulate(first, second, hybrid=constant(0.5)).order2
    np.testing.assert_allclose(half, (first.order2 + second.order2) / 2, rtol=1e-5)
    moving = metamodulate(first, second, hybrid=Envelope(((0.0, 0.0), (0.5, 1.0)))).order2
    late = first.times >= 0.5
    assert np.array_equal(moving[..., late], second.order2[..., late])
    assert np.array_equal(moving[..., 0], first.order2[..., 0])


@pytest.mark.parametrize("choices", [{}, {"octave_averaging": 1.0}, {"octave_averaging": "global"}, {"kind": "time"}])
def test_the_ratio_to_the_first_order_is_kept_whatever_the_level(context, choices):
    quiet, loud = (scatter(audio(g * noise().samples[0]), **SMALL, **choices, context=context) for g in (0.01, 1.0))
    found = metamodulate(loud, quiet, levels="ratio")
    np.testing.assert_allclose(found.order2, loud.order2, rtol=2e-3, atol=1e-5 * loud.order2.max())


def test_no_band_is_modulated_by_more_than_its_level(context):
    """Even where a tone is all that is heard of the second sound, and the other's bands lie elsewhere."""
    first, second = (scatter(sound, **SMALL, context=context) for sound in (noise(), tone(1000)))
    found = metamodulate(first, second, levels="ratio")
    assert np.isfinite(found.order2).all()
    assert found.order2.max() < 2 * first.order1.max()


def test_silence_has_no_modulations_to_give(context):
    source, silence = (scatter(sound, **SMALL, context=context) for sound in (noise(), audio(np.zeros(RATE))))
    assert not metamodulate(source, silence, levels="ratio").order2.any()
    assert metamodulate(silence, source, levels="ratio").order2.max() < 1e-3 * source.order2.max()


def test_one_channel_serves_all(context, pair):
    wide = scatter(noise(3), **SMALL, context=context)
    for levels in ("absolute", "ratio"):
        found = metamodulate(wide, pair[1], levels=levels)
        alone = dataclasses.replace(wide, order1=wide.order1[2:], order2=wide.order2[2:], colours=wide.colours[2:])
        np.testing.assert_allclose(found.order2[2:], metamodulate(alone, pair[1], levels=levels).order2, rtol=1e-6)


def test_the_hybrid_is_made_before_its_modulations_are_edited(pair):
    first, second = pair
    found = metamodulate(first, second, transpose_rate=constant(1), spin=constant(-1))
    wanted = metamodulate(second, transpose_rate=constant(1), spin=constant(-1))
    assert np.array_equal(found.order2, wanted.order2)
