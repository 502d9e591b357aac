"""Books as scores: one event for each atom and channel, in order of time, for Csound, SuperCollider and others.

An event has

- start, duration: in seconds; an atom that begins before the sound has a start below 0;
- frequency: in Hz;
- amplitude: of the loudest sample of its window, 1 is full scale;
- phase: in radians, of a cosine at its start (of a sine it is π/2 more);
- window: its name, with formulas in `nodes.dictionaries.windows`;
- channel: from 1.

The sound is the sum of amplitude · w(t) · cos(2π frequency t + phase), w scaled to a peak of 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.windows import WINDOWS, window_of

FIELDS = ("start", "duration", "frequency", "amplitude", "phase", "window", "channel")
UNITS = ("s", "s", "Hz", "1 is full scale", "radians of a cosine at the start", "", "from 1")


def as_csv(book: Book) -> bytes:
    """Return events as lines with commas, under a line with the names of their fields."""
    return csv_of(FIELDS, _events(book))


def as_json(book: Book) -> bytes:
    """Return an object with duration, sample_rate, channels, units, and the list of events, each an object."""
    about = {"duration": book.duration, "sample_rate": book.sample_rate, "channels": book.channels}
    return json_of(about, FIELDS, UNITS, _events(book))


def csv_of(fields: Sequence[str], events: Iterable[tuple[Any, ...]]) -> bytes:
    """Return events of any fields as lines with commas, under a line with the names of the fields."""
    lines = (",".join(map(str, event)) for event in events)
    return "\n".join([",".join(fields), *lines, ""]).encode()


def json_of(
    about: Mapping[str, Any], fields: Sequence[str], units: Sequence[str], events: Iterable[tuple[Any, ...]]
) -> bytes:
    """Return an object with what the score is about, the units of fields, and the list of events, each an object."""
    head = {**about, "units": dict(zip(fields, units, strict=True))}
    lines = ",\n".join(json.dumps(dict(zip(fields, event, strict=True))) for event in events)
    return f'{json.dumps(head)[:-1]}, "events": [\n{lines}\n]}}\n'.encode()


def _events(book: Book) -> Iterator[tuple[Any, ...]]:
    """Yield the events of all atoms that are not silent in a channel; those of one time by frequency."""
    peaks = _peaks(book)
    for atom in np.lexsort((book.frequencies, book.starts)):
        kept = int(book.starts[atom]) / book.sample_rate, int(book.lengths[atom]) / book.sample_rate
        frequency, window = float(book.frequencies[atom]) * book.sample_rate, WINDOWS[book.windows[atom]]
        for channel, weight in enumerate(book.weights[:, atom].tolist(), 1):
            if weight:
                amplitude, phase = 2 * abs(weight) * float(peaks[atom]), float(np.angle(weight))
                yield *kept, frequency, amplitude, phase, window, channel


def _peaks(book: Book) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the greatest sample of each atom's window of unit energy."""
    peak = lru_cache(None)(lambda number, length: float(window_of(WINDOWS[number], length).max()))
    return np.array([peak(*key) for key in zip(book.windows.tolist(), book.lengths.tolist(), strict=True)], np.float64)
