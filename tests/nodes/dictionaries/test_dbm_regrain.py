from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contexts import RecordedContext, make_context
from exact_grains import sound_of
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.dictionaries.grains.book import GrainBook
from nodes.dictionaries.grains.pieces import peaked, voices_of
from nodes.dictionaries.node import dbm_grain_score, dbm_grains, dbm_regrain
from nodes.dictionaries.windows import WINDOWS
from nodes.values import Audio
from pipelines.mistakes import MistakeError

Array = np.ndarray[Any, Any]
RATE = 8000


def score(count: int, channels: int = 1, samples: int = 2000, source: int = 3000, seed: int = 0) -> GrainBook:
    """Grains anywhere, some of which lie beyond the ends of the sound."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, 300, count).astype(np.int32)
    return GrainBook(
        generator.integers(-350, samples + 50, count),
        generator.integers(0, source - lengths + 1),
        lengths,
        generator.standard_normal((channels, count)).astype(np.float32),
        generator.standard_normal((channels, count)).astype(np.float32),
        str(generator.choice(WINDOWS)),
        samples,
        source,
        RATE,
    )


def noise(channels: int, length: int, seed: int = 0) -> Audio:
    return Audio(np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, length)).astype(np.float32), RATE)


@pytest.fixture
def context(tmp_path: Path) -> RecordedContext:
    return make_context(tmp_path)


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(0, 30),
    channels=st.sampled_from([1, 2, 8]),
    voices=st.sampled_from([1, 2, 3]),
    samples=st.sampled_from([0, 1, 700, 2000]),
    seed=st.integers(0, 99),
)
def test_a_score_sounds_as_its_formula_says(tmp_path_factory, count, channels, voices, samples, seed) -> None:
    grains, source = score(count, channels, samples, seed=seed), noise(voices, 3000, seed)
    context = make_context(tmp_path_factory.mktemp("regrain"))
    sound = dbm_regrain(grains, source, context=context)
    assert sound.sample_rate == RATE
    np.testing.assert_allclose(sound.samples, sound_of(grains, voices_of(source.samples, channels)), atol=3e-6)


def test_blocks_of_a_long_sound_join(context: RecordedContext, monkeypatch: pytest.MonkeyPatch) -> None:
    grains, source = score(60), noise(1, 3000)
    whole = dbm_regrain(grains, source, context=context).samples
    monkeypatch.setattr("nodes.dictionaries.grains.playing.spans", lambda count: [(0, 90), (90, 1300), (1300, count)])
    np.testing.assert_array_equal(dbm_regrain(grains, source, context=context).samples, whole)


@pytest.mark.parametrize(("channels", "voices"), [(1, 1), (2, 1), (2, 2), (2, 3)])
@pytest.mark.parametrize("keep", ["amplitude", "energy"])
def test_from_its_own_source_it_is_the_mosaic(context: RecordedContext, channels: int, voices: int, keep: Any) -> None:
    sound, source = noise(channels, 2000), noise(voices, 4000, 1)
    made = dbm_grains(sound, source, lengths=[0.005, 0.03], grains=40, context=context)
    again = dbm_regrain(made.grains, source, keep=keep, context=context)
    np.testing.assert_allclose(again.samples, made.sound.samples, atol=1e-5)


def test_energies_and_amplitudes_are_kept(context: RecordedContext) -> None:
    made = dbm_grains(noise(1, 2000), noise(1, 4000, 1), lengths=[0.01], grains=1, context=context)
    other = noise(1, 4000, 2)
    quiet = Audio(other.samples / 8, RATE)
    loud, soft = (dbm_regrain(made.grains, each, keep="energy", context=context) for each in (other, quiet))
    np.testing.assert_allclose(loud.samples, soft.samples, atol=1e-6)
    assert np.sum(loud.samples**2) == pytest.approx(made.grains.energies[0], rel=1e-5)
    loud, soft = (dbm_regrain(made.grains, each, context=context) for each in (other, quiet))
    np.testing.assert_allclose(loud.samples, 8 * soft.samples, rtol=1e-5, atol=1e-7)
    nothing = Audio(np.zeros((1, 4000), np.float32), RATE)
    assert not dbm_regrain(made.grains, nothing, keep="energy", context=context).samples.any()


def test_short_sources_are_refused_wrapped_or_scaled(context: RecordedContext) -> None:
    grains, short = score(40), noise(1, 1000)
    with pytest.raises(MistakeError, match="source ends before") as refused:
        dbm_regrain(grains, short, context=context)
    needed = (grains.origins + grains.lengths).max() / RATE
    assert f"{needed:.3f} s or more" in str(refused.value)
    with pytest.raises(MistakeError, match="source ends before"):
        dbm_regrain(grains, noise(1, 250), beyond="wrapped", context=context)
    wrapped = dbm_regrain(grains, short, beyond="wrapped", context=context)
    np.testing.assert_allclose(wrapped.samples, sound_of(grains, short.samples), atol=3e-6)
    scaled = dbm_regrain(grains, short, beyond="scaled", context=context)
    moved = np.round(grains.origins * (1000 - grains.lengths) / (3000 - grains.lengths)).astype(int)
    assert 0 <= moved.min() <= (moved + grains.lengths).max() <= 1000
    np.testing.assert_allclose(scaled.samples, sound_of(grains, short.samples, moved), atol=3e-6)


def test_scaled_to_its_own_source_it_stays(context: RecordedContext) -> None:
    grains, source = score(40), noise(1, 3000)
    kept, scaled = (dbm_regrain(grains, source, beyond=beyond, context=context) for beyond in ("refused", "scaled"))
    np.testing.assert_array_equal(kept.samples, scaled.samples)


def test_other_rates_and_bad_samples_are_refused(context: RecordedContext) -> None:
    with pytest.raises(MistakeError, match="sample rates"):
        dbm_regrain(score(3), Audio(noise(1, 3000).samples, 44100), context=context)
    bad = noise(1, 3000)
    bad.samples[0, 5] = np.inf
    with pytest.raises(MistakeError, match="the source holds"):
        dbm_regrain(score(3), bad, context=context)


def played(events: list[dict[str, Any]], samples: int, channels: int, source: Array) -> Array:
    """Play events as the node's docstring tells."""
    sound = np.zeros((channels, samples))
    for event in events:
        start, length, origin = (round(float(event[name]) * RATE) for name in ("start", "duration", "position"))
        wave = float(event["gain"]) * peaked(event["window"], length) * source[0, origin : origin + length]
        times = np.arange(length) + start
        inside = (times >= 0) & (times < samples)
        sound[int(event["channel"]) - 1, times[inside]] += wave[inside]
    return sound


@pytest.mark.parametrize("format", ["csv", "json"])
def test_written_scores_can_be_played(context: RecordedContext, format: Any, tmp_path: Path) -> None:
    grains, source = score(50, 2), noise(1, 3000)
    files = dbm_grain_score(grains, format=format, name="größe", context=context)
    text = files.write(tmp_path, "unused")[0].read_text()
    events = list(csv.DictReader(io.StringIO(text))) if format == "csv" else json.loads(text)["events"]
    starts = [float(event["start"]) for event in events]
    assert starts == sorted(starts)
    assert len(events) == 100
    sound = dbm_regrain(grains, source, context=context)
    np.testing.assert_allclose(played(events, 2000, 2, source.samples), sound.samples, atol=3e-6)
    if format == "json":
        about = json.loads(text)
        assert (about["duration"], about["source_duration"], about["channels"]) == (0.25, 0.375, 2)
        assert about["units"]["position"] == "s"


def test_a_score_without_grains_is_written(context: RecordedContext) -> None:
    for format, words in (("csv", b"start,duration,position,gain,window,channel\n"), ("json", b'"events": [')):
        written = dbm_grain_score(score(0), format=format, context=context)  # type: ignore[arg-type]
        assert words in written.files[f"grains.{format}"].tobytes()
