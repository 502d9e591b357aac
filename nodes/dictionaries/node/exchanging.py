"""Books in files: `dbm_export`, `dbm_load`."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from nodes.dictionaries.book import Book
from nodes.files.parameters import one_file
from nodes.values import Files
from pipelines.context import Context
from pipelines.node import Facts, node
from pipelines.quantities import AudioFiles

ENDINGS = {"npz": "npz", "parquet": "parquet", "mptk": "bin", "mptk_text": "xml", "csv": "csv", "json": "json"}


@node(facts=lambda inputs, parameters: {"value": {}})
def dbm_export(
    book: Book, *, format: Literal["npz", "parquet", "mptk", "mptk_text", "csv", "json"] = "npz", name: str = "book",
    context: Context,
) -> Files:  # fmt: skip
    """Write a book for other programs, and for `dbm_load`.

    Parameters
    ----------
    book
        Any book.
    format
        'npz': an archive of NumPy that holds the book exactly, in arrays that nodes/dictionaries/exchange/archives.py
        tells. 'parquet': the same as a table with a row for each atom, for pandas, DuckDB, R and others; see parquet.py
        there. 'mptk', 'mptk_text': a book of the matching pursuit toolkit MPTK, with atoms as bytes or as text; its
        form is that of its sources, not yet tried with the toolkit itself. It has no gamma windows, and a
        sound with atoms before it or after it gets silence around it. 'csv', 'json': scores for Csound,
        SuperCollider and others, with an event for each atom and channel in order of time: start and duration in
        seconds, frequency in Hz, amplitude of its peak, phase in radians of a cosine at its start, window, channel
        from 1.
    name
        Name of the file, without ending.

    Raises
    ------
    MistakeError
        Where MPTK has no such window, or no books so large.
    """
    from nodes.dictionaries.exchange import archives, mptk_writing, scores
    from nodes.files.writing import safe_name

    if format in ("mptk", "mptk_text"):
        data = mptk_writing.as_mptk(book, binary=format == "mptk")
        lead, tail = mptk_writing.beyond(book)
        if lead or tail:
            context.note(
                f"there are {lead} samples of silence before the sound and {tail} after it, for atoms that reach there"
            )
    elif format == "parquet":
        from nodes.dictionaries.exchange.parquet import as_parquet

        data = as_parquet(book)
    else:
        data = {"npz": archives.archived, "csv": scores.as_csv, "json": scores.as_json}[format](book)
    return Files({f"{safe_name(name)}.{ENDINGS[format]}": np.frombuffer(data, np.uint8).copy()})


def _load_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Facts]:
    from nodes.dictionaries.exchange.loading import book_facts

    return {"value": book_facts(one_file(parameters["path"], "book"))}


@node(facts=_load_facts)
def dbm_load(*, path: AudioFiles, context: Context) -> Book:
    """Read a book that `dbm_export` wrote as npz, parquet or mptk, or one of MPTK.

    Of a book of MPTK, atoms that a book here cannot hold are left out, and a note counts them: other types than gabor,
    chirps, windows other than blackman, hanning, gauss (option 0.015625) and rectangle. Of a Parquet file that another
    program has changed, a note says so.

    Parameters
    ----------
    path
        The file; what it is is seen by what stands in it.

    Raises
    ------
    MistakeError
        Where it is no such file, or a damaged one.
    """
    from nodes.dictionaries.exchange.loading import loaded

    return loaded(one_file(path, "book"), context.note)
