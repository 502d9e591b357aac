from pathlib import Path

import numpy as np
import pytest
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.factorisation.crossing import Rules, learn
from nodes.factorisation.node import nmf_cross
from nodes.values import Audio, Marker
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.workers import set_workers

RATE = 8000


def naive_rules(rules: Rules, levels: np.ndarray, kept: float) -> np.ndarray:
    """Apply the rules one number at a time; frames × source frames, of all frames."""
    frames, columns = levels.shape
    repeated = levels.copy()
    for m in range(frames):
        for k in range(columns):
            around = levels[max(0, m - rules.repetition) : m + rules.repetition + 1, k]
            if levels[m, k] < around.max():
                repeated[m, k] *= kept
    several = repeated.copy()
    for m in range(frames):
        weak = np.argsort(-repeated[m])[rules.polyphony :]
        several[m, weak] *= kept
    runs = np.zeros_like(levels)
    for m in range(frames):
        for k in range(columns):
            for i in range(-rules.continuity, rules.continuity + 1):
                if 0 <= m + i < frames and 0 <= k + i < columns:
                    runs[m, k] += several[m + i, k + i]
    return runs


@given(
    repetition=st.integers(0, 4),
    polyphony=st.integers(1, 6),
    continuity=st.integers(0, 7),
    kept=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=40, deadline=None)
def test_rules_are_those_of_a_plain_loop(
    repetition: int, polyphony: int, continuity: int, kept: float, seed: int
) -> None:
    rules = Rules(repetition, polyphony, continuity)
    levels = np.random.default_rng(seed).uniform(0.1, 1, (9, 5)).astype(np.float32)
    padded = np.pad(levels, ((rules.reach, rules.reach), (0, 0)))
    np.testing.assert_allclose(rules.applied(padded, kept), naive_rules(rules, levels, kept), rtol=1e-5, atol=1e-7)


def test_without_rules_levels_are_those_of_a_factorisation() -> None:
    generator = np.random.default_rng(0)
    frames = generator.uniform(0.1, 1, (4, 30)).astype(np.float32)
    frames /= frames.sum(axis=1, keepdims=True)
    truth = generator.uniform(0, 2, (12, 4)).astype(np.float32)
    levels = np.ones((12, 4), np.float32), np.zeros((12, 4), np.float32)
    found = learn(truth @ frames, frames, levels, Rules(0, 4, 0), 400, lambda done, total: None)
    np.testing.assert_allclose(found @ frames, truth @ frames, rtol=0.02, atol=1e-4)


def notes(pitches: list[float], seconds: float = 0.5, harmonics: int = 1) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    fade = np.minimum(1, np.minimum(time, seconds - time) / 0.02)
    each = [
        sum(np.sin(2 * np.pi * pitch * part * time) / part for part in range(1, harmonics + 1)) * fade
        for pitch in pitches
    ]
    return (0.2 * np.concatenate(each))[None].astype(np.float32)


def loudest(samples: np.ndarray, start: float, stop: float) -> float:
    part = samples[0, round(start * RATE) : round(stop * RATE)]
    return float(np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) / (stop - start))


def test_the_source_is_played_at_the_pitches_of_the_sound(tmp_path: Path) -> None:
    scale = notes([262, 294, 330, 349, 392, 440, 494, 523], harmonics=6)
    melody = notes([392, 262, 440])
    made = nmf_cross(
        Audio(melody, RATE, (Marker(0.5, "D"),)), Audio(scale, RATE), n_fft=1024, context=make_context(tmp_path)
    )
    assert made.length == melody.shape[1] and made.markers[0].label == "D"
    for number, pitch in enumerate((392, 262, 440)):
        begin, end = 0.5 * number + 0.1, 0.5 * number + 0.4
        assert loudest(made.samples, begin, end) == pytest.approx(pitch, abs=8)
        segment = np.abs(np.fft.rfft(made.samples[0, int(begin * RATE) : int(end * RATE)]))
        second = segment[round(2 * pitch * 0.3) - 3 : round(2 * pitch * 0.3) + 4].max()
        assert second > 0.15 * segment.max(), "the timbre is that of the source"


def test_channels_are_made_one_by_one_and_threads_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.factorisation.crossing.VALUES", 2**10)
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 6000)).astype(np.float32)
    made = []
    for number in (1, 3):
        set_workers(number)
        context = make_context(tmp_path / str(number))
        made.append(nmf_cross(Audio(noise, RATE), Audio(noise[:1, ::-1], RATE), n_fft=256, context=context).samples)
    set_workers(0)
    np.testing.assert_array_equal(made[0], made[1])
    assert made[0].shape == noise.shape and np.abs(made[0]).max() > 0.01


@pytest.mark.parametrize("length", [1, 100, 3000])
def test_short_and_silent_sounds_are_made(tmp_path: Path, length: int) -> None:
    source = np.concatenate([np.zeros((1, 2000), np.float32), notes([300], 0.3)], axis=1)
    for samples in (np.ones((1, length), np.float32) * 0.1, np.zeros((1, length), np.float32)):
        made = nmf_cross(Audio(samples, RATE), Audio(source, RATE), n_fft=256, context=make_context(tmp_path)).samples
        assert made.shape == (1, length) and np.isfinite(made).all() and np.abs(made).max() < 2


def test_mistakes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = Audio(notes([300]), RATE)
    for source, words in (
        (Audio(np.zeros((1, 0), np.float32), RATE), "empty"),
        (Audio(np.zeros((1, 90), np.float32), RATE), "silent"),
        (Audio(notes([300]), 2 * RATE), "sample rates differ"),
        (Audio(np.ones((2, 90), np.float32), RATE), "channels do not go together"),
        (Audio(np.full((1, 90), np.inf, np.float32), RATE), "not a finite number"),
    ):
        with pytest.raises(MistakeError, match=words):
            nmf_cross(sound, source, context=make_context(tmp_path))
    monkeypatch.setattr("nodes.factorisation.node.MOST_LEVELS", 40)
    with pytest.raises(MistakeError, match="too long for each other"):
        nmf_cross(sound, sound, context=make_context(tmp_path))


def test_other_channels_are_refused_before_anything_runs() -> None:
    rule = NodeSpec("nmf_cross", nmf_cross, "").mark.facts
    assert rule is not None
    stereo, mono = ({"channels": count, "sample_rate": RATE} for count in (2, 1))
    assert rule({"audio": stereo, "source": mono}, {}) == {"value": stereo}
    with pytest.raises(MistakeError, match="2 channels beside a sound of 1"):
        rule({"audio": mono, "source": stereo}, {})
