import json
from pathlib import Path

import numpy as np
import pytest
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import NMF

from nodes.factorisation.node import Components, nmf_decompose
from nodes.factorisation.updates import Divergence, divergence_of, improve, started
from nodes.values import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.value import pack, unpack
from pipelines.workers import set_workers

RATE = 8000
DIVERGENCES: list[Divergence] = ["kullback_leibler", "itakura_saito", "euclidean"]


def two_notes(channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return two tones that sound in turns and together; louder channel by channel."""
    time = np.arange(2 * RATE) / RATE
    low = np.sin(2 * np.pi * 440 * time) * (time < 1.4)
    high = 0.5 * np.sin(2 * np.pi * 1500 * time) * (time > 0.7)
    levels = np.arange(1, channels + 1)[:, None] / channels
    return (levels * low).astype(np.float32), (levels * high).astype(np.float32)


def decomposed(audio: Audio, folder: Path, **parameters: object) -> Components:
    return nmf_decompose(audio, context=make_context(folder), **{"n_fft": 512, **parameters})  # type: ignore[arg-type]


def total(found: Components) -> np.ndarray:
    return np.asarray(np.sum([each.astype(np.float64) for each in found.components.samples], axis=0))


@pytest.mark.parametrize("divergence", ["kullback_leibler", "euclidean"])
def test_notes_become_components(tmp_path: Path, divergence: Divergence) -> None:
    low, high = two_notes(channels=2)
    found = decomposed(Audio(low + high, RATE), tmp_path, components=2, divergence=divergence)
    np.testing.assert_allclose(total(found), low + high, atol=2e-6)
    for wanted, made in zip((low, high), found.components.samples, strict=True):
        assert np.sum((made - wanted) ** 2) < 0.01 * np.sum(wanted**2)
    peaks = found.bases.spectra.argmax(axis=1) * RATE / 512
    np.testing.assert_allclose(peaks, [440, 1500], atol=RATE / 512)
    assert found.activations.levels.shape[:2] == (2, 2) and found.components.labels == ("1", "2")


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_a_product_is_taken_apart(divergence: Divergence) -> None:
    generator = np.random.default_rng(0)
    levels = generator.uniform(0, 1, (40, 2)).astype(np.float32)
    levels[:15, 0] = levels[25:, 1] = 1e-6
    spectra = generator.gamma(0.3, 1, (2, 30)).astype(np.float32) + np.float32(1e-3)
    spectra /= spectra.sum(axis=1, keepdims=True)
    matrix, factors = levels @ spectra, started(levels @ spectra, 2, generator)
    for _ in range(500):
        factors = improve(matrix, factors, divergence, learn=True)
    cosines = (
        factors.spectra @ spectra.T / np.outer(*(np.linalg.norm(each, axis=1) for each in (factors.spectra, spectra)))
    )
    assert cosines.max(axis=0).min() > 0.99
    np.testing.assert_allclose(factors.levels @ factors.spectra, matrix, atol=0.01)


@given(seed=st.integers(0, 10_000), divergence=st.sampled_from(DIVERGENCES), components=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_no_update_raises_the_divergence(seed: int, divergence: Divergence, components: int) -> None:
    generator = np.random.default_rng(seed)
    matrix = generator.uniform(0.01, 1, (12, 9)).astype(np.float32)
    factors = started(matrix, components, generator)
    before = divergence_of(matrix, factors, divergence)
    for _ in range(5):
        factors = improve(matrix, factors, divergence, learn=True)
        after = divergence_of(matrix, factors, divergence)
        assert after <= before * (1 + 1e-4)
        before = after
        np.testing.assert_allclose(factors.spectra.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("divergence", "name"), [("kullback_leibler", "kullback-leibler"), ("euclidean", "frobenius")])
def test_the_divergence_reached_is_that_of_scikit_learn(divergence: Divergence, name: str) -> None:
    generator = np.random.default_rng(1)
    matrix = generator.gamma(0.5, 1.0, (60, 40)).astype(np.float32)
    factors = started(matrix, 5, generator)
    peer = NMF(5, init="custom", solver="mu", beta_loss=name, max_iter=400, tol=0.0)
    levels = peer.fit_transform(matrix, W=factors.levels.copy(), H=factors.spectra.copy())
    for _ in range(400):
        factors = improve(matrix, factors, divergence, learn=True)
    theirs = divergence_of(matrix, factors._replace(levels=levels, spectra=peer.components_), divergence)
    assert divergence_of(matrix, factors, divergence) < 1.01 * theirs


def test_the_same_seed_gives_the_same_and_threads_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.factorisation.updates.BLOCK", 2**12)
    audio = Audio(np.random.default_rng(0).uniform(-1, 1, (1, RATE)).astype(np.float32), RATE)
    made = []
    for number in (1, 3):
        set_workers(number)
        made.append(decomposed(audio, tmp_path / str(number), iterations=8))
    set_workers(0)
    np.testing.assert_array_equal(made[0].bases.spectra, made[1].bases.spectra)
    np.testing.assert_array_equal(made[0].components.samples[3], made[1].components.samples[3])
    other = nmf_decompose(audio, n_fft=512, iterations=8, context=make_context(tmp_path / "other", seed=1))
    assert not np.array_equal(other.bases.spectra, made[0].bases.spectra)


def test_known_spectra_stay_where_they_are_not_learnt(tmp_path: Path) -> None:
    low, high = two_notes()
    bases = decomposed(Audio(low + high, RATE), tmp_path / "first", components=2).bases
    swapped = Audio(low[:, ::-1] + high[:, ::-1], RATE)
    kept = nmf_decompose(swapped, bases, learn=False, n_fft=512, context=make_context(tmp_path / "kept"))
    np.testing.assert_array_equal(kept.bases.spectra, bases.spectra)
    assert np.sum((kept.components.samples[0] - low[:, ::-1]) ** 2) < 0.01 * np.sum(low**2)
    learnt = nmf_decompose(swapped, bases, learn=True, n_fft=512, context=make_context(tmp_path / "learnt"))
    assert not np.array_equal(learnt.bases.spectra, bases.spectra)


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize(("channels", "length"), [(1, 1), (14, 300), (1, 5000)])
def test_short_and_silent_sounds_add_up(tmp_path: Path, divergence: Divergence, channels: int, length: int) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, (channels, length)).astype(np.float32)
    noise[:, length // 2 :] = 0
    for samples in (noise, 0 * noise):
        found = decomposed(Audio(samples, 192_000), tmp_path, divergence=divergence, iterations=4)
        np.testing.assert_allclose(total(found), samples, atol=2e-6)
        assert np.isfinite(found.bases.spectra).all() and np.isfinite(found.activations.levels).all()


def test_the_divergence_is_followed(tmp_path: Path) -> None:
    low, high = two_notes()
    context = make_context(tmp_path)
    nmf_decompose(Audio(low + high, RATE), iterations=25, n_fft=512, context=context)
    curve = [(at, value) for _, name, value, at in context.recorder.metrics if name == "divergence"]
    assert [at for at, _ in curve] == [10, 20, 25] and curve[0][1] > curve[-1][1]


def test_spectra_and_levels_can_be_stored_and_seen(tmp_path: Path) -> None:
    low, high = two_notes(channels=2)
    found = decomposed(Audio(low + high, RATE), tmp_path, components=3, iterations=3)
    for value in (found.bases, found.activations):
        tree, arrays = pack(value)
        again = unpack(json.loads(json.dumps(tree)), arrays)
        assert again.describe() == value.describe()
        figure = value.draw()
        assert figure is not None and len(figure.axes) == (1 if value is found.bases else 2)
    assert "3 spectra × 257 bins" in found.bases.describe() and "2 ch × 3 components" in found.activations.describe()


def test_mistakes_are_refused(tmp_path: Path) -> None:
    low, _ = two_notes()
    found = decomposed(Audio(low, RATE), tmp_path, iterations=1)
    for audio, parameters, words in (
        (Audio(np.zeros((1, 0), np.float32), RATE), {}, "empty"),
        (Audio(np.full((1, 9), np.nan, np.float32), RATE), {}, "not a finite number"),
        (Audio(low, 2 * RATE), {"bases": found.bases}, "sample rates differ"),
        (Audio(low, RATE), {"bases": found.bases, "n_fft": 1024}, "n_fft 512"),
        (Audio(low, RATE), {"bases": found.bases, "divergence": "itakura_saito"}, "powers"),
    ):
        with pytest.raises(MistakeError, match=words):
            decomposed(audio, tmp_path, **parameters)


def test_the_plan_knows_the_form_of_the_components() -> None:
    rule = NodeSpec("nmf_decompose", nmf_decompose, "").mark.facts
    assert rule is not None
    known = {"sample_rate": RATE, "channels": 2, "duration": 3.0}
    assert rule({"audio": known, "bases": None}, {}) == {
        "components": known,
        "bases": {"sample_rate": RATE},
        "activations": {"sample_rate": RATE},
    }
