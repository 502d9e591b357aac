"""Pictures of sounds: at every edge, quickly, with the same bytes, and showing what is there."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as MatplotlibFigure

from nodes.values import Audio, Marker, Spectrogram, Takes
from nodes.values.drawing import MARK, draw_audio, draw_spectrogram, draw_takes, shown_label
from nodes.values.log_spectra import ROWS, sound_levels, spectrogram_levels

Array = np.ndarray[Any, Any]


def noise(channels: int, length: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, length)).astype(np.float32)


def sine(frequency: float, rate: int, seconds: float = 1.0, level: float = 1.0) -> Array:
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate))[None].astype(np.float32)


def broken() -> Array:
    samples = noise(1, 20_000)
    samples[0, 5000], samples[0, 15_000] = np.nan, -np.inf
    return samples


def png(figure: MatplotlibFigure | None) -> bytes:
    assert figure is not None
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    return file.getvalue()


def spectrogram(samples: Array, rate: int, n_fft: int = 1024, hop: int = 256) -> Spectrogram:
    padded = np.pad(samples, ((0, 0), (n_fft // 2, n_fft)))
    frames = 1 - (1 - samples.shape[1]) // hop
    framed = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=1)[:, ::hop][:, :frames]
    spectra = np.fft.rfft(framed * np.hanning(n_fft + 1)[:-1]).transpose(0, 2, 1)
    return Spectrogram(spectra.astype(np.complex64), rate, n_fft, hop, "hann", samples.shape[1])


MARKERS = (Marker(0.1, "$open_ \\x 日本"), Marker(0.11, "crowded"), Marker(0.5, "region", 0.2), Marker(99.0, "beyond"))
EDGES: dict[str, Callable[[], MatplotlibFigure | None]] = {
    "stereo": lambda: draw_audio(Audio(noise(2, 44100), 44100, MARKERS)),
    "silence": lambda: draw_audio(Audio(np.zeros((2, 44100), np.float32), 44100, MARKERS)),
    "one sample": lambda: draw_audio(Audio(noise(1, 1), 44100, MARKERS)),
    "no sample": lambda: draw_audio(Audio(noise(1, 0), 44100, MARKERS)),
    "14 channels": lambda: draw_audio(Audio(noise(14, 20_000), 44100, MARKERS)),
    "100 channels": lambda: draw_audio(Audio(noise(100, 500), 44100)),
    "192 kHz": lambda: draw_audio(Audio(noise(1, 192_000), 192_000)),
    "2 Hz": lambda: draw_audio(Audio(noise(1, 40), 2)),
    "13 hours": lambda: draw_audio(Audio(noise(1, 47_000), 1)),
    "not finite": lambda: draw_audio(Audio(broken(), 44100)),
    "only NaN": lambda: draw_audio(Audio(np.full((1, 900), np.nan, np.float32), 44100)),
    "takes": lambda: draw_takes(Takes((noise(1, 9000), noise(14, 1), noise(1, 0)), 44100, ("$1$", "日本", "c"))),
    "30 takes": lambda: draw_takes(Takes((noise(1, 3000),) * 30, 8000, tuple(map(str, range(30))))),
    "spectrogram": lambda: draw_spectrogram(spectrogram(noise(2, 30_000), 44100)),
    "one frame": lambda: draw_spectrogram(spectrogram(noise(1, 1), 192_000)),
    "smallest spectrogram": lambda: draw_spectrogram(spectrogram(noise(14, 50), 44100, 2, 1)),
    "spectrogram of silence": lambda: draw_spectrogram(spectrogram(np.zeros((1, 5000), np.float32), 44100)),
}


@pytest.mark.parametrize("edge", EDGES)
def test_every_edge_is_drawn_twice_with_the_same_bytes(edge: str) -> None:
    once = png(EDGES[edge]())
    assert once.startswith(b"\x89PNG")
    assert png(EDGES[edge]()) == once


def test_no_takes_have_no_picture() -> None:
    assert draw_takes(Takes((), 44100, ())) is None


def test_a_picture_says_no_date() -> None:
    assert b"Creation" not in png(EDGES["stereo"]()) and b"tIME" not in png(EDGES["stereo"]())


def test_a_read_only_mapped_sound_is_drawn_and_unchanged(tmp_path: Any) -> None:
    np.save(tmp_path / "a.npy", noise(2, 30_000))
    samples = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert png(draw_audio(Audio(samples, 44100))) == png(draw_audio(Audio(noise(2, 30_000), 44100)))


def test_twenty_minutes_in_stereo_are_drawn_quickly() -> None:
    samples = np.broadcast_to(noise(1, 44100 * 60), (20, 44100 * 60)).reshape(1, -1)
    audio = Audio(np.broadcast_to(samples, (2, samples.shape[1])), 44100, (Marker(421, "7:01"),))
    began = time.process_time()
    figure = draw_audio(audio)
    assert time.process_time() - began < 3  # about 0.4 s on an idle core
    assert figure.axes[-2].get_xlabel() == "minutes:seconds"


@settings(deadline=None, max_examples=60)
@given(st.sampled_from([8000, 44100, 48000, 192_000]), st.floats(0.02, 0.9))
def test_a_sine_stands_at_its_frequency_with_its_level(rate: int, place: float) -> None:
    frequency = 40 * (rate / 2 / 40) ** place
    levels = sound_levels(sine(frequency, rate, level=0.1), rate, 50)
    column = levels.decibels[:, 25]
    a_bin = ROWS * np.log(1 + 12 / frequency) / np.log(levels.high / levels.low)
    assert abs(int(column.argmax()) + 0.5 - levels.row(frequency)) < 1 + a_bin
    assert -21.5 < column.max() < -19.9  # a Hann window loses up to 1.4 dB between two bins


def test_a_spectrogram_shows_the_same_as_the_sound() -> None:
    samples = np.concatenate([sine(440, 44100, level=0.5), sine(4000, 44100, level=0.05)], axis=1)
    sound = sound_levels(samples, 44100, 2000)
    spectra = spectrogram_levels(spectrogram(samples, 44100, 4096, 512), 0, 2000)
    for fraction, frequency, level in ((0.25, 440, -6.0), (0.75, 4000, -26.0)):
        for levels in (sound, spectra):
            column = levels.decibels[:, round(fraction * levels.decibels.shape[1])]
            assert column.argmax() == pytest.approx(levels.row(frequency), abs=2.5)
            assert column.max() == pytest.approx(level, abs=1.5)
    assert spectra.start == pytest.approx(-256 / 44100) and spectra.stop == pytest.approx(2.0, abs=0.02)


def test_the_power_of_channels_is_averaged() -> None:
    both = np.concatenate([sine(1000, 44100), -sine(1000, 44100)])
    one, two = sound_levels(both[:1], 44100, 9), sound_levels(both, 44100, 9)
    np.testing.assert_allclose(one.decibels, two.decibels, atol=1e-3)


def test_a_single_click_is_seen_in_the_waveform_of_a_long_sound() -> None:
    samples = np.zeros((1, 2_000_000), np.float32)
    samples[0, 1_234_567] = -0.75
    figure = draw_audio(Audio(samples, 44100))
    lowest = figure.axes[0].collections[0].get_paths()[0].get_extents()
    assert lowest.y0 == pytest.approx(-0.75)
    assert figure.axes[0].get_ylim()[1] == pytest.approx(0.7875)


def test_axes_are_in_seconds_and_hertz() -> None:
    figure = draw_audio(Audio(noise(2, 44100), 44100))
    waves, spectra = figure.axes[0:4:2], figure.axes[1:4:2]
    assert [axes.get_xlim() for axes in (*waves, *spectra)] == [(0.0, 1.0)] * 4
    labels = [label.get_text() for label in spectra[0].get_yticklabels()]
    assert labels == ["50", "100", "200", "500", "1k", "2k", "5k", "10k", "20k"]
    heights = spectra[0].get_yticks()
    assert np.diff(heights[[1, 4, 7]]) == pytest.approx(ROWS / np.log10(22050 / 30))
    assert spectra[1].get_xlabel() == "seconds" and spectra[0].get_ylabel() == "Hz"


def test_markers_are_lines_with_labels_where_there_is_room() -> None:
    figure = draw_audio(Audio(noise(1, 44100), 44100, MARKERS))
    lines = next(found for found in figure.axes[0].collections if isinstance(found, LineCollection))
    assert [segment[0, 0] for segment in lines.get_segments()] == [0.1, 0.11, 0.5, 99.0]
    assert to_hex(lines.get_color()[0]) == MARK
    assert [text.get_text() for text in figure.axes[0].texts] == ["$open_ \\x ··", "region"]


@given(st.text(max_size=60))
def test_any_label_can_be_drawn(text: str) -> None:
    label = shown_label(text)
    assert len(label) <= 32 and "\n" not in label


@pytest.mark.parametrize("name", ["channel 1 of 2", "channel 2 of 2"])
def test_channels_are_named(name: str) -> None:
    figure = draw_spectrogram(spectrogram(noise(2, 5000), 44100))
    assert name in [text.get_text() for axes in figure.axes for text in axes.texts]
