"""Books for tests: random atoms, and steady tones made of many."""

from __future__ import annotations

from typing import Any

import numpy as np

from nodes.dictionaries.book import Book, empty
from nodes.dictionaries.windows import WINDOWS, window_of

Array = np.ndarray[Any, Any]
RATE = 8000
FIELDS = ("starts", "lengths", "frequencies", "windows", "weights")


def random_book(count: int, channels: int = 1, samples: int = 4000, seed: int = 0, longest: int = 600) -> Book:
    """Atoms of any kind, some of which reach beyond both ends of the sound or lie there altogether."""
    generator = np.random.default_rng(seed)
    shape = (channels, count)
    weights = generator.standard_normal(shape) + 1j * generator.standard_normal(shape)
    return Book(
        generator.integers(-longest - 50, samples + 50, count),
        generator.integers(1, longest, count).astype(np.int32),
        generator.uniform(0, 0.5, count),
        generator.integers(0, len(WINDOWS), count).astype(np.uint8),
        weights.astype(np.complex64),
        samples,
        RATE,
    )


def tone_book(frequency: float, length: int = 512, samples: int = 16000, level: float = 0.5) -> Book:
    """Atoms at every quarter of their length that add up to level cos(2π frequency n / RATE)."""
    starts = np.arange(-length, samples + length, length // 4)
    cycles = frequency / RATE
    # four windows of unit energy overlap at any sample: their sum is 4 × 0.5 / √(0.375 length)
    weight = level / 2 * np.sqrt(0.375 * length) / 2 * np.exp(2j * np.pi * cycles * starts)
    count = len(starts)
    return Book(
        starts,
        np.full(count, length, np.int32),
        np.full(count, cycles),
        np.full(count, WINDOWS.index("hann"), np.uint8),
        weight[None].astype(np.complex64),
        samples,
        RATE,
    )


def naive(book: Book) -> Array:
    """Add atoms up as the docstring of Book says, one after another, float64."""
    sound = np.zeros((book.channels, book.samples))
    for atom in range(book.count):
        start, length = int(book.starts[atom]), int(book.lengths[atom])
        places = np.arange(length)
        tone = np.exp(2j * np.pi * book.frequencies[atom] * places) * window_of(WINDOWS[book.windows[atom]], length)
        heard = (places + start >= 0) & (places + start < book.samples)
        for channel in range(book.channels):
            wave = 2 * np.real(complex(book.weights[channel, atom]) * tone)
            sound[channel, start + places[heard]] += wave[heard]
    return sound


def alone(book: Book) -> Array:
    """Return the energy of each atom by itself over all channels, of its samples one by one."""
    found = np.zeros(book.count)
    for atom in range(book.count):
        length = int(book.lengths[atom])
        tone = np.exp(2j * np.pi * book.frequencies[atom] * np.arange(length))
        waves = 2 * np.real(book.weights[:, [atom]] * (tone * window_of(WINDOWS[book.windows[atom]], length)))
        found[atom] = np.square(waves).sum()
    return found


def same(one: Book, other: Book) -> bool:
    """Whether two books are equal to the bit."""
    arrays = all(
        np.array_equal(getattr(one, name), getattr(other, name))
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in FIELDS
    )
    return arrays and (one.samples, one.sample_rate) == (other.samples, other.sample_rate)


def edge_books() -> list[Book]:
    """No atoms, no sound at all, one atom, eight channels."""
    return [empty(2, 1000, RATE), empty(1, 0, RATE), random_book(1), random_book(1, samples=1), random_book(40, 8)]
