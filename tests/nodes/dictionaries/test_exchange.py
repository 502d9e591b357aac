from __future__ import annotations

import csv
import io
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from books import RATE, edge_books, naive, random_book, same
from contexts import RecordedContext, make_context

from nodes.dictionaries.book import Book
from nodes.dictionaries.node import dbm_export, dbm_load
from nodes.dictionaries.windows import WINDOWS
from pipelines.mistakes import MistakeError
from pipelines.quantities import InputFiles

OURS = [WINDOWS.index(name) for name in ("blackman", "hann", "gauss", "rectangular")]


def written(book: Book, format: str, folder: Path) -> Path:
    files = dbm_export(book, format=format, name="größe", context=make_context(folder))  # type: ignore[arg-type]
    return files.write(folder, "unused")[0]


def read(path: Path, context: RecordedContext | None = None) -> Book:
    return dbm_load(path=InputFiles(str(path), (path,)), context=context or make_context(path.parent))


def mptk_book(count: int, channels: int = 1, inside: bool = False) -> Book:
    book = random_book(count, channels)
    windows = np.array(OURS, np.uint8)[book.windows % 4]
    starts = np.clip(book.starts, 0, book.samples - 600) if inside else book.starts
    return replace(book, windows=windows, starts=starts)


@pytest.mark.parametrize("book", [*edge_books(), random_book(200, 14)])
def test_archives_come_back_exactly(book: Book, tmp_path: Path) -> None:
    assert same(read(written(book, "npz", tmp_path)), book)


def test_the_same_book_gives_the_same_bytes(tmp_path: Path) -> None:
    for format in ("npz", "mptk", "mptk_text", "csv", "json"):
        one, other = (dbm_export(mptk_book(9), format=format, context=make_context(tmp_path)) for _ in range(2))
        assert all(np.array_equal(one.files[name], other.files[name]) for name in one.files)


@pytest.mark.parametrize("format", ["mptk", "mptk_text"])
@pytest.mark.parametrize("channels", [1, 2, 14])
@pytest.mark.parametrize("inside", [False, True])
def test_books_of_mptk_sound_the_same(format: str, channels: int, inside: bool, tmp_path: Path) -> None:
    book = mptk_book(60, channels, inside)
    back = read(written(book, format, tmp_path))
    assert (back.samples, back.sample_rate, back.count) == (book.samples, book.sample_rate, book.count)
    np.testing.assert_allclose(naive(back), naive(book), atol=1e-6)


@pytest.mark.parametrize("format", ["mptk", "mptk_text"])
@pytest.mark.parametrize("book", [edge_books()[0], edge_books()[1]])
def test_empty_books_of_mptk(format: str, book: Book, tmp_path: Path) -> None:
    assert same(read(written(book, format, tmp_path)), book)


def test_silence_around_is_told(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    files = dbm_export(mptk_book(20), format="mptk", context=context)
    assert "silence" in context.recorder.notes[0]
    assert b'leadIn="' in files.files["book.bin"].tobytes()
    inside = dbm_export(mptk_book(20, inside=True), format="mptk", context=make_context(tmp_path))
    assert b"leadIn" not in inside.files["book.bin"].tobytes()


def test_bytes_of_an_atom_are_as_many_as_mptk_writes(tmp_path: Path) -> None:
    """65 bytes an atom of one channel and a Blackman window were measured in books of the toolkit."""
    book = replace(mptk_book(3, inside=True), windows=np.full(3, OURS[0], np.uint8))
    sizes = [written(part, "mptk", tmp_path).stat().st_size for part in (book, book.taken(np.arange(2)))]
    assert sizes[0] - sizes[1] == 65


def test_amplitude_and_phase_are_those_of_a_cosine(tmp_path: Path) -> None:
    book = mptk_book(1, inside=True)
    text = written(book, "mptk_text", tmp_path).read_text()
    amplitude, phase = (float(text.split(f'"{name}" chan="0">')[1].split("<")[0]) for name in ("amp", "phase"))
    assert amplitude == pytest.approx(2 * abs(complex(book.weights[0, 0])))
    assert phase == pytest.approx(np.angle(book.weights[0, 0]))


def test_other_atoms_are_counted_in_text(tmp_path: Path) -> None:
    path = written(mptk_book(3, inside=True), "mptk_text", tmp_path)
    others = (
        '<atom type="harmonic"><support chan="0"><p>0</p><l>64</l></support></atom>\n'
        '<atom type="gabor"><support chan="0"><p>1</p><l>64</l></support><window type="hamming" opt="0"/>'
        '<par type="freq">0.1</par><par type="chirp">0</par>'
        '<par type="amp" chan="0">1</par><par type="phase" chan="0">0</par></atom>\n'
    )
    text = path.read_text().replace("</book>", f"{others}</book>").replace('nAtom="3"', 'nAtom="5"')
    path.write_text(text)
    context = make_context(tmp_path)
    assert read(path, context).count == 3
    assert "2 atoms of 5" in context.recorder.notes[0]
    assert "harmonic" in context.recorder.notes[0]
    assert "hamming" in context.recorder.notes[0]


def test_other_atoms_are_counted_in_bytes(tmp_path: Path) -> None:
    path = written(mptk_book(3, inside=True), "mptk", tmp_path)
    data = path.read_bytes().replace(b'nAtom="3"', b'nAtom="5"')
    first = data.index(b"gabor\n")
    dirac = b"dirac\n" + struct.pack("<HII2d", 1, 5, 1, 0.5, 1.0)
    path.write_bytes(data[:first] + dirac + dirac + data[first:])
    context = make_context(tmp_path)
    assert read(path, context).count == 3
    assert "2 atoms of 5" in context.recorder.notes[0]


def test_bytes_stand_in_the_order_of_the_toolkit(tmp_path: Path) -> None:
    """Line of the type, channels, supports, amps, line of the window, its option, freq, chirp, phases."""
    numbers = struct.pack("<HIIII2d", 2, 7, 512, 7, 512, 0.5, 0.25)
    atom = b"gabor\n" + numbers + b"hanning\n" + struct.pack("<5d", 0.0, 0.1, 0.0, 1.0, -2.0)
    head = (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<mptkbook formatVersion="1">\n<dict>\n</dict>\n'
        '<book nAtom="1" numChans="2" numSamples="1000" sampleRate="44100" libVersion="0.7.0" format="bin">\n'
    )
    path = tmp_path / "theirs.bin"
    path.write_bytes(head.encode() + atom + b"</book>\n</mptkbook>\n")
    book = read(path)
    assert (book.starts[0], book.lengths[0], book.frequencies[0]) == (7, 512, 0.1)
    np.testing.assert_allclose(book.weights[:, 0], [0.25 * np.exp(1j), 0.125 * np.exp(-2j)], rtol=1e-6)
    data = written(book, "mptk", tmp_path).read_bytes()
    ours = data[data.index(b"gabor") : data.index(b"</book>")]
    assert len(ours) == len(atom) and ours[:24] == atom[:24] and ours.index(b"hanning\n") == atom.index(b"hanning\n")


def test_gamma_windows_are_refused_for_mptk(tmp_path: Path) -> None:
    book = replace(random_book(2), windows=np.full(2, WINDOWS.index("gamma"), np.uint8))
    with pytest.raises(MistakeError, match="dbm_window"):
        dbm_export(book, format="mptk", context=make_context(tmp_path))


@pytest.mark.parametrize("format", ["npz", "mptk", "mptk_text"])
def test_truncated_files_are_refused_at_every_length(format: str, tmp_path: Path) -> None:
    path = written(mptk_book(5), format, tmp_path)
    data = path.read_bytes()
    for size in np.linspace(0, len(data) - 15, 60).astype(int):
        path.write_bytes(data[:size])
        with pytest.raises(MistakeError, match="no book that can be read"):
            read(path)


@pytest.mark.parametrize("format", ["npz", "mptk", "mptk_text"])
def test_damaged_files_are_read_or_refused_but_never_crash(format: str, tmp_path: Path) -> None:
    path = written(mptk_book(5), format, tmp_path)
    data = np.frombuffer(path.read_bytes(), np.uint8)
    generator = np.random.default_rng(0)
    for _ in range(400):
        broken = data.copy()
        broken[generator.integers(0, len(data), 3)] = generator.integers(0, 256, 3)
        path.write_bytes(broken.tobytes())
        try:
            book = read(path)
        except MistakeError:
            continue
        assert np.isfinite(book.weights).all()


@pytest.mark.parametrize("data", [b"", b"RIFF....WAVE", b"<mptkbook>", b"PK\x03\x04rubbish", b"<xml/>"])
def test_other_files_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(data)
    with pytest.raises(MistakeError, match="no book that can be read"):
        read(path)


def test_archives_with_wrong_arrays_are_refused(tmp_path: Path) -> None:
    path = written(random_book(5), "npz", tmp_path)
    with np.load(path) as archive:
        arrays = dict(archive)
    wrong = {
        "lengths": arrays["lengths"] * 0,
        "frequencies": arrays["frequencies"] + 1,
        "weights": arrays["weights"] * np.nan,
        "starts": arrays["starts"][:3],
        "windows": arrays["windows"] + 100,
        "version": np.array(7),
        "samples": np.array([1, 2]),
    }
    for name, array in wrong.items():
        np.savez(path, **{**arrays, name: array})
        with pytest.raises(MistakeError, match="no book that can be read"):
            read(path)
    np.savez(path, **{name: array for name, array in arrays.items() if name != "starts"})
    with pytest.raises(MistakeError, match="lacks starts"):
        read(path)


def test_several_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="not one file"):
        dbm_load(path=InputFiles("*", (tmp_path / "a", tmp_path / "b"), found=True), context=make_context(tmp_path))


@pytest.mark.parametrize("format", ["csv", "json"])
def test_scores_sound_as_the_book(format: str, tmp_path: Path) -> None:
    """The formula in the docstring of scores, with each window's shape scaled to a peak of 1."""
    from nodes.dictionaries.windows import window_of

    book = random_book(40, 2)
    data = written(book, format, tmp_path).read_text()
    events = list(csv.DictReader(io.StringIO(data))) if format == "csv" else json.loads(data)["events"]
    assert [float(event["start"]) for event in events] == sorted(float(event["start"]) for event in events)
    sound = np.zeros((2, book.samples))
    for event in events:
        start, length = (round(float(event[name]) * RATE) for name in ("start", "duration"))
        shape = window_of(event["window"], length)
        cycles = float(event["frequency"]) / RATE * np.arange(length)
        wave = float(event["amplitude"]) * shape / shape.max() * np.cos(2 * np.pi * cycles + float(event["phase"]))
        heard = (np.arange(length) + start >= 0) & (np.arange(length) + start < book.samples)
        sound[int(event["channel"]) - 1, start + np.arange(length)[heard]] += wave[heard]
    np.testing.assert_allclose(sound, naive(book), atol=1e-6)


@pytest.mark.parametrize("format", ["csv", "json"])
@pytest.mark.parametrize("book", edge_books())
def test_scores_of_every_book(format: str, book: Book, tmp_path: Path) -> None:
    text = written(book, format, tmp_path).read_text()
    events = list(csv.DictReader(io.StringIO(text))) if format == "csv" else json.loads(text)["events"]
    assert len(events) == book.count * book.channels
