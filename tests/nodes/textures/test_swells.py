"""Swells: where they count, and what edits and blends make of them."""

from dataclasses import replace

import numpy as np
import pytest
from contexts import make_context
from pydantic import TypeAdapter

from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.editing.parameters import Edits
from nodes.textures.measuring import statistics_of
from nodes.textures.node import blend, texture_edit
from nodes.textures.quality.scoring import scores_of_halves
from nodes.values.audio import Audio

RATE = 4000
MODEL = AuditoryModel(RATE, highest=2000.0, bands=8, modulation_bands=6)
SWELLS = ("swell_correlation", "swell_coupling")


def edit(*edits):
    return TypeAdapter(Edits).validate_python(list(edits))


def wind(seconds, seed=0):
    draw, time = np.random.default_rng(seed), np.arange(round(seconds * RATE)) / RATE
    level = np.exp(0.8 * np.sin(2 * np.pi * 0.4 * time))
    return Audio((0.05 * level * draw.standard_normal((1, len(time)))).astype(np.float32), RATE)


@pytest.fixture(scope="module")
def long():
    return statistics_of(wind(6), MODEL)


@pytest.mark.parametrize(("source", "made", "counts"), [(6, 6, True), (6, 2, False), (2, 6, False), (3, 3, True)])
def test_swells_count_where_there_are_some(source, made, counts):
    weights = statistics_of(wind(source), MODEL).emphasis_for(made * RATE)
    for name in SWELLS:
        assert (name not in weights or weights[name].any()) == counts


def test_swells_do_not_count_where_statistics_move(long, tmp_path):
    context = make_context(tmp_path)
    moving = texture_edit(long, edits=edit({"class": "swells", "amount": [[0, 1], [4, 2]]}), context=context)
    assert not any(moving.emphasis_for(6 * RATE)[name].any() for name in SWELLS)
    assert any("swells are not heard" in note for note in context.recorder.notes)
    assert moving.closes(6 * RATE)


def test_an_amount_multiplies_the_coupling(long, tmp_path):
    for amount in (0, 0.5, 2):
        found = texture_edit(
            long, edits=edit({"class": "swell_coupling", "amount": amount}), context=make_context(tmp_path)
        )
        np.testing.assert_allclose(
            found.classes["swell_coupling"], amount * long.classes["swell_coupling"], rtol=1e-5, atol=1e-7
        )


def test_a_blend_takes_swells_from_sounds_that_are_long_enough(long, tmp_path):
    short = statistics_of(wind(1, seed=3), MODEL)
    found = blend([short, long], context=make_context(tmp_path))
    for name in SWELLS:
        np.testing.assert_array_equal(found.classes[name], long.classes[name])
    alone = blend([short, replace(short, samples=short.samples)], context=make_context(tmp_path))
    np.testing.assert_allclose(alone.classes["swell_coupling"], short.classes["swell_coupling"], rtol=1e-6)


@pytest.mark.parametrize(("seconds", "known"), [(8, True), (5, False)])
def test_halves_that_are_too_short_have_no_score_of_swells(seconds, known):
    sound = wind(seconds)
    scores = scores_of_halves(sound.samples, statistics_of(sound, MODEL), [0], 30.0, "cpu")
    for name in SWELLS:
        assert np.isfinite(scores[0][name]) == known
