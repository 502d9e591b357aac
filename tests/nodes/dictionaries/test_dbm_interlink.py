from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from contexts import RecordedContext, make_context
from exact_pursuit import sound_of
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries.book import Book
from nodes.dictionaries.interlinking import Interlinked, interlinked
from nodes.dictionaries.node import dbm_decompose, dbm_interlink
from nodes.dictionaries.node.interlinking import Interlinking
from nodes.dictionaries.pairing import Distances, pairs_of
from nodes.dictionaries.pursuit import blocks, sweeping
from nodes.dictionaries.pursuit.dictionary import dictionary_of
from nodes.dictionaries.pursuit.searching import Course
from nodes.dictionaries.windows import window_of
from nodes.values.audio import Audio
from pipelines.mistakes import MistakeError
from pipelines.workers import set_workers

Array = np.ndarray[Any, Any]
EXACT = Course(stretch=None, refresh=3.0)
SCALES, OVERLAP, WINDOW = (32, 128), 4, "hann"
PLACES = ("starts", "lengths", "frequencies", "windows")
SOUNDS = Path(__file__).parents[3] / "sounds"


@dataclass
class Naive:
    """Simultaneous matching pursuit as the definition has it: orthonormal bases of all atoms, every one looked at."""

    sound: Array
    importance: Array

    def __post_init__(self) -> None:
        longest = max(SCALES)
        self.residual = np.pad(self.sound.astype(np.float64), ((0, 0), (longest, 2 * longest)))
        self.bases = {}
        for scale in SCALES:
            phases = 2 * np.pi * np.outer(np.arange(scale // 2), np.arange(scale)) / scale
            waves = np.stack([np.cos(phases), np.sin(phases)], 2) * window_of(WINDOW, scale)[None, :, None]
            self.bases[scale] = (np.linalg.qr(waves)[0], waves)
            self.bases[scale][0][0, :, 1] = 0  # at 0 Hz there is no sine

    def counts(self) -> dict[int, Array]:
        """Return for each scale frames × bins × channels: the energy that an atom takes from each channel."""
        found = {}
        for scale, (bases, _) in self.bases.items():
            frames = np.lib.stride_tricks.sliding_window_view(self.residual, scale, axis=1)[:, :: scale // OVERLAP]
            found[scale] = np.square(np.einsum("cfs,bsk->fbck", frames, bases)).sum(3)
        return found

    def take_out(self, scale: int, start: int, number: int) -> Array:
        """Take an atom out of all channels; return its weights."""
        basis = self.bases[scale][1][number][:, : 2 if number else 1]
        part = self.residual[:, start + max(SCALES) :][:, :scale]
        found = np.linalg.lstsq(basis, part.T, rcond=None)[0]
        part -= (basis @ found).T
        return np.asarray((found[0] - (1j * found[1] if number else 0)) / 2)


def places(book: Book) -> list[tuple[int, int, int]]:
    bins = np.round(book.frequencies * book.lengths).astype(int)
    return list(zip(book.lengths.tolist(), book.starts.tolist(), bins.tolist(), strict=True))


def decays(channels: int, length: int, seed: int) -> Array:
    generator, times = np.random.default_rng(seed), np.arange(length)
    sound = 0.02 * generator.standard_normal((channels, length))
    for _ in range(8):
        after = times - generator.integers(length)
        tone = np.sin(generator.uniform(0.01, 3.1) * times) * np.exp(-after / generator.uniform(30, 300)) * (after >= 0)
        sound += generator.uniform(0.05, 0.3, (channels, 1)) * tone
    return np.asarray(sound, np.float32)


def exactly(a: Array, b: Array, mode: Any, balance: float, atoms: int) -> Interlinked:
    dictionary = dictionary_of(SCALES, WINDOW, OVERLAP, 1e-6)
    return interlinked(a, b, 44100, dictionary, (atoms, 200.0), mode, balance, EXACT)


def padded(a: Array, b: Array) -> Array:
    length = max(a.shape[1], b.shape[1])
    return np.concatenate([np.pad(each, ((0, 0), (0, length - each.shape[1]))) for each in (a, b)])


@pytest.mark.parametrize(
    ("mode", "balance", "channels"),
    [
        ("lead", 0.5, (1, 1)),
        ("lead", 0.5, (2, 1)),
        ("joint", 0.5, (1, 1)),
        ("joint", 0.8, (1, 2)),
        ("joint", 1.0, (1, 1)),
        ("joint", 0.0, (1, 1)),
        ("alternate", 0.5, (1, 2)),
    ],
)
def test_first_atoms_are_those_of_a_simultaneous_pursuit(mode: Any, balance: float, channels: tuple[int, int]) -> None:
    a, b = decays(channels[0], 700, 1), 3 * decays(channels[1], 600, 2)
    made = exactly(a, b, mode, balance, 80)
    assert places(made.a) == places(made.b)
    assert made.a.count == 80
    own = (slice(0, len(a)), slice(len(a), None))
    energies = [np.sum(each.astype(float) ** 2) for each in (a, b)]
    shares = np.repeat([balance / energies[0], (1 - balance) / energies[1]], channels)
    importances = [np.repeat([1.0, 0.0], channels)] if mode == "lead" else [shares]
    if mode == "alternate":
        importances = [np.repeat(each, channels) for each in ([1.0, 0.0], [0.0, 1.0])]
    naive = Naive(padded(a, b), importances[0])
    weights = np.concatenate([made.a.weights, made.b.weights]).T
    sizes = np.repeat([np.abs(each.weights).max() for each in (made.a, made.b)], channels)
    for (scale, start, number), weight in zip(places(made.a), weights, strict=True):
        counts = naive.counts()
        taken = counts[scale][(start + max(SCALES)) // (scale // OVERLAP), number]
        best = [max(float((each @ importance).max()) for each in counts.values()) for importance in importances]
        # one that is as good within rounding is as good
        assert any(taken @ importance > most * (1 - 1e-4) for importance, most in zip(importances, best, strict=True))
        np.testing.assert_allclose(weight / sizes, naive.take_out(scale, start, number) / sizes, atol=2e-5)
    for rows, residual in zip(own, (made.residual_a, made.residual_b), strict=True):
        left = naive.residual[rows, max(SCALES) :][:, : residual.shape[1]]
        np.testing.assert_allclose(residual, left, atol=1e-5)


def interlink(a: Array, b: Array, folder: Path, sample_rate: int = 44100, **parameters: Any) -> Interlinking:
    sounds = [Audio(np.atleast_2d(each).astype(np.float32), sample_rate) for each in (a, b)]
    return dbm_interlink(*sounds, context=make_context(folder), **parameters)


def snr_of(sound: Array, residual: Any) -> float:
    return float(10 * np.log10(np.sum(sound.astype(float) ** 2) / np.sum(residual.samples.astype(float) ** 2)))


def recording(name: str, seconds: float) -> Array:
    return np.asarray(soundfile.read(SOUNDS / name, always_2d=True, dtype="float32")[0][: round(seconds * 44100), :1].T)


@pytest.fixture(scope="module")
def pair() -> tuple[Array, Array]:
    return recording("narrator.flac", 1.5), recording("breakbeat.flac", 1.5)


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.tuples(st.integers(1, 2500), st.integers(1, 2500)),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    levels=st.tuples(st.sampled_from([0.0, 1e-4, 1.0]), st.sampled_from([0.0, 1e-4, 1.0])),
    mode=st.sampled_from(["lead", "alternate", "joint"]),
    balance=st.sampled_from([0.0, 1e-12, 0.2, 0.5, 1.0]),
    seed=st.integers(0, 9),
)
def test_each_book_and_its_residual_are_the_sound(
    lengths: tuple[int, int],
    channels: tuple[int, int],
    levels: tuple[float, float],
    mode: str,
    balance: float,
    seed: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    generator = np.random.default_rng(seed)
    a, b = (
        (level * generator.uniform(-1, 1, (count, length))).astype(np.float32)
        for level, count, length in zip(levels, channels, lengths, strict=True)
    )
    more: dict[str, Any] = {} if mode == "lead" else {"balance": balance}
    made = interlink(a, b, tmp_path_factory.getbasetemp(), mode=mode, scales=[32, 64, 256], atoms=60, snr=60, **more)
    for sound, book, residual in ((a, made.a, made.residual_a), (b, made.b, made.residual_b)):
        assert (book.channels, book.samples) == sound.shape == residual.samples.shape
        assert book.weights.dtype == np.complex64
        assert residual.samples.dtype == np.float32
        np.testing.assert_allclose(sound_of(book) + residual.samples, sound, atol=1e-6)
    for name in PLACES:
        np.testing.assert_array_equal(getattr(made.a, name), getattr(made.b, name))


def test_who_leads_has_the_book_that_it_has_alone(tmp_path: Path, pair: tuple[Array, Array]) -> None:
    made = interlink(*pair, tmp_path, mode="lead", atoms=2000)
    alone = dbm_decompose(Audio(pair[0], 44100), atoms=2000, context=make_context(tmp_path))
    for name in PLACES:
        np.testing.assert_array_equal(getattr(made.a, name), getattr(alone.book, name))
    np.testing.assert_allclose(made.a.weights, alone.book.weights, rtol=1e-6)
    np.testing.assert_allclose(made.residual_a.samples, alone.residual.samples, atol=1e-7)
    assert snr_of(pair[1], made.residual_b) > 0


def test_turns_and_both_at_once_serve_both_sounds(tmp_path: Path, pair: tuple[Array, Array]) -> None:
    ratios = {}
    for mode in ("lead", "alternate", "joint"):
        made = interlink(*pair, tmp_path, mode=mode, atoms=3000)
        ratios[mode] = (snr_of(pair[0], made.residual_a), snr_of(pair[1], made.residual_b))
    for mode in ("alternate", "joint"):
        assert ratios[mode][1] > ratios["lead"][1] + 5
        assert ratios["lead"][0] - 5 < ratios[mode][0] < ratios["lead"][0]


@pytest.mark.parametrize("mode", ["alternate", "joint"])
def test_balance_gives_the_one_more_and_the_other_less(mode: str, tmp_path: Path, pair: tuple[Array, Array]) -> None:
    made = [interlink(*pair, tmp_path, mode=mode, balance=balance, atoms=1000) for balance in (0.0, 0.2, 0.5, 0.8, 1.0)]
    of_a, of_b = ([snr_of(pair[row], each[2 + row]) for each in made] for row in (0, 1))
    assert (np.diff(of_a) > 0).all()
    assert (np.diff(of_b) < 0).all()
    lead = interlink(*pair, tmp_path, mode="lead", atoms=1000)
    assert of_a[-1] == pytest.approx(snr_of(pair[0], lead.residual_a), abs=0.01)


@pytest.mark.parametrize("mode", ["lead", "alternate", "joint"])
def test_two_threads_find_what_one_finds(mode: str, tmp_path: Path, pair: tuple[Array, Array]) -> None:
    made = []
    try:
        for count in (1, 2):
            set_workers(count)
            made.append(interlink(*pair, tmp_path, mode=mode, atoms=6000))
    finally:
        set_workers(0)
    for name in ("a", "b"):
        one, two = (getattr(each, name) for each in made)
        for field in (*PLACES, "weights"):
            np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
    np.testing.assert_array_equal(made[0].residual_b.samples, made[1].residual_b.samples)


def test_it_stops_where_the_sounds_are_there(tmp_path: Path, pair: tuple[Array, Array]) -> None:
    loud = (pair[0], 0.01 * pair[1])
    ratios = {}
    for mode in ("lead", "alternate", "joint"):
        made = interlink(*loud, tmp_path, mode=mode, snr=8)
        ratios[mode] = [snr_of(loud[0], made.residual_a), snr_of(loud[1], made.residual_b)]
    assert 8 <= ratios["lead"][0] < 8.3
    assert ratios["lead"][1] < 5
    assert 8 <= min(ratios["alternate"]) < 8.3
    assert 8 <= -10 * np.log10(np.mean(10 ** (-np.array(ratios["joint"]) / 10))) < 8.3


@pytest.mark.parametrize("mode", ["lead", "alternate", "joint"])
def test_silence_beside_a_sound(mode: str, tmp_path: Path, pair: tuple[Array, Array]) -> None:
    silence = np.zeros((2, 9000), np.float32)
    made = interlink(pair[0], silence, tmp_path, mode=mode, snr=10)
    assert snr_of(pair[0], made.residual_a) >= 10
    assert not made.b.weights.any()
    assert not made.residual_b.samples.any()
    turned = interlink(silence, pair[0], tmp_path, mode=mode, snr=10)
    assert not turned.a.weights.any()
    assert (turned.b.count == 0) == (mode == "lead")
    assert interlink(silence, silence, tmp_path, mode=mode).a.count == 0


def test_the_same_sound_twice_has_the_same_weights(tmp_path: Path, pair: tuple[Array, Array]) -> None:
    made = interlink(pair[0], 0.5 * pair[0], tmp_path, mode="joint", atoms=500)
    np.testing.assert_allclose(made.b.weights, 0.5 * made.a.weights, atol=1e-6)


@pytest.mark.parametrize("mode", ["lead", "alternate", "joint"])
def test_long_sounds_go_block_by_block(
    mode: str, tmp_path: Path, pair: tuple[Array, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = (pair[0], pair[1][:, :40_000])
    parameters: dict[str, Any] = {"mode": mode, "scales": [64, 256, 1024], "atoms": 3000}
    whole = interlink(*pair, tmp_path, **parameters)
    monkeypatch.setattr(blocks, "ROOM", 1)
    parted = interlink(*pair, tmp_path, **parameters)
    assert parted.a.count == 3000
    for row, book in enumerate((parted.a, parted.b)):
        np.testing.assert_allclose(sound_of(book) + parted[2 + row].samples, pair[row], atol=1e-6)
        assert abs(snr_of(pair[row], parted[2 + row]) - snr_of(pair[row], whole[2 + row])) < 3


def test_a_morph_pairs_each_atom_with_itself(tmp_path: Path, pair: tuple[Array, Array]) -> None:
    made = interlink(*pair, tmp_path, atoms=1000)
    pairs = pairs_of(made.a, made.b, Distances())
    rows = [np.stack([getattr(book, name) for name in PLACES]) for book in (made.a, made.b)]
    np.testing.assert_array_equal(rows[0][:, pairs[:, 0]], rows[1][:, pairs[:, 1]])


def test_eight_channels_of_192_khz_beside_one_sample(tmp_path: Path) -> None:
    made = interlink(decays(8, 3000, 3), np.array([[0.5]]), tmp_path, 192_000, snr=20)
    assert (made.a.channels, made.b.channels, made.b.samples, made.b.sample_rate) == (8, 1, 1, 192_000)
    assert snr_of(np.array([[0.5]]), made.residual_b) >= 20


def test_notes_tell_where_it_stopped(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 1, 8000)).astype(np.float32)
    context = make_context(tmp_path)
    dbm_interlink(Audio(noise[0], 44100), Audio(noise[1], 44100), context=context)
    assert "1814 atoms" in context.recorder.notes[0]
    assert {name for _, name, _, _ in context.recorder.metrics} == {"snr_a", "snr_b"}


def test_mistakes(tmp_path: Path) -> None:
    sound, context = np.ones((1, 500), np.float32), make_context(tmp_path)
    bad = sound.copy()
    bad[0, 7] = np.nan
    with pytest.raises(MistakeError, match="sample rates"):
        dbm_interlink(Audio(sound, 44100), Audio(sound, 48000), context=context)
    with pytest.raises(MistakeError, match="the sound b holds"):
        interlink(sound, bad, tmp_path)
    with pytest.raises(MistakeError, match="nothing is balanced"):
        interlink(sound, sound, tmp_path, mode="lead", balance=0.5)
    with pytest.raises(MistakeError, match="power of 2"):
        interlink(sound, sound, tmp_path, scales=[500])


def test_the_plan_knows_the_form_of_all_results_and_refuses() -> None:
    rule = dbm_interlink.__node__.facts  # type: ignore[attr-defined]
    inputs = {
        "a": {"sample_rate": 44100, "channels": 1, "duration": 2.0, "kind": "Audio"},
        "b": {"sample_rate": 44100, "channels": 2, "kind": "Audio"},
    }
    parameters = {"scales": [512], "overlap": 4, "window": "hann", "oversampling": 1, "mode": "joint", "balance": 0.5}
    found = rule(inputs, parameters)
    assert found["residual_a"] == found["a"] == {"sample_rate": 44100, "channels": 1, "duration": 2.0}
    assert found["residual_b"] == found["b"] == {"sample_rate": 44100, "channels": 2}
    for wrong in ({"mode": "lead"}, {"scales": [100]}, {"scales": [32, 65536]}):
        with pytest.raises(MistakeError):
            rule(inputs, parameters | wrong)


def test_following_is_compiled_for_one_signature(tmp_path: Path, pair: tuple[Array, Array]) -> None:
    interlink(*pair, tmp_path, mode="lead", atoms=10)
    interlink(np.repeat(pair[0], 2, 0), pair[1], tmp_path, atoms=10)
    assert len(sweeping.follow.signatures) == 1  # type: ignore[attr-defined]


def test_the_first_call_tells_that_it_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nodes.dictionaries import interlinking

    monkeypatch.setattr(interlinking, "compiled_at_hand", lambda: False)
    context: RecordedContext = make_context(tmp_path)
    dbm_interlink(*[Audio(np.ones((1, 100), np.float32), 44100)] * 2, atoms=1, context=context)
    assert ("compiling (once)", 1, 1) in context.recorder.heard
