"""Scores of grains for other programs: one event for each grain and channel, in order of time.

An event has

- start, duration: in seconds; a grain that begins before the sound has a start below 0;
- position: where the piece begins in the source, in seconds;
- gain: factor of the piece under its window, 1 is as loud as it is; below 0 it is turned over;
- window: its name, with formulas in `nodes.dictionaries.windows`, here with a peak of 1;
- channel: from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nodes.dictionaries.exchange.scores import csv_of, json_of
from nodes.dictionaries.grains.book import GrainBook

FIELDS = ("start", "duration", "position", "gain", "window", "channel")
UNITS = ("s", "s", "s", "factor", "", "from 1")


def as_csv(grains: GrainBook) -> bytes:
    """Return events as lines with commas, under a line with the names of their fields."""
    return csv_of(FIELDS, _events(grains))


def as_json(grains: GrainBook) -> bytes:
    """Return an object with durations, sample_rate, channels, units, and the list of events, each an object."""
    about = {
        "duration": grains.duration,
        "source_duration": grains.source_samples / grains.sample_rate,
        "sample_rate": grains.sample_rate,
        "channels": grains.channels,
    }
    return json_of(about, FIELDS, UNITS, _events(grains))


def _events(grains: GrainBook) -> Iterator[tuple[Any, ...]]:
    """Yield the events of all grains that are not silent in a channel; those of one time by their positions."""
    rate = grains.sample_rate
    for grain in np.lexsort((grains.origins, grains.starts)).tolist():
        places = (int(each[grain]) / rate for each in (grains.starts, grains.lengths, grains.origins))
        known = tuple(places)
        for channel, gain in enumerate(grains.gains[:, grain].tolist(), 1):
            if gain:
                yield *known, gain, grains.window, channel
