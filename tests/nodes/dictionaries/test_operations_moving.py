from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from books import RATE, alone, edge_books, random_book, same, tone_book
from contexts import RecordedContext, make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries.book import NEAR, Book
from nodes.dictionaries.node import (
    dbm_bleed,
    dbm_jitter,
    dbm_pad,
    dbm_quantise,
    dbm_reverse,
    dbm_scrub,
    dbm_stretch,
    dbm_transpose,
    dbm_window,
)
from nodes.dictionaries.operations.facts import pad_facts
from nodes.dictionaries.operations.moving import integral
from nodes.dictionaries.rebuilding import rebuilt
from nodes.dictionaries.windows import WINDOWS, window_of
from pipelines.mistakes import MistakeError
from pipelines.quantities import Envelope
from pipelines.value import freeze


def constant(value: float) -> Envelope:
    return Envelope(((0.0, value),))


def steadiness(sound: np.ndarray, frequency: float, level: float, settle: int = 1200) -> float:
    """Return the greatest deviation from the steady sinusoid of best phase, relative to its level."""
    places = np.arange(len(sound))[settle:-settle]
    part = sound[settle:-settle].astype(np.float64)
    tone = np.exp(2j * np.pi * frequency / RATE * places)
    basis = np.stack([tone.real, tone.imag], 1)
    found = np.linalg.lstsq(basis, part, rcond=None)[0]
    assert np.hypot(*found) == pytest.approx(level, rel=0.01)
    return float(np.abs(part - basis @ found).max() / level)


@pytest.fixture
def context(tmp_path: Path) -> RecordedContext:
    return make_context(tmp_path)


SOME = Envelope(((0.0, 0.5), (0.3, 2.0), (0.3, 1.0)))
OPERATIONS: list[tuple[Callable[..., Book], dict[str, Any], bool]] = [
    (dbm_stretch, {"factor": SOME}, False),
    (dbm_stretch, {"factor": constant(3), "atoms": "kept", "phases": "kept"}, False),
    (dbm_reverse, {}, False),
    (dbm_reverse, {"atoms": "forwards"}, False),
    (dbm_scrub, {"position": Envelope(((0.0, 0.0), (0.2, 0.3), (0.3, 0.3), (0.5, 0.0)))}, True),
    (dbm_scrub, {"position": constant(0.2), "duration": 0.5, "phases": "kept"}, True),
    (dbm_jitter, {"time": SOME, "frequency": SOME, "distribution": "normal"}, True),
    (dbm_transpose, {"semitones": SOME}, True),
    (dbm_transpose, {"semitones": constant(-7), "phases": "kept"}, True),
    (dbm_quantise, {"multiples": 110.0}, True),
    (dbm_quantise, {"scale": [0.0, 3.5, 7.0], "strength": constant(0.5)}, True),
    (dbm_quantise, {"notes": [220.0, 330.0], "phases": "kept"}, True),
    (dbm_bleed, {"factor": SOME}, False),
    (dbm_bleed, {"factor": constant(8), "keep": "amplitude"}, False),
    (dbm_window, {"window": "gamma", "keep": "amplitude"}, False),
]


@pytest.mark.parametrize(("operation", "parameters", "told"), OPERATIONS)
@pytest.mark.parametrize("book", edge_books())
def test_edges(
    operation: Callable[..., Book], parameters: dict[str, Any], told: bool, book: Book, tmp_path: Path
) -> None:
    found = operation(freeze(book), **parameters, **({"context": make_context(tmp_path)} if told else {}))
    kinds = [getattr(found, name).dtype for name in ("starts", "lengths", "frequencies", "windows", "weights")]
    assert kinds == [np.int64, np.int32, np.float64, np.uint8, np.complex64]
    assert found.weights.shape == (book.channels, found.count)
    assert not found.count or (found.lengths.min() >= 1 and 0 <= found.frequencies.min() <= 0.5)
    assert np.isfinite(rebuilt(found)).all()


@given(st.integers(0, 50), st.integers(1, 4), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_nothing_is_nothing(tmp_path_factory: pytest.TempPathFactory, count: int, channels: int, seed: int) -> None:
    book = freeze(random_book(count, channels, seed=seed))
    context = make_context(tmp_path_factory.mktemp("c"), seed)
    for atoms in ("stretched", "kept"):
        assert same(dbm_stretch(book, factor=constant(1), atoms=atoms), book)
        assert same(dbm_stretch(book, factor=Envelope(((0.0, 1.0), (0.1, 1.0))), atoms=atoms), book)
    assert same(dbm_transpose(book, semitones=constant(0), context=context), book)
    assert same(dbm_jitter(book, context=context), book)
    assert same(dbm_quantise(book, multiples=100.0, strength=constant(0), context=context), book)
    for keep in ("energy", "amplitude"):
        assert same(dbm_bleed(book, factor=constant(1), keep=keep), book)
    for window in WINDOWS:
        own = book.taken(book.windows == WINDOWS.index(window))
        assert same(dbm_window(own, window=window), own)
        assert same(dbm_window(own, window=window, keep="amplitude"), own)


@given(st.integers(0, 50), st.integers(1, 4), st.integers(0, 99), st.sampled_from(["advanced", "kept"]))
@settings(max_examples=25, deadline=None)
def test_reversed_twice_is_as_it_was(count: int, channels: int, seed: int, phases: str) -> None:
    book = freeze(random_book(count, channels, seed=seed))
    for atoms in ("reversed", "forwards"):
        again = dbm_reverse(dbm_reverse(book, atoms=atoms, phases=phases), atoms=atoms, phases=phases)
        assert same(replace(again, weights=book.weights), book)
        np.testing.assert_allclose(again.weights, book.weights, rtol=1e-6)


@pytest.mark.parametrize("window", WINDOWS)
def test_reversed_is_the_sound_backwards(window: str) -> None:
    book = random_book(50, 2)
    book = replace(book, windows=np.full(50, WINDOWS.index(window), np.uint8))
    off = np.abs(rebuilt(dbm_reverse(book)) - rebuilt(book)[:, ::-1]).max() / np.abs(rebuilt(book)).max()
    assert off < (1e-2 if window == "gauss" else 1e-5)  # a Gaussian is cut off 70 dB down on one side


def test_forwards_keeps_each_atom_where_it_would_be_backwards() -> None:
    book = random_book(30)
    turned, forwards = dbm_reverse(book), dbm_reverse(book, atoms="forwards")
    assert np.abs(turned.centres - forwards.centres).max() * RATE < 1.01
    kept = dbm_reverse(book, atoms="forwards", phases="kept")
    np.testing.assert_array_equal(kept.weights, book.weights)
    np.testing.assert_array_equal(kept.windows, book.windows)


def test_a_tone_that_is_reversed_forwards_is_a_tone() -> None:
    assert steadiness(rebuilt(dbm_reverse(tone_book(441.3), atoms="forwards"))[0], 441.3, 0.5) < 1e-3


@pytest.mark.parametrize("factor", [0.5, 1.37, 2.0, 3.3])
def test_a_stretched_tone_is_a_tone(factor: float) -> None:
    book = dbm_stretch(tone_book(441.3), factor=constant(factor))
    assert book.samples == round(16000 * factor)
    assert steadiness(rebuilt(book)[0], 441.3, 0.5) < 0.02


def test_a_tone_stretched_by_an_envelope_is_a_tone() -> None:
    book = dbm_stretch(tone_book(441.3), factor=Envelope(((0.0, 1.0), (2.0, 2.0))))
    assert book.samples == 24_000
    assert steadiness(rebuilt(book)[0], 441.3, 0.5) < 0.03


def test_kept_atoms_are_as_long_and_more_apart() -> None:
    before = tone_book(441.3)
    book = dbm_stretch(before, factor=constant(2), atoms="kept", phases="kept")
    np.testing.assert_array_equal(book.lengths, before.lengths)
    np.testing.assert_array_equal(book.weights, before.weights)
    np.testing.assert_allclose(book.centres, before.centres * 2, atol=1 / RATE)
    assert steadiness(rebuilt(dbm_stretch(before, factor=constant(2), atoms="kept"))[0], 441.3, 0.25) < 1e-3


@given(
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 5)), min_size=1, max_size=5),
    st.floats(-1, 7),
)
def test_the_integral_of_an_envelope(points: list[tuple[float, float]], time: float) -> None:
    envelope = Envelope(tuple(sorted(points, key=lambda point: point[0])))
    grid = np.linspace(min(0.0, time), max(0.0, time), 20_001)
    values = envelope.at(grid)
    area = np.sum((values[1:] + values[:-1]) / 2 * np.diff(grid)) * np.sign(time)
    assert integral(envelope, np.array([time]))[0] == pytest.approx(area, abs=0.02)


def test_a_whole_scrub_is_the_book(context: RecordedContext) -> None:
    book = random_book(80, 2, longest=900)
    whole = Envelope(((0.0, 0.0), (book.duration, book.duration)))
    scrubbed = dbm_scrub(book, position=whole, context=context)
    assert scrubbed.samples == book.samples
    np.testing.assert_allclose(rebuilt(scrubbed), rebuilt(book), atol=1e-5)


def test_a_tone_that_stands_still_goes_on(context: RecordedContext) -> None:
    book = dbm_scrub(tone_book(441.3), position=constant(1.0), duration=3.0, context=context)
    assert book.samples == 24_000
    assert steadiness(rebuilt(book)[0], 441.3, 0.5, settle=1) < 1e-3


@pytest.mark.parametrize("speed", [0.25, 1.7, -1.0])
def test_a_scrubbed_tone_is_a_tone(speed: float, context: RecordedContext) -> None:
    ends = (0.2, 0.2 + speed) if speed > 0 else (1.8, 1.8 + speed)
    way = Envelope(((0.0, ends[0]), (1.0, ends[1])))
    book = dbm_scrub(tone_book(441.3), position=way, hop=1 / 4, context=context)
    sound = rebuilt(book)[0]
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(sound), 1 / RATE) - 441.3) < 5
    assert power[near].sum() > 0.85 * power.sum()
    assert book.samples == RATE


def test_scrub_needs_a_duration(context: RecordedContext) -> None:
    with pytest.raises(MistakeError, match="how long"):
        dbm_scrub(random_book(3), position=constant(1.0), context=context)


def test_a_scrub_beyond_the_end_is_told(context: RecordedContext) -> None:
    book = random_book(30)
    dbm_scrub(book, position=Envelope(((0.0, 0.0), (1.0, 0.5))), context=context)
    assert not context.recorder.notes
    dbm_scrub(book, position=Envelope(((0.0, 0.0), (1.0, 2.0))), context=context)
    assert "75% of the result are beyond" in context.recorder.notes[0]


def test_a_padded_book_sounds_later_and_longer() -> None:
    book = random_book(40, 2)
    padded = rebuilt(dbm_pad(book, before=0.1, after=0.2))
    assert padded.shape == (2, book.samples + 800 + 1600)
    np.testing.assert_allclose(padded[:, 800:-1600], rebuilt(book), atol=1e-5)
    assert np.abs(padded[:, :800]).max() > 0.1 and np.abs(padded[:, -1600:]).max() > 0.1
    facts = pad_facts({"book": {"sample_rate": RATE, "duration": 2.0}}, {"before": 0.1, "after": 0.2})["value"]
    assert facts["duration"] == pytest.approx(2.3)


def test_struck_atoms_keep_their_attack() -> None:
    """An onset stays where it is when gamma atoms bleed, are stretched at their lengths, or come to be gamma."""
    book = replace(
        random_book(1),
        starts=np.array([2000]),
        lengths=np.array([800], np.int32),
        frequencies=np.array([0.1]),
        windows=np.array([WINDOWS.index("gamma")], np.uint8),
    )
    assert book.peaks[0] == pytest.approx(2100 / RATE)
    assert dbm_bleed(book, factor=constant(4)).peaks[0] == pytest.approx(2100 / RATE, abs=1 / RATE)
    assert dbm_stretch(book, factor=constant(0.25), atoms="kept").peaks[0] == pytest.approx(525 / RATE, abs=1 / RATE)
    for name in WINDOWS:
        found = dbm_window(book, window=name, keep="energy")  # type: ignore[arg-type]
        assert found.peaks[0] == pytest.approx(2100 / RATE, abs=1 / RATE)
        loudest = np.argmax(np.abs(rebuilt(replace(found, weights=found.weights * 0 + 1, frequencies=np.zeros(1)))[0]))
        assert name == "rectangular" or loudest == pytest.approx(2100, abs=2)


def test_jitter(tmp_path: Path) -> None:
    book = replace(random_book(2000, 2), frequencies=np.full(2000, 0.1))
    one, again, other = (
        dbm_jitter(book, time=constant(0.1), frequency=constant(2), context=make_context(tmp_path, seed))
        for seed in (1, 1, 2)
    )
    assert same(one, again)
    assert not same(one, other)
    ways, semitones = (one.starts - book.starts) / RATE, 12 * np.log2(one.frequencies / 0.1)
    assert 0.099 < np.abs(ways).max() <= 0.1001
    assert 1.99 < np.abs(semitones).max() <= 2
    assert abs(np.corrcoef(ways, semitones)[0, 1]) < 0.1
    np.testing.assert_allclose(np.abs(one.weights), np.abs(book.weights), rtol=1e-6)
    moved = dbm_jitter(book, time=constant(0.1), context=make_context(tmp_path, 1))
    np.testing.assert_array_equal(moved.starts, one.starts)
    np.testing.assert_array_equal(moved.weights, book.weights)
    normal = dbm_jitter(book, time=constant(0.1), distribution="normal", context=make_context(tmp_path, 1))
    assert np.std((normal.starts - book.starts) / RATE) == pytest.approx(0.1, rel=0.1)


@given(st.sampled_from([1 / 8, 1 / 3, 2.0, 8.0]), st.integers(0, 20))
@settings(max_examples=20, deadline=None)
def test_bleed_keeps_peaks_and_energy(factor: float, seed: int) -> None:
    book = random_book(40, 2, seed=seed)
    longer = dbm_bleed(book, factor=constant(factor))
    np.testing.assert_array_equal(longer.lengths, np.maximum(1, np.rint(book.lengths * factor)))
    np.testing.assert_allclose(longer.peaks, book.peaks, atol=1 / RATE)
    inside = np.minimum(book.frequencies, 0.5 - book.frequencies) * np.minimum(book.lengths, longer.lengths) >= NEAR
    np.testing.assert_allclose(longer.energies[inside], book.energies[inside], rtol=1e-5)
    louder = dbm_bleed(book, factor=constant(factor), keep="amplitude")
    wanted = book.energies * louder.lengths / book.lengths
    np.testing.assert_allclose(louder.energies[inside], wanted[inside], rtol=1e-5)


def test_energies_are_those_of_single_atoms() -> None:
    book = random_book(400, 2)
    slow = replace(book, frequencies=np.abs(np.where(np.arange(400) % 2, 0, 0.5) - 0.02 * book.frequencies))
    edges = replace(book, frequencies=np.where(np.arange(400) % 2, 0.0, 0.5))
    for each in (book, slow, edges):
        np.testing.assert_allclose(each.energies, alone(each), rtol=0.02, atol=1e-4)
    np.testing.assert_allclose(edges.energies, alone(edges), rtol=1e-5, atol=1e-5)


def test_a_tone_that_bleeds_is_a_tone() -> None:
    book = dbm_bleed(tone_book(441.3), factor=constant(2), keep="amplitude")
    assert steadiness(rebuilt(book)[0], 441.3, 1.0) < 1e-3


def test_a_window_keeps_energy_or_peaks() -> None:
    book = replace(random_book(30, samples=4000), frequencies=np.zeros(30), lengths=np.full(30, 512, np.int32))
    assert np.array_equal(np.abs(dbm_window(book, window="gamma").weights), np.abs(book.weights))
    louder = dbm_window(book, window="gamma", keep="amplitude")
    peaks = [window_of(WINDOWS[number], 512).max() for number in book.windows]
    before = np.abs(book.weights[0]) * peaks
    np.testing.assert_allclose(np.abs(louder.weights[0]) * window_of("gamma", 512).max(), before, rtol=1e-3)
