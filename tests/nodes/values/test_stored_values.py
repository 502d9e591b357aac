"""Every kind of value survives storage: split into JSON and arrays, saved, mapped, rebuilt."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.values import Audio, Figure, Files, Marker, Spectrogram, Takes, Text
from nodes.values.audio import flatten
from pipelines.value import Value, freeze, pack, unpack


def noise(channels: int = 2, length: int = 1000, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).uniform(-1, 1, (channels, length)).astype(np.float32)


def spectrogram(channels: int = 2, frames: int = 30) -> Spectrogram:
    generator = np.random.default_rng(0)
    spectra = generator.standard_normal((channels, 129, frames)) + 1j * generator.standard_normal(
        (channels, 129, frames)
    )
    return Spectrogram(spectra.astype(np.complex64), 44100, 256, 64, "hann", 64 * (frames - 1) + 1)


VALUES = {
    "audio": Audio(noise(), 44100, (Marker(0.5, "Übung", 1.5), Marker(0.0, ""))),
    "one sample": Audio(noise(1, 1), 192_000),
    "no sample": Audio(noise(14, 0), 8000),
    "takes": Takes((noise(), noise(14, 3), noise(1, 0)), 48000, ("0", "50", "a/ü")),
    "no takes": Takes((), 48000, ()),
    "text": Text("zwei\nZeilen ☾\n", "csv"),
    "figure": Figure(np.arange(24, dtype=np.uint8).reshape(2, 4, 3)),
    "files": Files({"a.wav": np.arange(9, dtype=np.uint8), "ü.b.wav": np.zeros(0, np.uint8)}),
    "spectrogram": spectrogram(),
}


def stored(value: Value, folder: Path) -> Value:
    """Return the value as another process would read it."""
    tree, arrays = pack(value)
    text = json.dumps(tree)
    for number, array in enumerate(arrays.values()):
        np.save(folder / f"{number}.npy", array, allow_pickle=False)
    read = {
        name: np.load(folder / f"{number}.npy", mmap_mode="r" if array.size else None, allow_pickle=False)
        for number, (name, array) in enumerate(arrays.items())
    }
    return unpack(json.loads(text), read)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Value):
        names = [field.name for field in dataclasses.fields(one)]  # type: ignore[arg-type]
        return type(one) is type(other) and all(same(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and np.array_equal(one, other)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    return bool(one == other) and type(one) is type(other)


@pytest.mark.parametrize("name", VALUES)
def test_every_value_survives_storage(name: str, tmp_path: Path) -> None:
    again = stored(VALUES[name], tmp_path)
    assert same(VALUES[name], again)
    assert again.describe() == VALUES[name].describe()


@pytest.mark.parametrize("name", VALUES)
def test_a_stored_value_is_written_as_the_value_itself(name: str, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    folders = [tmp_path / "here", tmp_path / "there"]
    for value, folder in zip((VALUES[name], freeze(stored(VALUES[name], tmp_path / "store"))), folders, strict=True):
        folder.mkdir()
        value.write(folder, "out")
    written = [sorted(path.name for path in folder.iterdir()) for folder in folders]
    assert written[0] == written[1]
    assert all((folders[0] / file).read_bytes() == (folders[1] / file).read_bytes() for file in written[0])


LABELS = st.text(max_size=20)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 20), LABELS), max_size=4), st.floats(0, 1e6), LABELS)
def test_any_takes_and_markers_survive(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[int, int, str]], time: float, label: str
) -> None:
    samples = tuple(noise(channels, length) for channels, length, _ in shapes)
    takes = Takes(samples, 44100, tuple(label for *_, label in shapes))
    folder = tmp_path_factory.getbasetemp()
    assert same(takes, stored(takes, folder))
    audio = Audio(noise(1, 3), 44100, (Marker(time, label, time),))
    assert same(audio, stored(audio, folder))


def test_audio_knows_its_size() -> None:
    audio = Audio(noise(2, 441), 44100)
    assert (audio.channels, audio.length, audio.duration) == (2, 441, 0.01)
    assert audio.sound()[0] is audio.samples
    assert audio.describe() == "Audio, 2 ch, 0.010 s, 44100 Hz"


@pytest.mark.parametrize("samples", [np.zeros(3, np.float32), np.zeros((1, 3)), np.zeros((1, 1, 1), np.float32)])
def test_audio_of_another_form_is_refused(samples: np.ndarray[Any, Any]) -> None:
    with pytest.raises(AssertionError):
        Audio(samples, 44100)


def test_takes_count_as_that_many_sounds() -> None:
    takes = Takes((noise(), noise(1, 5)), 44100, ("a", "b"))
    assert len(takes) == 2 and takes.take(1).length == 5
    assert [audio.length for audio in flatten([Audio(noise(1, 7), 44100), takes])] == [7, 1000, 5]


def test_a_text_is_written_in_utf_8(tmp_path: Path) -> None:
    assert VALUES["text"].write(tmp_path, "t") == [tmp_path / "t.csv"]
    assert (tmp_path / "t.csv").read_bytes() == "zwei\nZeilen ☾\n".encode()
    assert VALUES["text"].draw() is None and VALUES["text"].sound() is None and VALUES["text"].measure() == {}


def test_files_are_written_under_their_own_names(tmp_path: Path) -> None:
    paths = VALUES["files"].write(tmp_path, "unused")
    assert [path.name for path in paths] == ["a.wav", "ü.b.wav"]
    assert [path.read_bytes() for path in paths] == [bytes(range(9)), b""]


def test_a_file_without_a_name_takes_that_of_the_output(tmp_path: Path) -> None:
    files = Files({".gif": np.arange(3, dtype=np.uint8), "own.txt": np.arange(2, dtype=np.uint8)})
    written = files.write(tmp_path, "piece_fa")
    assert [path.name for path in written] == ["piece_fa.gif", "own.txt"]
    assert written[0].read_bytes() == bytes([0, 1, 2])
