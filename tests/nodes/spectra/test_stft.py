from pathlib import Path

import numpy as np
import pytest
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.spectra.node import istft, stft
from nodes.spectra.windows import WINDOWS, largest_hop, window_of
from nodes.values import Audio, Spectrogram
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec


def noise(channels: int, length: int, rate: int = 44100, seed: int = 0) -> Audio:
    samples = np.random.default_rng(seed).uniform(-1, 1, (channels, length)).astype(np.float32)
    return Audio(samples, rate)


def farthest(a: Audio, b: Audio) -> float:
    assert a.samples.shape == b.samples.shape and a.sample_rate == b.sample_rate
    return float(np.abs(a.samples - b.samples).max(initial=0.0))


@st.composite
def analyses(draw: st.DrawFn) -> tuple[str, int, int]:
    window, n_fft = draw(st.sampled_from(WINDOWS)), draw(st.integers(2, 600))
    return window, n_fft, draw(st.integers(1, largest_hop(window_of(window, n_fft))))


@settings(max_examples=150, deadline=None)
@given(analyses(), st.integers(1, 3), st.integers(1, 3000), st.integers(0, 99))
def test_round_trip_for_any_window_hop_and_length(
    tmp_path_factory: pytest.TempPathFactory, analysis: tuple[str, int, int], channels: int, length: int, seed: int
) -> None:
    window, n_fft, hop = analysis
    audio = noise(channels, length, seed=seed)
    context = make_context(tmp_path_factory.mktemp("stft"))
    spectrogram = stft(audio, n_fft=n_fft, hop=hop, window=window, context=context)
    assert farthest(istft(spectrogram), audio) < 1e-6


@pytest.mark.parametrize(
    ("channels", "length", "rate"), [(1, 1, 44100), (14, 5000, 44100), (2, 192000, 192000), (2, 3_000_001, 44100)]
)
def test_round_trip_of_the_default_over_several_blocks(tmp_path: Path, channels: int, length: int, rate: int) -> None:
    audio = noise(channels, length, rate)
    assert farthest(istft(stft(audio, context=make_context(tmp_path))), audio) < 1e-6


def test_silence_stays_exactly_silent(tmp_path: Path) -> None:
    silence = Audio(np.zeros((2, 4000), np.float32), 44100)
    spectrogram = stft(silence, context=make_context(tmp_path))
    assert not spectrogram.spectra.any()
    assert not istft(spectrogram).samples.any()


def test_mapped_input_under_a_unicode_path(tmp_path: Path) -> None:
    folder = tmp_path / "Übung 音"
    folder.mkdir()
    np.save(folder / "a.npy", noise(2, 9000).samples)
    audio = Audio(np.load(folder / "a.npy", mmap_mode="r"), 44100)
    assert farthest(istft(stft(audio, context=make_context(folder))), audio) < 1e-6


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman", "blackmanharris", "rectangular"])
def test_agrees_with_librosa(tmp_path: Path, window: str) -> None:
    import librosa

    audio = noise(2, 20480)
    ours = stft(audio, n_fft=1024, hop=256, window=window, context=make_context(tmp_path)).spectra
    peer_window = {"rectangular": "boxcar"}.get(window, window)
    peer = librosa.stft(audio.samples, n_fft=1024, hop_length=256, window=peer_window)
    assert ours.shape == peer.shape and ours.dtype == np.complex64
    np.testing.assert_allclose(ours, peer, atol=1e-5 * np.abs(peer).max())


def test_inverse_of_changed_spectra_is_the_least_squares_one(tmp_path: Path) -> None:
    audio = noise(1, 40)
    analysed = stft(audio, n_fft=16, hop=5, context=make_context(tmp_path))
    bins, frames = analysed.spectra.shape[1:]
    rng = np.random.default_rng(1)
    changed = (rng.standard_normal((1, bins, frames)) + 1j * rng.standard_normal((1, bins, frames))).astype(
        np.complex64
    )
    framed = np.fft.irfft(changed[0].T, 16, axis=1)
    window = window_of("hann", 16)
    analysis = np.zeros((frames * 16, 40))
    for frame in range(frames):
        for index in range(16):
            sample = frame * 5 - 8 + index
            if 0 <= sample < 40:
                analysis[frame * 16 + index, sample] = window[index]
    expected = np.linalg.lstsq(analysis, framed.reshape(-1), rcond=None)[0]
    found = istft(Spectrogram(changed, 44100, 16, 5, "hann", 40))
    np.testing.assert_allclose(found.samples[0], expected, atol=1e-5)


def test_result_does_not_depend_on_the_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = noise(2, 30000)
    whole = stft(audio, n_fft=512, hop=100, context=make_context(tmp_path / "whole"))
    back = istft(whole)
    monkeypatch.setattr("nodes.spectra.transform.FRAME_SAMPLES", 512 * 7)
    monkeypatch.setattr("nodes.spectra.resident.LIMIT", 2**20)
    parts = stft(audio, n_fft=512, hop=100, context=make_context(tmp_path / "parts"))
    np.testing.assert_allclose(parts.spectra, whole.spectra, atol=1e-5)
    assert farthest(istft(parts), back) < 1e-6


def test_same_input_gives_identical_bits(tmp_path: Path) -> None:
    audio = noise(2, 30000)
    first, second = (stft(audio, context=make_context(tmp_path / name)).spectra for name in "ab")
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_refused_with_their_place(tmp_path: Path, value: float) -> None:
    samples = np.zeros((3, 44100), np.float32)
    samples[1, 22050] = value
    with pytest.raises(MistakeError, match=r"at 0\.5 s in channel 2"):
        stft(Audio(samples, 44100), context=make_context(tmp_path))


def test_hop_without_a_way_back_names_the_allowed_ones(tmp_path: Path) -> None:
    audio = noise(1, 100)
    largest = largest_hop(window_of("hann", 64))
    assert 32 <= largest < 64
    stft(audio, n_fft=64, hop=largest, context=make_context(tmp_path))
    with pytest.raises(MistakeError, match=f"1 to {largest} samples"):
        stft(audio, n_fft=64, hop=largest + 1, context=make_context(tmp_path))


def test_hop_is_refused_before_anything_runs() -> None:
    rule = NodeSpec("stft", stft, "").mark.facts
    assert rule is not None
    known = {"audio": {"sample_rate": 44100, "channels": 2}}
    assert rule(known, {"n_fft": 64, "hop": None, "window": "hann"}) == {"value": known["audio"]}
    with pytest.raises(MistakeError, match="hop"):
        rule(known, {"n_fft": 64, "hop": 65, "window": "rectangular"})


def test_empty_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="empty"):
        stft(Audio(np.zeros((1, 0), np.float32), 44100), context=make_context(tmp_path))


def test_spectra_that_do_not_fit_their_parameters_are_refused() -> None:
    with pytest.raises(MistakeError, match="9 bins × 3 frames"):
        istft(Spectrogram(np.zeros((1, 9, 4), np.complex64), 44100, 16, 4, "hann", 9))


def test_spectra_that_are_no_numbers_are_refused() -> None:
    spectra = np.full((1, 9, 3), np.nan, np.complex64)
    with pytest.raises(MistakeError, match="finite"):
        istft(Spectrogram(spectra, 44100, 16, 4, "hann", 9))
