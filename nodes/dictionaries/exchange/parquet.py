"""Books as Parquet files, for pandas, Polars, DuckDB, R and others: a row for each atom, in the order of the book.

==================  =========  ==================================================================================
``start``           int64      first sample of the atom, may be below 0
``length``          int32      samples
``frequency``       float64    cycles per sample, 0 to 0.5
``window``          string     see `nodes.dictionaries.windows` for their formulas
``energy``          float64    2 Σ |b|² over all channels; not read back
``real_1``, …       float32    real part of the weight b in channel 1, …
``imaginary_1``, …  float32    the atom is 2 Re(b w(t - start) exp(2πi f (t - start))) there, w of unit energy
==================  =========  ==================================================================================

The file's metadata are ``samples`` (length of the sound), ``sample_rate``, ``channels``, ``version`` (1) and
``fingerprint``, by which it is seen whether atoms were changed since. Programs that drop metadata make files that are
refused: `replace_schema_metadata` of pyarrow brings them back.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow
import pyarrow.parquet

from nodes.dictionaries.book import Book
from nodes.dictionaries.exchange.checking import Form, broken, checked
from nodes.dictionaries.windows import WINDOWS
from pipelines.mistakes import listed, nearest
from pipelines.value import Array

VERSION = 1
NUMBERS = ("samples", "sample_rate", "channels", "version")
MOST_CHANNELS = 10_000
_NUMBER = re.compile(r"[0-9]{1,18}")


class Found(NamedTuple):
    """A book, and whether its atoms are others than those that were written."""

    book: Book
    changed: bool


def as_parquet(book: Book) -> bytes:
    """Return the Parquet file of a book; the same book gives the same bytes."""
    names = pyarrow.DictionaryArray.from_arrays(book.windows.astype(np.int8), list(WINDOWS)).cast(pyarrow.string())
    columns: dict[str, Any] = {
        "start": book.starts.astype(np.int64),
        "length": book.lengths.astype(np.int32),
        "frequency": book.frequencies.astype(np.float64),
        "window": names,
        "energy": book.energies,
    }
    for channel, weights in enumerate(book.weights.astype(np.complex64), 1):
        columns |= {f"real_{channel}": weights.real.copy(), f"imaginary_{channel}": weights.imag.copy()}
    numbers = (book.samples, book.sample_rate, book.channels, VERSION)
    about = {name: str(number) for name, number in zip(NUMBERS, numbers, strict=True)}
    table = pyarrow.table(columns).replace_schema_metadata({**about, "fingerprint": fingerprint(book)})
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file, use_dictionary=["window"], write_page_checksum=True)
    return file.getvalue()


def fingerprint(book: Book) -> str:
    """Return the digest of all that a book holds."""
    digest = hashlib.blake2b(f"{book.samples} {book.sample_rate} {book.channels}".encode(), digest_size=16)
    arrays = (book.starts, book.lengths, book.frequencies, book.windows, book.weights)
    for array, kind in zip(arrays, ("<i8", "<i4", "<f8", "u1", "<c8"), strict=True):
        digest.update(np.ascontiguousarray(array, kind).data)
    return digest.hexdigest()


def from_parquet(path: Path) -> Found:
    """Return the book of a Parquet file, exactly as it was.

    Raises
    ------
    MistakeError
        Where the file is no such one, is damaged, lacks columns or metadata, or holds numbers that no book has.
    """
    about, table = _read(path)
    form = _form(path, about, table.schema)
    columns = {name: table.column(name) for name in _columns(form.channels)}
    if empty := [name for name, column in columns.items() if column.null_count]:
        raise broken(path, f"values are missing in {listed(empty, 8)}")
    arrays = {name: _numbers(path, name, columns[name]) for name in columns if name != "window"}
    weights = np.empty((form.channels, table.num_rows), np.complex64)
    for channel in range(form.channels):
        weights[channel].real, weights[channel].imag = arrays[f"real_{channel + 1}"], arrays[f"imaginary_{channel + 1}"]
    windows = _windows(path, columns["window"])
    book = Book(
        arrays["start"], arrays["length"], arrays["frequency"], windows, weights, form.samples, form.sample_rate
    )
    checked(path, book)
    return Found(book, about.get("fingerprint", fingerprint(book)) != fingerprint(book))


def form_of_parquet(path: Path) -> Form:
    """Return what a Parquet file says of its book, without its atoms; refuse what `from_parquet` would by that."""
    try:
        schema = pyarrow.parquet.read_schema(path)
    except Exception as error:  # of a damaged file pyarrow raises almost anything
        raise _unreadable(path, error) from error
    return _form(path, _texts(path, schema), schema)


def _read(path: Path) -> tuple[Mapping[str, str], pyarrow.Table]:
    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
        table.validate(full=True)
    except Exception as error:  # of a damaged file pyarrow raises almost anything
        raise _unreadable(path, error) from error
    return _texts(path, table.schema), table


def _unreadable(path: Path, error: Exception) -> Exception:
    return broken(path, f"it is a damaged Parquet file ({str(error)[:80]})")


def _texts(path: Path, schema: pyarrow.Schema) -> Mapping[str, str]:
    return {
        name.decode("utf-8", "replace"): text.decode("utf-8", "replace")
        for name, text in (schema.metadata or {}).items()
    }


def _form(path: Path, about: Mapping[str, str], schema: pyarrow.Schema) -> Form:
    numbers = {name: int(text) for name, text in about.items() if name in NUMBERS and _NUMBER.fullmatch(text)}
    lacking = [name for name in NUMBERS if name not in numbers]
    faults = [f"its metadata lack whole numbers as {', '.join(lacking)}"] if lacking else []
    if not 0 < (channels := numbers.get("channels", 1)) <= MOST_CHANNELS:
        raise broken(path, f"it has {channels} channels")
    if (version := numbers.get("version", VERSION)) != VERSION:
        raise broken(path, f"it is of version {version}, and this program reads version {VERSION}")
    if faults := [*faults, *_faults(channels, schema)]:
        raise broken(path, "; ".join(faults[:8]))
    return Form(channels, numbers["samples"], numbers["sample_rate"])


def _columns(channels: int) -> dict[str, str]:
    """Return the kind of number in each column that is read; '' of texts."""
    each = {"start": "int64", "length": "int32", "frequency": "double", "window": ""}
    return each | {f"{part}_{channel + 1}": "float" for channel in range(channels) for part in ("real", "imaginary")}


def _faults(channels: int, schema: pyarrow.Schema) -> Iterator[str]:
    for name, kind in _columns(channels).items():
        count = schema.names.count(name)
        if count != 1:
            near = nearest(name, [other for other in schema.names if other not in _columns(channels)])
            yield f"it has {count or 'no'} columns '{name}'" + (f", {near}" if near and not count else "")
            continue
        found = schema.field(name).type
        if not _fits(found, kind):
            yield f"its column '{name}' is {found}, and should be {kind or 'string'}"


def _fits(found: pyarrow.DataType, kind: str) -> bool:
    types = pyarrow.types
    if not kind:
        inner = found.value_type if types.is_dictionary(found) else found
        return bool(types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner))
    return bool(types.is_integer(found) if kind.startswith("int") else types.is_floating(found))


def _numbers(path: Path, name: str, column: pyarrow.ChunkedArray) -> Array:
    kind = _columns(int(name.rpartition("_")[2]) if "_" in name else 1)[name]
    try:
        cast = column.cast(kind)
    except pyarrow.ArrowException as error:
        raise broken(path, f"its column '{name}' holds what is no {kind} ({str(error)[:60]})") from error
    return np.asarray(cast.combine_chunks().to_numpy(zero_copy_only=False))


def _windows(path: Path, column: pyarrow.ChunkedArray) -> Array:
    """Return the numbers of windows that are given by name."""
    encoded = column.cast(pyarrow.string()).combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    if unknown := [name for name in names if name not in WINDOWS]:
        raise broken(path, f"it has a window '{unknown[0][:40]}'; known are {', '.join(WINDOWS)}")
    table = np.array([WINDOWS.index(name) for name in names], np.uint8)
    return table[encoded.indices.to_numpy(zero_copy_only=False)] if names else np.zeros(0, np.uint8)
