"""Books as Parquet, and what `dbm_load` knows of a file beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from books import RATE, edge_books, random_book, same
from contexts import RecordedContext, make_context

from nodes.dictionaries.book import Book
from nodes.dictionaries.node.exchanging import dbm_export, dbm_load
from nodes.dictionaries.windows import WINDOWS
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.quantities import InputFiles

FORMATS = ("npz", "parquet", "mptk", "mptk_text")


def written(book: Book, folder: Path, format: str = "parquet") -> Path:
    files = dbm_export(book, format=format, name="größe", context=make_context(folder))  # type: ignore[arg-type]
    return files.write(folder, "unused")[0]


def read(path: Path, context: RecordedContext | None = None) -> Book:
    return dbm_load(path=InputFiles(str(path), (path,)), context=context or make_context(path.parent))


def facts(path: Path) -> dict[str, float]:
    rule = NodeSpec("dbm_load", dbm_load, "").mark.facts
    assert rule is not None
    return dict(rule({}, {"path": InputFiles(str(path), (path,))})["value"])


def without_gamma(book: Book) -> Book:
    return replace(book, windows=np.where(book.windows > 2, WINDOWS.index("hann"), book.windows).astype(np.uint8))


def changed(path: Path, change: Callable[[pyarrow.Table], pyarrow.Table]) -> None:
    pyarrow.parquet.write_table(change(pyarrow.parquet.read_table(path)), path)


@pytest.mark.parametrize("book", [*edge_books(), random_book(300, 14)])
def test_it_comes_back_to_the_bit(book: Book, tmp_path: Path) -> None:
    context = make_context(tmp_path)
    assert same(read(written(book, tmp_path), context), book)
    assert not context.recorder.notes


def test_signs_of_0_and_least_numbers_come_back(tmp_path: Path) -> None:
    book = random_book(4)
    weights = np.array([[complex(-0.0, 0.0), complex(1e-45, -0.0), complex(3e38, -3e38), 1 + 2j]], np.complex64)
    back = read(written(replace(book, weights=weights), tmp_path))
    assert back.weights.tobytes() == weights.tobytes()


def test_the_same_book_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = (written(random_book(50), tmp_path).read_bytes() for _ in range(2))
    assert one == other


def test_it_is_a_row_for_each_atom_in_the_order_of_the_book(tmp_path: Path) -> None:
    book = random_book(40, 2)
    table = pyarrow.parquet.read_table(written(book, tmp_path))
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    np.testing.assert_array_equal(columns["start"], book.starts)
    np.testing.assert_array_equal(columns["length"], book.lengths)
    np.testing.assert_array_equal(columns["frequency"], book.frequencies)
    np.testing.assert_array_equal(columns["energy"], book.energies)
    assert columns["window"].tolist() == [WINDOWS[number] for number in book.windows]
    for channel in range(2):
        own = columns[f"real_{channel + 1}"] + 1j * columns[f"imaginary_{channel + 1}"]
        np.testing.assert_array_equal(own, book.weights[channel])
    about = table.schema.metadata
    assert (about[b"samples"], about[b"sample_rate"], about[b"channels"]) == (b"4000", b"8000", b"2")


def test_tables_of_other_programs_are_read(tmp_path: Path) -> None:
    """Wider numbers, windows as categories, columns in another order and more of them."""
    book = random_book(30)
    path = written(book, tmp_path)

    def widened(table: pyarrow.Table) -> pyarrow.Table:
        wide = {"length": pyarrow.int64(), "real_1": pyarrow.float64(), "window": pyarrow.large_string()}
        arrays = {name: table.column(name).cast(wide.get(name, table.field(name).type)) for name in table.column_names}
        arrays["window"] = arrays["window"].dictionary_encode()
        arrays = {"rank": pyarrow.array(range(30)), **dict(reversed(arrays.items()))}
        return pyarrow.table(arrays).replace_schema_metadata(table.schema.metadata)

    changed(path, widened)
    context = make_context(tmp_path)
    assert same(read(path, context), book)
    assert not context.recorder.notes


def test_changed_atoms_are_read_and_told(tmp_path: Path) -> None:
    book = random_book(30)
    path = written(book, tmp_path)
    changed(path, lambda table: table.slice(5, 10))
    context = make_context(tmp_path)
    assert same(read(path, context), book.taken(np.arange(5, 15)))
    assert "changed since" in context.recorder.notes[0]


def with_column(name: str, values: list[object]) -> Callable[[pyarrow.Table], pyarrow.Table]:
    return lambda table: table.set_column(table.column_names.index(name), name, pyarrow.array(values))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda table: table.drop_columns(["start"]), "no columns 'start'"),
        (lambda table: table.rename_columns({"length": "lengths"}), "did you mean 'lengths'"),
        (lambda table: table.drop_columns(["window", "imaginary_2"]), "'window'; it has no columns 'imaginary_2'"),
        (lambda table: table.append_column("start", table.column("start")), "2 columns 'start'"),
        (with_column("length", [1.5, 2, 3]), "'length' is double, and should be int32"),
        (with_column("length", [2**33, 2, 3]), "no int32"),
        (with_column("length", [0, 2, 3]), "lengths below 1"),
        (with_column("frequency", [0.1, 0.1, 0.6]), "half the sample rate"),
        (with_column("frequency", [0.1, float("nan"), 0.2]), "atom 2 of 3"),
        (with_column("frequency", [0.1, None, 0.2]), "values are missing in frequency"),
        (with_column("real_1", [float("nan"), 0.0, 0.0]), "NaN or infinity as weights"),
        (with_column("imaginary_2", [1e300, 0.0, 0.0]), "NaN or infinity as weights"),
        (with_column("window", ["hann", "hann", "triangle"]), "a window 'triangle'"),
        (with_column("window", [1, 2, 3]), "'window' is int64, and should be string"),
        (lambda table: table.replace_schema_metadata(None), "lack whole numbers as samples, sample_rate"),
        (lambda table: table.replace_schema_metadata({**table.schema.metadata, b"version": b"2"}), "version 2"),
        (lambda table: table.replace_schema_metadata({**table.schema.metadata, b"samples": b"-1"}), "as samples"),
        (lambda table: table.replace_schema_metadata({**table.schema.metadata, b"sample_rate": b"0"}), "at 0 Hz"),
        (lambda table: table.replace_schema_metadata({**table.schema.metadata, b"channels": b"0"}), "0 channels"),
    ],
)
def test_tables_that_are_no_books_are_refused(
    change: Callable[[pyarrow.Table], pyarrow.Table], what: str, tmp_path: Path
) -> None:
    path = written(random_book(3, 2), tmp_path)
    changed(path, change)
    with pytest.raises(MistakeError) as raised:
        read(path)
    assert what in str(raised.value)
    assert "no book that can be read" in str(raised.value)


def test_truncated_files_are_refused_at_every_length(tmp_path: Path) -> None:
    path = written(random_book(5), tmp_path)
    data = path.read_bytes()
    for size in np.linspace(0, len(data) - 1, 60).astype(int):
        path.write_bytes(data[:size])
        with pytest.raises(MistakeError, match="no book that can be read"):
            read(path)


def test_damaged_files_are_read_or_refused_but_never_crash(tmp_path: Path) -> None:
    path = written(random_book(5), tmp_path)
    data = np.frombuffer(path.read_bytes(), np.uint8)
    generator = np.random.default_rng(0)
    for _ in range(300):
        damaged = data.copy()
        damaged[generator.integers(0, len(data), 3)] = generator.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        for look in (facts, read):
            try:
                look(path)
            except MistakeError:
                continue


def test_damaged_numbers_are_seen(tmp_path: Path) -> None:
    book = random_book(2000)
    path = written(book, tmp_path)
    data = bytearray(path.read_bytes())
    place = data.index(book.frequencies.tobytes()[800:816])
    data[place + 6] ^= 1
    path.write_bytes(data)
    with pytest.raises(MistakeError, match="damaged Parquet"):
        read(path)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("book", edge_books())
def test_form_and_duration_are_known_beforehand(book: Book, format: str, tmp_path: Path) -> None:
    path = written(without_gamma(book), tmp_path, format)
    assert facts(path) == {"sample_rate": RATE, "channels": book.channels, "duration": book.samples / RATE}
    back = read(path)
    assert (back.channels, back.samples, back.sample_rate) == (book.channels, book.samples, RATE)


@pytest.mark.parametrize("format", ["npz", "parquet"])
def test_atoms_are_not_read_beforehand(format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(random_book(5000), tmp_path, format)
    monkeypatch.setattr(pyarrow.parquet.ParquetFile, "read", None)
    monkeypatch.setattr(np, "load", None)
    assert facts(path)["channels"] == 1


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_no_book_is_refused_beforehand(format: str, tmp_path: Path) -> None:
    path = written(without_gamma(random_book(50)), tmp_path, format)
    data = path.read_bytes()
    for rubbish in (b"", data[:60], b"RIFF....WAVE", b"PAR1", b"PK\x03\x04"):
        path.write_bytes(rubbish)
        with pytest.raises(MistakeError, match="no book that can be read"):
            facts(path)
    np.savez(path, samples=np.zeros(3000), sample_rate=np.zeros(2), weights=np.zeros(3))
    path.with_name(path.name + ".npz").replace(path) if path.suffix != ".npz" else None
    with pytest.raises(MistakeError, match="no book that can be read"):
        facts(path)


def test_misnamed_columns_are_refused_beforehand(tmp_path: Path) -> None:
    path = written(random_book(5), tmp_path)
    changed(path, lambda table: table.rename_columns({"frequency": "frequencies"}))
    with pytest.raises(MistakeError, match="did you mean 'frequencies'"):
        facts(path)
