from collections.abc import Iterator

import numpy as np
import pytest
from made_music import RATE, made_stems, plain_ratio

from nodes.separation.repet import STEMS, Settings, separate_into
from pipelines.mistakes import MistakeError
from pipelines.workers import set_workers


def parted(samples: np.ndarray, rate: int = RATE, settings: Settings | None = None) -> dict[str, np.ndarray]:
    outputs = {name: np.full_like(samples, np.nan) for name in STEMS}
    separate_into(samples, rate, outputs, settings=settings or Settings(), heard=lambda done, total: None)
    return outputs


@pytest.fixture(scope="module")
def stems() -> dict[str, np.ndarray]:
    return made_stems()


@pytest.fixture(scope="module")
def mix(stems: dict[str, np.ndarray]) -> np.ndarray:
    return np.sum(list(stems.values()), axis=0)


@pytest.fixture(scope="module")
def parts(mix: np.ndarray) -> dict[str, np.ndarray]:
    return parted(mix)


@pytest.fixture
def one_worker() -> Iterator[None]:
    set_workers(1)
    yield
    set_workers(0)


def gains(stems: dict[str, np.ndarray], mix: np.ndarray, parts: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: plain_ratio(stems[name], parts[name]) - plain_ratio(stems[name], mix) for name in STEMS}


def test_stems_come_nearer_to_the_true_ones_than_the_mix(
    stems: dict[str, np.ndarray], mix: np.ndarray, parts: dict[str, np.ndarray]
) -> None:
    found = gains(stems, mix, parts)
    assert found["vocals"] > 8 and found["drums"] > 6 and found["bass"] > 8 and found["other"] > 4, found


def test_the_centre_adds_to_repetition(
    stems: dict[str, np.ndarray], mix: np.ndarray, parts: dict[str, np.ndarray]
) -> None:
    alone = parted(mix, settings=Settings(centre=0))
    assert gains(stems, mix, parts)["vocals"] > gains(stems, mix, alone)["vocals"] > 2.1


def test_stems_add_up(mix: np.ndarray, parts: dict[str, np.ndarray]) -> None:
    total = np.sum([parts[name].astype(np.float64) for name in STEMS], axis=0)
    np.testing.assert_allclose(total, mix, atol=3e-7)


def test_seams_of_chunks_are_exact(
    mix: np.ndarray, parts: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(reach=2.0)
    whole = parted(mix, settings=settings)
    monkeypatch.setattr("nodes.separation.repet.settings.CHUNK_VALUES", 2**15)
    in_chunks = parted(mix, settings=settings)
    for name in STEMS:
        np.testing.assert_allclose(in_chunks[name], whole[name], atol=2e-6)


def test_the_number_of_threads_changes_nothing(
    mix: np.ndarray, monkeypatch: pytest.MonkeyPatch, one_worker: None
) -> None:
    monkeypatch.setattr("nodes.separation.repet.settings.CHUNK_VALUES", 2**15)
    alone = parted(mix)
    set_workers(3)
    together = parted(mix)
    for name in STEMS:
        np.testing.assert_array_equal(together[name], alone[name])


def test_equal_channels_are_parted_as_one(mix: np.ndarray) -> None:
    mono = mix[:1]
    alone, twice = parted(mono), parted(np.repeat(mono, 2, axis=0))
    for name in STEMS:
        np.testing.assert_allclose(twice[name], np.repeat(alone[name], 2, axis=0), atol=2e-6)


def test_one_mask_is_for_all_of_many_channels(mix: np.ndarray) -> None:
    levels = np.linspace(0.5, 1.5, 14, dtype=np.float32)[:, None]
    alone, many = parted(mix[:1, : 4 * RATE]), parted(mix[:1, : 4 * RATE] * levels)
    for name in STEMS:
        np.testing.assert_allclose(many[name], alone[name] * levels, atol=2e-5)


def test_a_silent_channel_says_nothing_of_the_centre(mix: np.ndarray) -> None:
    mono = mix[:1, : 4 * RATE]
    parts = parted(np.concatenate([mono, np.zeros_like(mono)]))
    for name, stem in parted(mono).items():
        np.testing.assert_allclose(parts[name][0], stem[0], atol=2e-6)
        assert not parts[name][1].any()


@pytest.mark.parametrize("length", [0, 1, 100, 1023, 5000])
@pytest.mark.parametrize("rate", [1, 8000, 192000])
def test_short_sounds_of_any_rate_add_up(length: int, rate: int) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (2, length)).astype(np.float32)
    parts = parted(samples, rate)
    np.testing.assert_allclose(sum(parts.values()), samples, atol=1e-6)


def test_silence_stays_silent() -> None:
    assert not any(stem.any() for stem in parted(np.zeros((8, 20000), np.float32)).values())


def test_samples_that_are_no_numbers_are_refused() -> None:
    samples = np.zeros((2, 3000), np.float32)
    samples[1, 1600] = np.inf
    with pytest.raises(MistakeError, match=r"inf at 0\.1 s in channel 2"):
        parted(samples)


def test_a_sound_whose_powers_are_no_numbers_is_refused(mix: np.ndarray) -> None:
    with pytest.raises(MistakeError, match="too loud to be separated"):
        parted((mix * 1e25).astype(np.float32))


def test_progress_counts_chunks(mix: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.separation.repet.settings.CHUNK_VALUES", 2**15)
    heard: list[tuple[int, int]] = []
    outputs = {name: np.empty_like(mix) for name in STEMS}
    separate_into(mix, RATE, outputs, heard=lambda done, total: heard.append((done, total)))
    assert len(heard) > 1 and set(heard) == {(1, len(heard))}
