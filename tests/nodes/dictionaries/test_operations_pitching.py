from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from books import RATE, random_book, tone_book
from contexts import make_context
from hypothesis import given
from hypothesis import strategies as st

from nodes.dictionaries.node import dbm_quantise, dbm_transpose
from nodes.dictionaries.operations.moving import integral
from nodes.dictionaries.operations.pitching import _mean_factor, octaves_of, to_multiples, to_notes
from nodes.dictionaries.rebuilding import rebuilt
from pipelines.mistakes import MistakeError
from pipelines.quantities import Envelope

Array = np.ndarray[Any, Any]


def constant(value: float) -> Envelope:
    return Envelope(((0.0, value),))


def tone(frequency: float, phase: Array | float = 0.0) -> Array:
    return np.asarray(0.5 * np.cos(2 * np.pi * frequency * np.arange(16000) / RATE + phase))


@pytest.mark.parametrize(("semitones", "factor"), [(12.0, 2.0), (-12.0, 0.5), (7.0, 2 ** (7 / 12))])
def test_a_transposed_tone_is_a_tone(semitones: float, factor: float, tmp_path: Path) -> None:
    book = tone_book(441.3)
    higher = dbm_transpose(book, semitones=constant(semitones), context=make_context(tmp_path))
    np.testing.assert_array_equal(higher.frequencies, book.frequencies * factor)
    np.testing.assert_allclose(rebuilt(higher)[0], tone(441.3 * factor), atol=1e-5)


def test_a_glissando_has_the_phase_of_its_integral(tmp_path: Path) -> None:
    book = tone_book(441.3, length=256)
    rising = dbm_transpose(book, semitones=Envelope(((0.0, 0.0), (2.0, 12.0))), context=make_context(tmp_path))
    times = np.arange(16000) / RATE
    # ∫ 2^(t/2) dt = 2 (2^(t/2) - 1) / ln 2
    expected = 0.5 * np.cos(2 * np.pi * 441.3 * 2 * (2 ** (times / 2) - 1) / np.log(2))
    assert np.abs(rebuilt(rising)[0] - expected)[300:-300].max() < 0.02


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(-24, 24)), min_size=1, max_size=4), st.floats(-1, 4))
def test_the_integral_of_a_factor(points: list[tuple[float, float]], time: float) -> None:
    envelope = Envelope(tuple(sorted(points, key=lambda point: point[0])))
    grid = np.linspace(min(0.0, time), max(0.0, time), 20_001)
    values = 2 ** (envelope.at(grid) / 12)
    area = np.sum((values[1:] + values[:-1]) / 2 * np.diff(grid)) * np.sign(time)
    assert integral(envelope, np.array([time]), _mean_factor)[0] == pytest.approx(area, abs=0.02)


def test_kept_phases_are_those_of_middles(tmp_path: Path) -> None:
    book = random_book(20)
    kept = dbm_transpose(book, semitones=constant(-5), phases="kept", context=make_context(tmp_path))

    def middles(any_book: Any) -> Array:
        return np.asarray(any_book.weights * np.exp(1j * np.pi * any_book.frequencies * any_book.lengths))

    np.testing.assert_allclose(middles(kept), middles(book), rtol=1e-5)


def test_atoms_beyond_half_the_rate_are_left_out(tmp_path: Path) -> None:
    book = replace(random_book(4), frequencies=np.array([0.0, 0.25, 0.2501, 0.5]))
    context = make_context(tmp_path)
    higher = dbm_transpose(book, semitones=constant(12), context=context)
    assert higher.frequencies.tolist() == [0.0, 0.5]
    assert context.recorder.notes == ["2 of 4 atoms would lie above 4000 Hz and are left out"]


@given(st.floats(0, 20_000), st.floats(1, 2000))
def test_multiples_are_the_nearest(frequency: float, note: float) -> None:
    found = float(to_multiples(np.array([frequency]), note)[0])
    candidates = note * np.arange(1, 20_002 // note + 3)
    assert found == 0 if frequency == 0 else abs(found - frequency) <= np.abs(candidates - frequency).min() + 1e-6


@given(st.floats(1, 20_000), st.lists(st.floats(20, 20_000), min_size=1, max_size=9))
def test_notes_are_the_nearest_in_semitones(frequency: float, notes: list[float]) -> None:
    found = float(to_notes(np.array([frequency]), notes)[0])
    assert abs(np.log2(found / frequency)) <= np.abs(np.log2(np.array(notes) / frequency)).min() + 1e-9


def test_scales_are_in_every_octave() -> None:
    notes = octaves_of([9.0, 0.0], 4000.0)
    for frequency in (440.0, 880.0, 220.0, 261.6255653, 3520.0):
        assert np.abs(notes - frequency).min() < 1e-4
    assert notes[0] < 10
    assert notes[-1] > 4000


def test_quantised_frequencies(tmp_path: Path) -> None:
    book = replace(random_book(4), frequencies=np.array([0.0, 90.0, 175.0, 3999.0]) / RATE)
    context = make_context(tmp_path)
    harmonics = dbm_quantise(book, multiples=110.0, context=context)
    np.testing.assert_allclose(harmonics.frequencies * RATE, [0, 110, 220, 3960])
    half = dbm_quantise(book, notes=[100.0, 160.0], strength=constant(0.5), context=context)
    np.testing.assert_allclose(half.frequencies * RATE, np.sqrt([0, 9000, 175 * 160, 3999 * 160]))
    assert not context.recorder.notes


def test_a_quantised_tone_is_a_tone(tmp_path: Path) -> None:
    book = dbm_quantise(tone_book(450.0), scale=[9.0], context=make_context(tmp_path))
    np.testing.assert_allclose(rebuilt(book)[0], tone(440.0), atol=1e-5)


def test_quantising_needs_one_aim(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    with pytest.raises(MistakeError, match="something to go to"):
        dbm_quantise(random_book(2), context=context)
    with pytest.raises(MistakeError, match="one thing"):
        dbm_quantise(random_book(2), multiples=100.0, notes=[200.0], context=context)
