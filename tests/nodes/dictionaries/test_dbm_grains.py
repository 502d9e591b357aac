from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contexts import RecordedContext, make_context
from exact_grains import Exact, sound_of
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries.grains.pieces import Rule, peaked, voices_of
from nodes.dictionaries.grains.pursuit import Dictionary, pursue
from nodes.dictionaries.node import dbm_grains
from nodes.dictionaries.node.grains import Mosaic
from nodes.values import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import read_parameters
from pipelines.value import as_stored
from pipelines.workers import set_workers

Array = np.ndarray[Any, Any]
RATE = 8000
MS8 = 0.008
"""64 samples."""


def noise(channels: int, length: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, length)).astype(np.float32)


def mosaic(sound: Array, source: Array, context: RecordedContext, **parameters: Any) -> Mosaic:
    return dbm_grains(Audio(sound, RATE), Audio(source, RATE), context=context, **parameters)


def energy(samples: Array) -> float:
    return float(np.sum(samples.astype(np.float64) ** 2))


@pytest.fixture
def context(tmp_path: Path) -> RecordedContext:
    return make_context(tmp_path)


@settings(max_examples=25, deadline=None)
@given(
    length=st.integers(64, 250),
    channels=st.integers(1, 3),
    voices=st.integers(1, 3),
    lengths=st.lists(st.sampled_from([8, 16, 48, 64]), min_size=1, max_size=2, unique=True),
    window=st.sampled_from(["hann", "gamma", "rectangular"]),
    overlap=st.sampled_from([1, 2, 4]),
    places=st.sampled_from([4, 8]),
    positive=st.booleans(),
    gain=st.sampled_from([0.3, 2.0, math.inf]),
    reuse=st.sampled_from([(None, 0), (1, 0), (2, 30), (None, 100)]),
    seed=st.integers(0, 99),
)
def test_choices_are_those_of_an_exact_pursuit(
    length, channels, voices, lengths, window, overlap, places, positive, gain, reuse, seed
) -> None:
    """Against one in double precision that looks at all grains each time."""
    sound, source = noise(channels, length, seed), noise(voices, 300, seed + 1)
    source[:, 100:180] = 0
    played = voices_of(source, channels)
    exact = Exact(sound, played, tuple(lengths), window, overlap, places, positive, gain, *reuse)
    dictionary = Dictionary(tuple(lengths), window, overlap, places, Rule(positive, gain), *reuse)
    found = pursue(sound, played, dictionary, 12, 1e-9)
    before = energy(sound)
    for grain, left in zip(found.grains, found.energies, strict=True):
        start, origin, size, weights = exact.step() or (0, 0, 0, np.zeros(0))
        if window != "rectangular":  # else pieces of two lengths may be one, as the source is silent for a while
            assert (grain.start, grain.origin, grain.length) == (start, origin, size)
            np.testing.assert_allclose(grain.weights, weights, rtol=1e-4, atol=1e-5)
        assert left == pytest.approx(exact.energy(), rel=1e-5, abs=1e-8)
        assert left < before
        before = left


@settings(max_examples=15, deadline=None)
@given(
    length=st.integers(0, 3000),
    channels=st.sampled_from([1, 2, 8]),
    voices=st.sampled_from([1, 2, 8]),
    lengths=st.lists(st.sampled_from([0.002, 0.01, 0.05]), min_size=1, max_size=3, unique=True),
    window=st.sampled_from(["hann", "blackman", "gauss", "reversed_gamma"]),
    seed=st.integers(0, 9),
)
def test_sound_and_residual_are_the_sound(tmp_path_factory, length, channels, voices, lengths, window, seed) -> None:
    sound, source = noise(channels, length, seed), noise(voices, 2000, seed + 1)
    made = mosaic(sound, source, make_context(tmp_path_factory.mktemp("node")), lengths=lengths, window=window)
    np.testing.assert_allclose(made.sound.samples + made.residual.samples, sound, atol=1e-6)
    np.testing.assert_allclose(sound_of(made.grains, voices_of(source, channels)), made.sound.samples, atol=1e-6)
    assert energy(made.residual.samples) <= energy(sound)


def test_scaled_pieces_are_found_where_they_are(context: RecordedContext) -> None:
    """Pieces that do not overlap, one channel turned over; weights are energies with signs."""
    source, sound = noise(1, 4000), np.zeros((2, 3000), np.float32)
    planted = {104: (64, 0.9), 512: (1984, -0.6), 1000: (320, 0.4), 2936: (3936, 0.25)}
    for start, (origin, level) in planted.items():
        piece = peaked("hann", 64) * source[0, origin : origin + 64]
        sound[:, start : start + 64] = np.outer([level, -level / 2], piece)
    made = mosaic(sound, source, context, lengths=[MS8], snr=100)
    grains = made.grains
    assert dict(zip(grains.starts.tolist(), grains.origins.tolist(), strict=True)) == {
        start: origin for start, (origin, _) in planted.items()
    }
    levels = [planted[start][1] for start in grains.starts.tolist()]
    np.testing.assert_allclose(grains.gains, np.outer([1, -0.5], levels), atol=1e-4)
    np.testing.assert_allclose(grains.energies.sum(), energy(sound), rtol=1e-4)
    np.testing.assert_allclose(grains.weights[0], np.sqrt(grains.energies / 1.25) * np.sign(levels), rtol=1e-4)
    assert energy(made.residual.samples) < 1e-9 * energy(sound)


def test_a_sound_of_itself_has_its_pieces_in_their_places(context: RecordedContext) -> None:
    sound = noise(2, 64 * 40)
    made = mosaic(sound, sound, context, lengths=[MS8], window="rectangular", overlap=1, rate=1e4)
    np.testing.assert_array_equal(np.sort(made.grains.starts), np.arange(40) * 64)
    np.testing.assert_array_equal(made.grains.origins, made.grains.starts)
    np.testing.assert_allclose(made.grains.gains, 1, atol=1e-4)
    assert energy(made.residual.samples) < 1e-9 * energy(sound)
    with_windows = mosaic(sound, sound, context, lengths=[MS8], grains=20).grains
    np.testing.assert_array_equal(with_windows.origins, with_windows.starts)


def test_a_piece_between_two_places_is_found_to_the_sample(context: RecordedContext) -> None:
    source, sound = noise(1, 4000), np.zeros((1, 2000), np.float32)
    sound[0, 703 : 703 + 64] = peaked("hann", 64) * source[0, 640:704]
    made = mosaic(sound, source, context, lengths=[MS8], places=64, grains=1)
    assert (made.grains.starts[0], made.grains.origins[0]) == (703, 640)
    slow = np.convolve(source[0], np.hanning(21), "same")[None].astype(np.float32)  # alike a few samples beside
    sound = np.zeros((1, 2000), np.float32)
    sound[0, 700:1212] = peaked("hann", 512) * slow[0, 768:1280]
    found = mosaic(sound, slow, context, lengths=[0.064], places=64, grains=1).grains
    assert 700 % (512 // 64) == 4
    assert (found.starts[0], found.origins[0]) == (700, 768)


@pytest.mark.parametrize("silent", [(True, False), (False, True), (True, True)])
def test_silence_has_no_grains(context: RecordedContext, silent: tuple[bool, bool]) -> None:
    sound, source = (each * (not off) for each, off in zip((noise(2, 500), noise(1, 900)), silent, strict=True))
    made = mosaic(sound.astype(np.float32), source.astype(np.float32), context, lengths=[MS8])
    assert made.grains.count == 0
    assert made.grains.gains.shape == (2, 0)
    np.testing.assert_array_equal(made.residual.samples, sound)
    assert "silent" in context.recorder.notes[0]


@pytest.mark.parametrize(
    "sound", [np.full((1, 1), 0.7), noise(14, 30), noise(1, 63), np.full((2, 300), 0.5)],
    ids=["one sample", "14 channels, shorter than a grain", "one less than a grain", "DC"],
)  # fmt: skip
def test_sounds_at_the_edge(context: RecordedContext, sound: Array) -> None:
    sound = sound.astype(np.float32)
    made = mosaic(sound, noise(1, 900), context, lengths=[MS8], grains=200, rate=1e6)
    assert 0 < made.grains.count <= 200
    assert energy(made.residual.samples) < 0.5 * energy(sound)
    np.testing.assert_allclose(made.sound.samples + made.residual.samples, sound, atol=1e-6)


def test_it_stops_at_the_first_limit(context: RecordedContext) -> None:
    sound, source = noise(1, 4000), noise(1, 4000, 1)
    assert mosaic(sound, source, context, lengths=[MS8], grains=30).grains.count == 30
    assert mosaic(sound, source, context, lengths=[MS8], rate=20).grains.count == 10
    assert mosaic(sound, source, context, lengths=[MS8], grains=0).grains.count == 0
    few = mosaic(sound, source, context, lengths=[MS8], snr=1)
    ratio = 10 * math.log10(energy(sound) / energy(few.residual.samples))
    assert 1 <= ratio < 1.2
    assert context.recorder.metrics[-1][1:3] == ("snr", pytest.approx(ratio, abs=1e-6))
    assert few.grains.count < 100


def test_limits_of_weights_are_kept(context: RecordedContext) -> None:
    sound, source = noise(2, 2000), 0.01 * noise(1, 3000, 1)
    free = mosaic(sound, source, context, lengths=[MS8], gain=None, grains=40)
    assert np.abs(free.grains.gains).max() > 20
    assert (free.grains.gains < 0).any()
    assert not context.recorder.notes
    bound = mosaic(sound, source, context, lengths=[MS8], gain=20.0, signs="positive", grains=40).grains
    assert bound.gains.min() >= 0
    assert bound.gains.max() == pytest.approx(10)
    assert "greatest gain" in context.recorder.notes[0]


def test_pieces_are_used_as_often_and_as_near_as_they_may(context: RecordedContext) -> None:
    sound, source = np.tile(noise(1, 400), 20), noise(1, 1000, 1)
    both = {"lengths": [MS8, 0.02], "rate": 200}
    once = mosaic(sound, source, context, uses=1, **both).grains
    pieces = list(zip(once.lengths.tolist(), once.origins.tolist(), strict=True))
    assert len(set(pieces)) == len(pieces) == len(range(0, 1000 - 63, 32)) + len(range(0, 1000 - 159, 80))
    apart = mosaic(sound, source, context, apart=0.1, **both).grains
    assert apart.count == 200
    for length, origin in set(zip(apart.lengths.tolist(), apart.origins.tolist(), strict=True)):
        starts = np.sort(apart.starts[(apart.lengths == length) & (apart.origins == origin)])
        assert (np.diff(starts) >= 800).all()


def test_grains_are_the_same_at_any_number_of_workers(
    context: RecordedContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.dictionaries.grains.pieces.STRETCH", 500)
    sound, source = noise(2, 3000), noise(2, 4000, 1)
    found = []
    for count in (1, 3):
        set_workers(count)
        found.append(mosaic(sound, source, context, lengths=[MS8, 0.02], grains=60))
    set_workers(1)
    for name in ("starts", "origins", "gains", "weights"):
        np.testing.assert_array_equal(*(getattr(each.grains, name) for each in found))
    np.testing.assert_array_equal(found[0].sound.samples, found[1].sound.samples)


def test_stretches_of_the_source_change_no_choice(context: RecordedContext, monkeypatch: pytest.MonkeyPatch) -> None:
    sound, source = noise(1, 3000), noise(1, 4000, 1)
    whole = mosaic(sound, source, context, lengths=[MS8], overlap=4, grains=50).grains
    monkeypatch.setattr("nodes.dictionaries.grains.pieces.STRETCH", 300)
    monkeypatch.setattr("nodes.dictionaries.grains.pieces.PRODUCTS", 4000)
    parts = mosaic(sound, source, context, lengths=[MS8], overlap=4, grains=50).grains
    np.testing.assert_array_equal(whole.starts, parts.starts)
    np.testing.assert_array_equal(whole.origins, parts.origins)


def test_channels_of_a_source_play_their_own_where_there_are_as_many(context: RecordedContext) -> None:
    sound, source = noise(2, 2000), noise(2, 2000, 1)
    source[1] = 0
    made = mosaic(sound, source, context, lengths=[MS8], grains=20)
    assert not made.sound.samples[1].any()
    assert not made.grains.gains[1].any()
    other = mosaic(sound, np.concatenate([source, source[:1]]), context, lengths=[MS8], grains=20)
    assert other.sound.samples.any(axis=1).all()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"lengths": [0.01, 0.0101]}, "once"),
        ({"lengths": [1.0]}, "shorter than a grain"),
        ({"source_rate": 16000}, "sample rates"),
        ({"bad": "sound"}, "channel 2"),
        ({"bad": "source"}, "the source holds"),
    ],
)
def test_what_does_not_work_is_refused(context: RecordedContext, change: dict[str, Any], what: str) -> None:
    sounds = {"sound": noise(2, 500), "source": noise(2, 900)}
    if bad := change.pop("bad", None):
        sounds[bad][1, 7] = np.nan
    source = Audio(sounds["source"], change.pop("source_rate", RATE))
    with pytest.raises(MistakeError, match=what):
        dbm_grains(Audio(sounds["sound"], RATE), source, context=context, **{"lengths": [MS8], **change})


def facts(seconds: float, **raw: Any) -> Any:
    spec = NodeSpec("dbm_grains", dbm_grains, "")
    parameters, mistakes = read_parameters(spec, raw, {}, [])
    assert not mistakes
    audio = {"sample_rate": RATE, "channels": 2, "duration": 3.0}
    assert spec.mark.facts is not None
    return spec.mark.facts({"audio": audio, "source": {"sample_rate": RATE, "duration": seconds}}, parameters)


def test_the_plan_knows_the_form_and_refuses_short_sources() -> None:
    form = {"sample_rate": RATE, "channels": 2, "duration": 3.0}
    assert facts(1.0, lengths=["20 ms", 0.5]) == {"sound": form, "residual": form, "grains": form}
    with pytest.raises(MistakeError, match="shorter than a grain"):
        facts(0.4, lengths=["20 ms", 0.5])
    with pytest.raises(MistakeError, match="once"):
        facts(1.0, lengths=["20 ms", 0.02])


def test_scores_are_stored_drawn_and_told(context: RecordedContext) -> None:
    grains = mosaic(noise(2, 4000), noise(1, 8000, 1), context, grains=30).grains
    stored = as_stored(grains)
    assert type(stored) is type(grains)
    for name in ("starts", "origins", "lengths", "gains", "weights"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(grains, name))
    assert grains.describe() == "GrainBook, 2 ch × 30 grains of 160 to 640 samples, 0.500 s from 1.000 s at 8000 Hz"
    assert grains.measure() == {"grains": 30.0}
    axes = grains.draw().axes[0]
    segments = np.stack(axes.collections[0].get_segments())
    assert segments.shape == (30, 2, 2)
    order = np.argsort(grains.energies, kind="stable")
    np.testing.assert_allclose(segments[:, 0], np.stack([grains.starts, grains.origins], 1)[order] / RATE)
    np.testing.assert_allclose(np.diff(segments, axis=1)[:, 0, 0], grains.lengths[order] / RATE)
    none = replace(
        grains,
        **{name: getattr(grains, name)[..., :0] for name in ("starts", "origins", "lengths", "gains", "weights")},
    )
    assert not none.draw().axes[0].collections
    assert "0 grains," in none.describe()
