"""The finished files of a piece: names, forms, provenance, and the same bytes every time."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from contexts import make_context
from wavinfo import WavInfoReader  # type: ignore[import-untyped]

from nodes.files.node import export
from nodes.values import Audio, Files, Marker, Takes
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec


def noise(channels: int = 2, length: int = 5000, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, (channels, length)).astype(np.float32)


def exported(sound: Audio | Takes, tmp_path: Path, seed: int = 0, **parameters: Any) -> Files:
    result: Files = export(sound, **parameters, context=make_context(tmp_path, seed))
    return result


def opened(files: Files, folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return files.write(folder, "unused")


def read(path: Path) -> np.ndarray[Any, Any]:
    samples: np.ndarray[Any, Any] = soundfile.read(path, dtype="float32", always_2d=True)[0].T
    return samples


def test_a_sound_is_one_file_with_its_provenance(tmp_path: Path) -> None:
    audio = Audio(noise(), 44100, (Marker(0.01, "A", 0.02),))
    files = exported(audio, tmp_path, name="Stück 1", title="Stück", artist="Ich")
    (path,) = opened(files, tmp_path / "out")
    assert path.name == "Stück_1.wav"
    np.testing.assert_allclose(read(path), audio.samples, atol=2**-24)
    found = WavInfoReader(str(path), info_encoding="utf-8")
    assert (found.info.title, found.info.artist) == ("Stück", "Ich")
    assert found.info.software.startswith("resynthesis ")
    assert json.loads(found.info.comment) == {"key": "0" * 64}
    assert found.cues.to_dict() == {1: {"frame": 441, "label": "A", "length": 882}}


@pytest.mark.parametrize(
    ("parameters", "form", "subtype", "ending"),
    [
        ({}, "WAV", "PCM_24", "wav"),
        ({"bits": 16}, "WAV", "PCM_16", "wav"),
        ({"bits": 32}, "WAV", "PCM_32", "wav"),
        ({"bits": "float"}, "WAV", "FLOAT", "wav"),
        ({"format": "rf64"}, "RF64", "PCM_24", "wav"),
        ({"format": "flac"}, "FLAC", "PCM_24", "flac"),
        ({"format": "flac", "bits": 16}, "FLAC", "PCM_16", "flac"),
    ],
)
def test_every_form(parameters: dict[str, Any], form: str, subtype: str, ending: str, tmp_path: Path) -> None:
    (path,) = opened(exported(Audio(noise(), 48000), tmp_path, **parameters), tmp_path / "out")
    info = soundfile.info(path)
    assert (info.format, info.subtype, path.name) == (form, subtype, f"piece.{ending}")


def test_fourteen_channels_are_one_file_or_fourteen(tmp_path: Path) -> None:
    audio = Audio(noise(14), 192_000)
    (whole,) = opened(exported(audio, tmp_path), tmp_path / "out")
    assert soundfile.info(whole).channels == 14
    parts = opened(exported(audio, tmp_path, mono_files=True, format="flac"), tmp_path / "out")
    assert [path.name for path in parts] == [f"piece_ch{channel:02d}.flac" for channel in range(1, 15)]
    np.testing.assert_array_equal(np.concatenate([read(path) for path in parts]), read(whole))


def test_takes_are_numbered(tmp_path: Path) -> None:
    takes = Takes((noise(1, 10), noise(2, 20)), 44100, ("50", "a/b"))
    assert list(exported(takes, tmp_path, name="rise").files) == ["rise_001_50.wav", "rise_002_a_b.wav"]
    assert list(exported(takes, tmp_path, mono_files=True).files) == [
        "piece_001_50_ch01.wav",
        "piece_002_a_b_ch01.wav",
        "piece_002_a_b_ch02.wav",
    ]
    assert exported(Takes((), 44100, ()), tmp_path).files == {}


@pytest.mark.parametrize("parameters", [{}, {"format": "flac"}, {"bits": 16, "dither": True}])
def test_the_same_export_gives_the_same_bytes(parameters: dict[str, Any], tmp_path: Path) -> None:
    audio = Audio(noise(2, 200_000), 44100)
    once, again = (exported(audio, tmp_path / str(turn), 7, **parameters) for turn in range(2))
    assert all(np.array_equal(once.files[name], again.files[name]) for name in once.files)


def test_dither_follows_the_seed_and_differs_between_channels(tmp_path: Path) -> None:
    silence = Audio(np.zeros((2, 10_000), np.float32), 44100)
    form: dict[str, Any] = {"bits": 16, "dither": True, "mono_files": True}
    left, right = (read(path) for path in opened(exported(silence, tmp_path, 1, **form), tmp_path / "a"))
    other = read(opened(exported(silence, tmp_path / "2", 2, **form), tmp_path / "b")[0])
    assert set(np.unique(left * 2**15)) == {-1, 0, 1}
    assert not np.array_equal(left, right) and not np.array_equal(left, other)


def test_export_needs_little_memory(tmp_path: Path) -> None:
    audio = Audio(noise(2, 48000 * 60), 48000)
    forms: tuple[dict[str, Any], ...] = ({}, {"format": "flac"})
    for parameters in forms:
        tracemalloc.start()
        files = exported(audio, tmp_path / str(parameters), **parameters)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        size = sum(data.size for data in files.files.values())
        assert peak < (12e6 if not parameters else 1.2 * size + 12e6)


def test_large_arrays_of_bytes_lie_on_disk(tmp_path: Path) -> None:
    (data,) = exported(Audio(noise(), 48000), tmp_path).files.values()
    assert isinstance(data, np.memmap) and data.dtype == np.uint8


def facts(inputs: dict[str, Any], **given: Any) -> dict[str, Any]:
    parameters = {"format": "wav", "bits": 24, "mono_files": False, "dither": False, **given}
    rule = NodeSpec("export", export, "").mark.facts
    assert rule is not None
    return dict(rule(inputs, parameters))


@pytest.mark.parametrize(
    ("channels", "given", "says"),
    [
        (9, {"format": "flac"}, "at most 8 channels"),
        (1, {"format": "flac", "bits": 32}, "16 or 24 bits"),
        (1, {"format": "flac", "bits": "float"}, "16 or 24 bits"),
        (1, {"bits": "float", "dither": True}, "no dither"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(
    channels: int, given: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(MistakeError, match=says):
        facts({"audio": {"channels": channels, "sample_rate": 48000}}, **given)
    with pytest.raises(MistakeError, match=says):
        exported(Audio(noise(channels), 48000), tmp_path, **given)


def test_nothing_is_known_to_be_wrong_of_what_may_be_right() -> None:
    assert facts({"audio": {"channels": 9}}, format="flac", mono_files=True) == {"value": {}}
    assert facts({"audio": None}, format="flac") == {"value": {}}
    assert facts({}, bits="float") == {"value": {}}


def test_a_sound_beyond_full_scale_is_refused_but_for_float(tmp_path: Path) -> None:
    loud = Audio(noise() * 4, 44100)
    with pytest.raises(MistakeError, match=r"a peak of \+11\.\d\d dBFS"):
        exported(loud, tmp_path)
    (path,) = opened(exported(loud, tmp_path, bits="float"), tmp_path / "out")
    np.testing.assert_array_equal(read(path), loud.samples)
