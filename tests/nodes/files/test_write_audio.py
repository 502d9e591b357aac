"""Sound files out: exact, deterministic, and read by other programs with their markers and texts."""

from __future__ import annotations

import json
import math
import shutil
import struct
import subprocess
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from contexts import make_context
from hypothesis import given, settings
from hypothesis import strategies as st
from wavinfo import WavInfoReader  # type: ignore[import-untyped]

from nodes.files import riff
from nodes.files.node import load
from nodes.files.pcm import ENCODINGS, peak, quantise
from nodes.files.riff import wave_ends
from nodes.files.writing import label_names, safe_name, write_audio
from nodes.values import Audio, Marker, Takes
from pipelines.mistakes import MistakeError
from pipelines.quantities import InputFiles

MARKERS = (Marker(0.001, "début"), Marker(0.01, "ruhig ☾", 0.005), Marker(99.0, "late"))
INFO = {"title": "Übung", "artist": "A & B", "software": "resynthesis 0", "comment": json.dumps({"key": "ab"})}
needs_ffprobe = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")


def noise(channels: int = 2, length: int = 1001, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).uniform(-1, 1, (channels, length)).astype(np.float32)


def read(path: Path) -> np.ndarray[Any, Any]:
    samples: np.ndarray[Any, Any] = soundfile.read(path, dtype="float32", always_2d=True)[0].T
    return samples


def chunks(path: Path) -> dict[bytes, bytes]:
    data, at, found = path.read_bytes(), 12, {}
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        found[data[at : at + 4]] = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    assert at == len(data) or data[:4] == b"RF64"
    return found


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([("PCM_16", 16), ("PCM_24", 24)]), st.sampled_from(["wav", "rf64", "flac"]), st.data())
def test_whole_numbers_come_back_as_they_went(
    tmp_path_factory: pytest.TempPathFactory, form: tuple[str, int], container: str, data: st.DataObject
) -> None:
    subtype, bits = form
    steps = data.draw(st.lists(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), min_size=2, max_size=9))
    samples = np.array([steps, steps[::-1]], np.float64).astype(np.float32) / np.float32(2 ** (bits - 1))
    path = tmp_path_factory.getbasetemp() / f"any.{container}"
    write_audio(path, Audio(samples, 44100), subtype, container)
    audio = load(path=InputFiles(path.name, (path,)), context=make_context(path.parent))
    np.testing.assert_array_equal(audio.samples, samples)


@pytest.mark.parametrize(
    ("subtype", "step"), [("PCM_16", 2**-15), ("PCM_24", 2**-23), ("PCM_32", 2**-31), ("FLOAT", 0)]
)
@pytest.mark.parametrize("container", ["wav", "rf64"])
@pytest.mark.parametrize("channels", [1, 2, 3, 14])
def test_libsndfile_reads_every_form(subtype: str, step: float, container: str, channels: int, tmp_path: Path) -> None:
    samples = noise(channels) * np.float32(0.99)
    path = tmp_path / "ü.wav"
    write_audio(path, Audio(samples, 192_000), subtype, container, INFO)
    info = soundfile.info(path)
    assert (info.subtype, info.samplerate, info.frames) == (subtype, 192_000, 1001)
    np.testing.assert_allclose(read(path), samples, rtol=0, atol=step / 2 + 6e-8 * (subtype == "PCM_32"))


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 14])
def test_beyond_two_channels_no_loudspeaker_is_named(channels: int, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_audio(path, Audio(noise(channels), 48000))
    form = chunks(path)[b"fmt "]
    if channels <= 2:
        assert struct.unpack("<HHIIHH", form) == (1, channels, 48000, 144_000 * channels, 3 * channels, 24)
        return
    tag, count, *_, size, bits, mask, subformat = struct.unpack("<HHIIHHHHI16s", form)
    assert (tag, count, size, bits, mask) == (0xFFFE, channels, 22, 24, 0)
    assert subformat == struct.pack("<IHH", 1, 0, 16) + bytes.fromhex("800000aa00389b71")


def test_the_same_sound_gives_the_same_bytes(tmp_path: Path) -> None:
    audio = Audio(noise(), 48000, MARKERS)
    for name in ("a.wav", "b.flac"):
        write_audio(tmp_path / name, audio, info=INFO)
        once = (tmp_path / name).read_bytes()
        write_audio(tmp_path / name, audio, info=INFO)
        assert (tmp_path / name).read_bytes() == once


@pytest.mark.parametrize("length", [0, 1, 2, 1001])
@pytest.mark.parametrize("container", ["wav", "rf64"])
def test_sizes_in_the_header_are_those_of_the_file(length: int, container: str, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_audio(path, Audio(noise(1, length), 48000, MARKERS), container=container)
    data = path.read_bytes()
    assert len(data) % 2 == 0
    if container == "wav":
        assert struct.unpack_from("<4sI4s", data) == (b"RIFF", len(data) - 8, b"WAVE")
        assert len(chunks(path)[b"data"]) == 3 * length
    else:
        assert struct.unpack_from("<4sI4s4sIQQQI", data) == (
            *(b"RF64", 2**32 - 1, b"WAVE", b"ds64", 28),
            *(len(data) - 8, 3 * length, length, 0),
        )
    assert soundfile.info(path).frames == length


@pytest.mark.parametrize("container", ["wav", "rf64"])
@pytest.mark.parametrize("channels", [1, 3])
def test_markers_and_regions_are_read_by_another_program(container: str, channels: int, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_audio(path, Audio(noise(channels), 44100, MARKERS), container=container)
    found = WavInfoReader(str(path), info_encoding="utf-8").cues.to_dict()
    assert found == {
        1: {"frame": 44, "label": "début"},
        2: {"frame": 441, "label": "ruhig ☾", "length": 221},
        3: {"frame": 1001, "label": "late"},
    }


@pytest.mark.parametrize("container", ["wav", "rf64"])
def test_texts_are_read_by_another_program(container: str, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_audio(path, Audio(noise(), 44100), container=container, info=INFO)
    found = WavInfoReader(str(path), info_encoding="utf-8").info
    assert (found.title, found.artist, found.software) == (INFO["title"], INFO["artist"], INFO["software"])
    assert json.loads(found.comment) == {"key": "ab"}


def test_flac_carries_the_texts(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.flac", Audio(noise(), 44100), info=INFO)
    with soundfile.SoundFile(tmp_path / "a.flac") as file:
        assert {name: getattr(file, name) for name in INFO} == INFO


def probe(path: Path) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters", str(path)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert not done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@needs_ffprobe
@pytest.mark.parametrize("container", ["wav", "rf64", "flac"])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_ffmpeg_reads_sound_markers_and_texts(container: str, channels: int, tmp_path: Path) -> None:
    path = tmp_path / f"a.{container}"
    write_audio(path, Audio(noise(channels, 44100), 44100, MARKERS), container=container, info=INFO)
    found = probe(path)
    assert found["streams"][0]["channels"] == channels
    assert float(found["format"]["duration"]) == pytest.approx(1.0)
    tags = {name.lower(): text for name, text in found["format"]["tags"].items()}
    assert (tags["title"], tags["comment"]) == (INFO["title"], INFO["comment"])
    chapters = found["chapters"]
    assert [chapter["tags"]["title"] for chapter in chapters[:2]] == ["début", "ruhig ☾"]
    assert [float(chapter["start_time"]) for chapter in chapters] == pytest.approx([0.001, 0.01, 1.0], abs=1e-3)


@needs_ffprobe
@pytest.mark.parametrize(("subtype", "name"), [("PCM_24", "s24le"), ("FLOAT", "f32le")])
def test_ffmpeg_decodes_the_same_samples(subtype: str, name: str, tmp_path: Path) -> None:
    samples = noise(14)
    write_audio(tmp_path / "a.wav", Audio(samples, 44100), subtype)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "a.wav"), "-f", name, "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    if subtype == "FLOAT":
        np.testing.assert_array_equal(np.frombuffer(data, "<f4").reshape(-1, 14).T, samples)
    else:
        words = np.frombuffer(data, np.uint8).reshape(-1, 3)
        whole = words.astype(np.int32) @ np.array([1, 256, 65536], np.int32)
        whole = np.where(whole >= 2**23, whole - 2**24, whole).reshape(-1, 14).T
        np.testing.assert_array_equal(whole, quantise(samples, 24))


def test_a_file_beyond_four_gigabytes_is_rf64() -> None:
    frames = 800_000_000
    audio = Audio(np.broadcast_to(np.zeros((2, 1), np.float32), (2, frames)), 48000, MARKERS)
    before, after = wave_ends(audio, ENCODINGS["PCM_24"], INFO, rf64=False)
    size = len(before) + 6 * frames + len(after)
    assert size > 2**32
    assert struct.unpack_from("<4sI4s4sIQQQI", before) == (
        *(b"RF64", 2**32 - 1, b"WAVE", b"ds64", 28),
        *(size - 8, 6 * frames, frames, 0),
    )
    assert before.endswith(b"data" + b"\xff" * 4)


@pytest.mark.parametrize("excess", [0, 2])
def test_rf64_begins_exactly_where_riff_ends(excess: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = Audio(noise(2, 1000), 48000, MARKERS)
    path = tmp_path / "a.wav"
    write_audio(path, audio)
    monkeypatch.setattr(riff, "LONGEST_RIFF", path.stat().st_size - 8 - excess)
    write_audio(path, audio)
    assert soundfile.info(path).format == ("RF64" if excess else "WAV")


@pytest.mark.slow
def test_a_real_file_beyond_four_gigabytes_is_read(tmp_path: Path) -> None:
    frames = 720_000_000
    audio = Audio(np.broadcast_to(np.full((2, 1), 0.25, np.float32), (2, frames)), 48000, MARKERS)
    path = tmp_path / "huge.wav"
    try:
        write_audio(path, audio)
        assert path.stat().st_size > 2**32
        with soundfile.SoundFile(path) as file:
            assert (file.format, file.frames) == ("RF64", frames)
            file.seek(frames - 2)
            np.testing.assert_array_equal(file.read(dtype="float32"), np.full((2, 2), 0.25))
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("level", [1.0001, 2.0, np.nan, np.inf])
@pytest.mark.parametrize("container", ["wav", "flac"])
def test_clipping_is_refused_and_leaves_no_file(level: float, container: str, tmp_path: Path) -> None:
    samples = noise() / 2
    samples[1, 500] = -level
    with pytest.raises(MistakeError) as caught:
        write_audio(tmp_path / "a", Audio(samples, 44100), container=container)
    text = str(caught.value)
    assert "bits: float" in text
    assert (f"{20 * math.log10(level):+.2f} dBFS" in text) if math.isfinite(level) else "not a finite number" in text
    assert not list(tmp_path.iterdir())


def test_full_scale_itself_is_no_clipping(tmp_path: Path) -> None:
    samples = np.array([[1.0, -1.0, 0.0]], np.float32)
    for subtype, bits in (("PCM_16", 16), ("PCM_24", 24), ("PCM_32", 32)):
        write_audio(tmp_path / "a.wav", Audio(samples, 44100), subtype)
        np.testing.assert_allclose(read(tmp_path / "a.wav"), samples, rtol=0, atol=2.0 ** (1 - bits))


def test_a_finished_sound_is_never_lost(tmp_path: Path) -> None:
    samples = noise() * 3
    assert Audio(samples, 44100).write(tmp_path, "loud") == [tmp_path / "loud.wav"]
    assert soundfile.info(tmp_path / "loud.wav").subtype == "FLOAT"
    np.testing.assert_array_equal(read(tmp_path / "loud.wav"), samples)
    Audio(samples / 3, 44100).write(tmp_path, "soft")
    assert soundfile.info(tmp_path / "soft.wav").subtype == "PCM_24"
    samples[0, 3] = np.nan
    Audio(samples, 44100).write(tmp_path, "broken")
    np.testing.assert_array_equal(read(tmp_path / "broken.wav"), samples)


def test_takes_are_written_under_their_labels(tmp_path: Path) -> None:
    takes = Takes((noise(), noise() * 2), 44100, ("it 1/2", "ü"))
    paths = takes.write(tmp_path, "rise")
    assert [path.name for path in paths] == ["rise_001_it_1_2.wav", "rise_002_ü.wav"]
    assert [soundfile.info(path).subtype for path in paths] == ["PCM_24", "FLOAT"]
    iterates = Takes((noise(), noise()), 44100, ("0", "50"))
    assert [path.name for path in iterates.write(tmp_path, "rise")] == ["rise_000.wav", "rise_050.wav"]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([], []),
        (["0", "5", "1000"], ["000", "005", "1000"]),
        (["1", "1"], ["001_1", "002_1"]),
        (["5", "0"], ["001_5", "002_0"]),
        (["1", "01"], ["001_1", "002_01"]),
        (["1", "٢"], ["001_1", "002_٢"]),
        (["1.5", "b"], ["001_1.5", "002_b"]),
    ],
)
def test_numbers_name_files_where_they_rise(labels: list[str], names: list[str]) -> None:
    assert label_names(labels) == names


def test_what_was_there_stays_until_the_new_file_is_complete(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"before")
    with pytest.raises(MistakeError):
        write_audio(tmp_path / "a.wav", Audio(noise() * 2, 44100))
    assert (tmp_path / "a.wav").read_bytes() == b"before"


@pytest.mark.parametrize(
    ("channels", "rate", "subtype", "says"),
    [
        (9, 44100, "PCM_24", "at most 8 channels"),
        (1, 700_000, "PCM_24", "at most 655350 Hz"),
        (1, 44100, "PCM_32", "16 or 24 bits"),
        (1, 44100, "FLOAT", "16 or 24 bits"),
    ],
)
def test_what_flac_cannot_hold_is_refused(channels: int, rate: int, subtype: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match=says):
        write_audio(tmp_path / "a.flac", Audio(noise(channels), rate), subtype)


def test_an_empty_sound_is_an_empty_wav_and_no_flac(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", Audio(noise(2, 0), 44100))
    assert soundfile.info(tmp_path / "a.wav").frames == 0
    with pytest.raises(MistakeError, match="at least one sample"):
        write_audio(tmp_path / "a.flac", Audio(noise(2, 0), 44100))


def test_more_channels_than_a_frame_can_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="mono file for each channel"):
        write_audio(tmp_path / "a.wav", Audio(np.zeros((30_000, 1), np.float32), 44100))


def test_an_unknown_form_is_refused(tmp_path: Path) -> None:
    for subtype, container in (("PCM_8", "wav"), ("PCM_24", "mp3")):
        with pytest.raises(MistakeError, match="no such form"):
            write_audio(tmp_path / "a.wav", Audio(noise(), 44100), subtype, container)


def test_writing_needs_little_memory(tmp_path: Path) -> None:
    audio = Audio(noise(2, 48000 * 60), 48000)
    for name in ("a.wav", "a.flac"):
        tracemalloc.start()
        write_audio(tmp_path / name, audio)
        assert tracemalloc.get_traced_memory()[1] < 12e6
        tracemalloc.stop()


def test_dither_makes_the_error_independent_of_a_soft_sound() -> None:
    quiet = (0.4 * 2**-15 * np.sin(np.arange(200_000) / 10))[None].astype(np.float32)
    assert not quantise(quiet, 16).any()
    dithered = quantise(quiet, 16, np.random.default_rng(0))
    gain = np.dot(dithered[0], quiet[0]) / np.dot(quiet[0], quiet[0]) * 2**-15
    assert gain == pytest.approx(1.0, abs=0.02)
    error = dithered[0] - quiet[0] * 2.0**15
    assert np.var(error) == pytest.approx(1 / 4, rel=0.02)  # 1/12 of rounding and 1/6 of triangular noise


@pytest.mark.parametrize("values", [[], [0.0], [-0.5, 0.25], [np.nan, 3.0], [-np.inf, 1.0]])
def test_peak_is_the_largest_magnitude(values: list[float]) -> None:
    expected = np.abs(np.array(values, np.float32)).max(initial=0.0)
    np.testing.assert_equal(peak(np.array([values], np.float32)), float(expected))


@given(st.text(max_size=200))
def test_a_safe_name_is_one_for_every_system(text: str) -> None:
    name = safe_name(text)
    assert name and len(name.encode()) <= 81
    assert not set(name) & set('/\\:*?"<>| \t\n\0')
    assert name[0] not in ".-" and name[-1] != "."
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"), [("it 1/2", "it_1_2"), ("..", "_"), ("con.txt", "_con.txt"), ("Übung", "Übung")]
)
def test_safe_names(text: str, name: str) -> None:
    assert safe_name(text) == name
