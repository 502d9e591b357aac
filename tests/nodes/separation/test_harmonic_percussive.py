from pathlib import Path

import librosa
import numpy as np
import pytest
from contexts import make_context

from nodes.separation.hpss import MedianFilters, chunks_of
from nodes.separation.node import Stems, separate
from nodes.values import Audio, Marker
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec

RATE = 22050


def tone_and_clicks(channels: int = 1, seconds: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    time = np.arange(int(seconds * RATE)) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.outer(np.arange(1, channels + 1), time))
    clicks = np.zeros_like(tone)
    clicks[:, 3000::5512] = 0.9
    return tone.astype(np.float32), clicks.astype(np.float32)


def parts_of(stems: Stems) -> list[Audio]:
    return [part for part in (stems.harmonic, stems.percussive, stems.residual) if part is not None]


def total(stems: Stems) -> np.ndarray:
    return np.sum([np.asarray(part.samples, np.float64) for part in parts_of(stems)], axis=0)


PARAMETERS = [
    {},
    {"harmonic_margin": 3.0, "percussive_margin": 2.0},
    {"power": float("inf")},
    {"n_fft": 1000, "hop": 300, "harmonic_kernel": 8, "percussive_kernel": 21},
]


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_parts_are_those_of_librosa(tmp_path: Path, parameters: dict[str, float]) -> None:
    audio = Audio(np.sum(tone_and_clicks(channels=2), axis=0), RATE)
    parts = separate(audio, backend="hpss", context=make_context(tmp_path), **parameters)
    harmonic, percussive = librosa.effects.hpss(
        audio.samples,
        kernel_size=(parameters.get("harmonic_kernel", 31), parameters.get("percussive_kernel", 31)),
        margin=(parameters.get("harmonic_margin", 1.0), parameters.get("percussive_margin", 1.0)),
        power=parameters.get("power", 2.0),
        n_fft=parameters.get("n_fft", 2048),
        hop_length=parameters.get("hop", 512),
    )
    np.testing.assert_allclose(parts.harmonic.samples, harmonic, atol=1e-6)
    np.testing.assert_allclose(parts.percussive.samples, percussive, atol=1e-6)
    np.testing.assert_allclose(total(parts), audio.samples, atol=1e-6)


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_seams_of_chunks_are_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, float]
) -> None:
    noise = np.random.default_rng(0).standard_normal((1, 3 * RATE)) * 0.05
    audio = Audio((np.sum(tone_and_clicks(seconds=3), axis=0) + noise).astype(np.float32), RATE)
    whole = separate(audio, backend="hpss", context=make_context(tmp_path / "whole"), **parameters)
    monkeypatch.setattr("nodes.separation.hpss.CHUNK_VALUES", 1)
    in_chunks = separate(audio, backend="hpss", context=make_context(tmp_path / "chunks"), **parameters)
    for one, other in zip(parts_of(whole), parts_of(in_chunks), strict=True):
        np.testing.assert_allclose(other.samples, one.samples, atol=1e-6)


def test_chunks_cover_each_channel_once() -> None:
    filters = MedianFilters(31, 31, 2.0, 1.0, 1.0, 2048, 512)
    length = 2 * filters.chunk + 5
    chunks = chunks_of(filters, (2, length))
    assert len(chunks) == 6 and filters.chunk % 512 == 0 and filters.reach % 512 == 0
    assert sum(chunk.stop - chunk.start for chunk in chunks) == 2 * length


def test_tone_and_clicks_part_ways(tmp_path: Path) -> None:
    tone, clicks = tone_and_clicks()
    parts = separate(Audio(tone + clicks, RATE), backend="hpss", context=make_context(tmp_path))
    inside = slice(RATE // 4, -RATE // 4)

    def level(error: np.ndarray, target: np.ndarray) -> float:
        return float(10 * np.log10(np.sum(target[:, inside] ** 2) / np.sum(error[:, inside] ** 2)))

    assert level(parts.harmonic.samples - tone, tone) > 20
    assert level(parts.percussive.samples - clicks, clicks) > 10


@pytest.mark.parametrize("length", [1, 100, 2047, 2049])
def test_short_sounds_add_up(tmp_path: Path, length: int) -> None:
    audio = Audio(np.random.default_rng(0).uniform(-1, 1, (1, length)).astype(np.float32), RATE)
    parts = separate(audio, backend="hpss", harmonic_margin=2.0, context=make_context(tmp_path))
    assert all(part.length == length for part in parts_of(parts))
    np.testing.assert_allclose(total(parts), audio.samples, atol=1e-6)


def test_silence_fourteen_channels_and_a_high_rate(tmp_path: Path) -> None:
    silent = separate(Audio(np.zeros((14, 3000), np.float32), 192000), backend="hpss", context=make_context(tmp_path))
    assert all(part.channels == 14 and part.sample_rate == 192000 for part in parts_of(silent))
    assert not any(part.samples.any() for part in parts_of(silent))


def test_markers_are_kept_and_progress_is_heard(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    marker = Marker(0.1, "Strophe")
    parts = separate(Audio(np.zeros((2, 3000), np.float32), RATE, (marker,)), backend="hpss", context=context)
    assert [part.markers for part in parts_of(parts)] == 3 * [(marker,)]
    assert context.recorder.heard[-1] == ("step", 2, 2)


def test_samples_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    samples = np.zeros((2, 3000), np.float32)
    samples[1, 2205] = np.nan
    with pytest.raises(MistakeError, match=r"nan at 0\.1 s in channel 2"):
        separate(Audio(samples, RATE), backend="hpss", context=make_context(tmp_path))


def test_a_hop_over_half_a_frame_is_refused_before_anything_runs() -> None:
    rule = NodeSpec("separate", separate, "").mark.facts
    assert rule is not None
    known = {"audio": {"sample_rate": RATE}}
    parts = ("harmonic", "percussive", "residual")
    own = {"backend": "hpss", "stems": 3, "n_fft": 2048}
    assert rule(known, {**own, "hop": None}) == dict.fromkeys(parts, known["audio"])
    with pytest.raises(MistakeError, match="1 to 1024 samples"):
        rule(known, {**own, "hop": 1025})
