from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from books import RATE, naive, random_book, same, tone_book
from contexts import RecordedContext, make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries import guiding, rebuilding
from nodes.dictionaries.book import Book, empty
from nodes.dictionaries.interlinking import interlinked
from nodes.dictionaries.node import dbm_guide, dbm_rebuild
from nodes.dictionaries.pursuit.dictionary import dictionary_of
from nodes.dictionaries.pursuit.searching import Course
from nodes.dictionaries.windows import WINDOWS, window_of
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError

Array = np.ndarray[Any, Any]


@pytest.fixture
def context(tmp_path: Path) -> RecordedContext:
    return make_context(tmp_path)


def noise(channels: int, samples: int, seed: int = 0) -> Audio:
    return Audio(np.random.default_rng(seed).uniform(-1, 1, (channels, samples)).astype(np.float32), RATE)


def basis_of(book: Book, atom: int, samples: int) -> Array:
    """Return samples × 2: cosine and sine of an atom, as far as it is heard."""
    start, length = int(book.starts[atom]), int(book.lengths[atom])
    times = np.arange(length)
    tone = np.exp(2j * np.pi * book.frequencies[atom] * times) * window_of(WINDOWS[book.windows[atom]], length)
    heard = (times + start >= 0) & (times + start < samples)
    basis = np.zeros((samples, 2))
    basis[start + times[heard]] = np.stack([tone.real, -tone.imag], 1)[heard]
    return basis


def projected(book: Book, sound: Array, passes: int) -> tuple[Array, Array]:
    """Return weights and residual, atom by atom in float64; faint phases and atoms that hardly sound have none."""
    left, weights = sound.astype(np.float64), np.zeros((len(sound), book.count), np.complex128)
    for _ in range(passes):
        for atom in range(book.count):
            basis = basis_of(book, atom, sound.shape[1])
            if np.sum(basis**2) < 0.01:
                continue
            found = np.linalg.pinv(basis, rcond=0.1) @ left.T
            left -= (basis @ found).T
            weights[:, atom] += (found[0] + 1j * found[1]) / 2
    return weights, left


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 25),
    channels=st.integers(1, 3),
    samples=st.integers(1, 2500),
    passes=st.integers(1, 3),
    seed=st.integers(0, 999),
)
def test_each_atom_is_projected_in_its_turn(
    count: int, channels: int, samples: int, passes: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    context = make_context(tmp_path_factory.getbasetemp())
    book, sound = random_book(count, 2, 2000, seed), noise(channels, samples, seed)
    found = dbm_guide(book, sound, passes=passes, improvement=0.0, context=context)
    weights, left = projected(book, sound.samples, passes)
    np.testing.assert_allclose(found.book.weights, weights, atol=2e-5)
    np.testing.assert_allclose(found.residual.samples, left, atol=2e-5)
    np.testing.assert_allclose(naive(found.book) + found.residual.samples, sound.samples, atol=1e-6)
    assert (found.book.channels, found.book.samples) == (channels, samples)
    assert found.book.weights.dtype == np.complex64
    for name in ("starts", "lengths", "frequencies", "windows"):
        np.testing.assert_array_equal(getattr(found.book, name), getattr(book, name))


def test_what_is_left_is_exact_beyond_the_digits_of_a_sound() -> None:
    book, sound = random_book(200, samples=3000, seed=3), noise(2, 3000).samples
    weights, left = np.zeros((2, 200), np.complex64), np.zeros((2, 3000))
    guiding.guide(book, sound, weights, left, 4, lambda energy: False)
    np.testing.assert_allclose(naive(replace(book, weights=weights)) + left, sound, atol=1e-12)


def test_an_atom_that_the_sound_is_has_its_weight(context: RecordedContext) -> None:
    book = random_book(1, 2, samples=4000, seed=8)
    book = replace(book, starts=np.array([1000]))
    sound = Audio(naive(book).astype(np.float32), RATE)
    found = dbm_guide(book, sound, context=context)
    np.testing.assert_allclose(found.book.weights, book.weights, atol=1e-6)
    np.testing.assert_allclose(found.residual.samples, 0, atol=1e-6)


def test_passes_come_near_least_squares(context: RecordedContext) -> None:
    book = replace(
        random_book(30, seed=1),
        starts=np.arange(-50, 1900, 65),
        lengths=np.full(30, 256, np.int32),
        frequencies=np.random.default_rng(2).uniform(0.1, 0.4, 30),
        windows=np.full(30, WINDOWS.index("hann"), np.uint8),
    )
    sound = noise(1, 2000, 5)
    bases = np.concatenate([basis_of(book, atom, 2000) for atom in range(30)], 1)
    best = np.linalg.lstsq(bases, sound.samples[0].astype(float), rcond=None)[1][0]
    found = dbm_guide(book, sound, passes=50, improvement=0.0, context=context)
    assert np.sum(found.residual.samples.astype(float) ** 2) == pytest.approx(best, rel=1e-4)
    ratios = [value for _, name, value, _ in context.recorder.metrics if name == "snr"]
    assert (np.diff(ratios) > -1e-9).all()


def test_the_own_book_of_a_sound_makes_it_again(context: RecordedContext) -> None:
    times = np.arange(RATE)
    sound = Audio((0.3 * np.sin(2 * np.pi * 440 / RATE * times))[None].astype(np.float32), RATE)
    found = dbm_guide(tone_book(440.0, samples=RATE), sound, passes=50, improvement=0.0, context=context)
    assert np.square(found.residual.samples).sum() < 1e-5 * np.square(sound.samples).sum()


def test_it_is_what_the_other_sound_has_where_one_leads() -> None:
    generator = np.random.default_rng(4)
    a, b = generator.uniform(-1, 1, (2, 1, 4000)).astype(np.float32)
    a[:, :300], a[:, -300:], b[:, :300], b[:, -300:] = 0, 0, 0, 0  # so that nothing reaches beyond the ends
    course = Course(stretch=None, refresh=3.0)
    made = interlinked(a, b, RATE, dictionary_of((64, 256), "hann", 4, 1e-6), (150, 200.0), "lead", 0.5, course)
    weights, left = np.zeros((1, 150), np.complex64), np.zeros(b.shape)
    guiding.guide(made.a, b, weights, left, 1, lambda energy: False)
    np.testing.assert_allclose(weights, made.b.weights, atol=1e-5)
    np.testing.assert_allclose(left, made.residual_b, atol=1e-5)


def test_it_stops_at_the_ratio_and_where_a_pass_does_little(context: RecordedContext, tmp_path: Path) -> None:
    book, sound = random_book(300, samples=1000, seed=2, longest=200), noise(1, 1000)
    dbm_guide(book, sound, passes=50, improvement=0.0, context=context)
    ratios = [value for _, name, value, _ in context.recorder.metrics if name == "snr"]
    assert len(ratios) == 50
    there = make_context(tmp_path)
    dbm_guide(book, sound, passes=50, improvement=0.0, snr=ratios[3] - 1e-6, context=there)
    assert len(there.recorder.metrics) == 4
    little = make_context(tmp_path)
    dbm_guide(book, sound, passes=50, improvement=ratios[6] - ratios[5] + 1e-6, context=little)
    gains = np.diff([0.0, *ratios])
    assert len(little.recorder.metrics) == 1 + int(np.argmax(gains < ratios[6] - ratios[5] + 1e-6))


def test_windows_of_too_many_lengths_are_interpolated(
    context: RecordedContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, sound = random_book(60, samples=4000, seed=6, longest=900), noise(1, 4000)
    tabled = dbm_guide(book, sound, context=context)
    for module in (guiding, rebuilding):
        monkeypatch.setattr(module, "TABLED", 2000)
    parts = list(guiding._parts(book))
    assert len(parts) > 5
    assert max(len(part.table) for part in parts) <= 2000
    assert [part.first for part in parts[1:]] == [part.last for part in parts[:-1]]
    found = dbm_guide(book, sound, context=context)
    np.testing.assert_allclose(found.book.weights, tabled.book.weights, atol=1e-5)
    rebuilt = dbm_rebuild(found.book, context=context).samples
    np.testing.assert_allclose(rebuilt + found.residual.samples, sound.samples, atol=1e-6)


@pytest.mark.parametrize("part", [1, 7, 60])
def test_parts_do_not_matter(part: int, context: RecordedContext, monkeypatch: pytest.MonkeyPatch) -> None:
    book, sound = random_book(60, seed=6), noise(2, 4000)
    whole = dbm_guide(book, sound, passes=2, context=context)
    monkeypatch.setattr(guiding, "PART", part)
    parted = dbm_guide(book, sound, passes=2, context=context)
    assert same(whole.book, parted.book)
    np.testing.assert_array_equal(whole.residual.samples, parted.residual.samples)
    assert context.recorder.heard[-1] == ("atoms", 120, 120)


@pytest.mark.parametrize(
    ("book", "sound"),
    [
        (empty(1, 1000, RATE), noise(2, 500)),
        (random_book(5), Audio(np.zeros((1, 0), np.float32), RATE)),
        (random_book(5), Audio(np.zeros((14, 800), np.float32), RATE)),
        (random_book(5, 8), noise(1, 1)),
        (replace(random_book(9), starts=np.full(9, 10**9)), noise(1, 300)),
    ],
    ids=["no atoms", "no samples", "silence", "one sample", "beyond the end"],
)
def test_edges(book: Book, sound: Audio, context: RecordedContext) -> None:
    found = dbm_guide(book, sound, passes=3, context=context)
    assert found.book.weights.shape == (sound.channels, book.count)
    assert np.isfinite(found.book.weights).all()
    np.testing.assert_allclose(naive(found.book) + found.residual.samples, sound.samples, atol=1e-6)


def test_mistakes(context: RecordedContext) -> None:
    with pytest.raises(MistakeError, match="another sample rate"):
        dbm_guide(random_book(3), Audio(np.ones((1, 9), np.float32), 44100), context=context)
    with pytest.raises(MistakeError, match="finite"):
        dbm_guide(random_book(3), Audio(np.full((1, 9), np.inf, np.float32), RATE), context=context)


def test_the_plan_knows_the_form() -> None:
    rule = dbm_guide.__node__.facts  # type: ignore[attr-defined]
    audio = {"sample_rate": RATE, "channels": 2, "duration": 3.0, "kind": "Audio"}
    found = rule({"book": {"sample_rate": RATE, "channels": 1, "duration": 1.0}, "audio": audio}, {})
    assert found["book"] == found["residual"] == {"sample_rate": RATE, "channels": 2, "duration": 3.0}


def test_weighing_is_compiled_for_one_signature(context: RecordedContext) -> None:
    guiding.compile_all()
    assert guiding.compiled_at_hand()
    dbm_guide(random_book(3), noise(3, 900), context=context)
    assert len(guiding.weigh.signatures) == 1  # type: ignore[attr-defined]
