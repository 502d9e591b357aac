"""Matching pursuit with pieces of a sound by its definition, in double precision: all is looked at each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nodes.dictionaries.grains.book import GrainBook
from nodes.dictionaries.windows import window_of

Array = np.ndarray[Any, Any]


def sound_of(grains: GrainBook, source: Array, origins: Array | None = None) -> Array:
    """Add grains up by the formula of GrainBook, one after another, float64; `source` is voices × samples."""
    sound = np.zeros((grains.channels, grains.samples))
    origins = grains.origins if origins is None else origins
    for grain in range(grains.count):
        length = int(grains.lengths[grain])
        shape = window_of(grains.window, length)
        times = np.arange(length) + int(grains.starts[grain])
        places = (np.arange(length) + int(origins[grain])) % source.shape[1]
        wave = shape / shape.max() * source[:, places] * grains.gains[:, grain, None].astype(np.float64)
        inside = (times >= 0) & (times < grains.samples)
        sound[:, times[inside]] += wave[:, inside]
    return sound


@dataclass
class Exact:
    """All grains of a source (voices × samples) at all places of a sound (channels × samples)."""

    sound: Array
    source: Array
    lengths: tuple[int, ...]
    window: str = "hann"
    overlap: int = 2
    places: int = 8
    positive: bool = False
    gain: float = np.inf
    uses: int | None = None
    apart: int = 0
    taken: list[tuple[int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lead = 2 * max(self.lengths)
        self.residual = np.pad(self.sound.astype(np.float64), ((0, 0), (self.lead, self.lead)))

    def energy(self) -> float:
        """Return what is left."""
        return float(np.sum(self.residual**2))

    def step(self) -> tuple[int, int, int, Array] | None:
        """Take the best grain; return start, origin, length, and its weight in each channel."""
        found = [best for length in self.lengths for best in self._of(length)]
        if not found:
            return None
        _, start, piece, length = max(found, key=lambda each: each[0])
        units, norms = self._units(length)
        inside = (np.arange(length) + start >= 0) & (np.arange(length) + start < self.sound.shape[1])
        shape = units[:, piece] * inside
        part = self.residual[:, self.lead + start : self.lead + start + length]
        heard = np.sum(shape**2, axis=1)
        weights = self._weights(np.sum(part * shape, axis=1) / np.where(heard > 0, heard, 1), norms[:, piece])
        part -= weights[:, None] * shape
        self.taken.append((length, piece, start))
        return start, piece * (length // self.overlap), length, weights

    def _of(self, length: int) -> list[tuple[float, int, int, int]]:
        step, best = length // self.places, []
        units, norms = self._units(length)
        for place in range(step - length, self.sound.shape[1], step):
            gains = self._gains(place, units, norms)
            gains[[piece for piece in range(units.shape[1]) if self._barred(length, piece, place, step // 2)]] = 0
            piece = int(gains.argmax())
            if gains[piece] > 0:
                starts = range(place - step // 2, place + step // 2 + 1)
                tried = [float(self._gains(start, units[:, [piece]], norms[:, [piece]])[0]) for start in starts]
                best.append((max(tried), starts[int(np.argmax(tried))], piece, length))
        return best

    def _gains(self, start: int, units: Array, norms: Array) -> Array:
        frame = self.residual[:, self.lead + start : self.lead + start + units.shape[2]]
        correlations = np.einsum("cl,cgl->cg", frame, np.broadcast_to(units, (len(frame), *units.shape[1:])))
        weights = self._weights(correlations, norms)
        return np.asarray(np.sum(weights * (2 * correlations - weights), axis=0))

    def _weights(self, sizes: Array, norms: Array) -> Array:
        limit = np.where(norms > 0, self.gain * np.where(norms > 0, norms, 1), 0)
        return np.clip(sizes, 0 if self.positive else -limit, limit)

    def _units(self, length: int) -> tuple[Array, Array]:
        shape = window_of(self.window, length)
        views = np.lib.stride_tricks.sliding_window_view(self.source.astype(np.float64), length, axis=1)
        cut = views[:, :: length // self.overlap] * (shape / shape.max())
        norms = np.sqrt(np.sum(cut**2, axis=2))
        return cut / np.where(norms > 0, norms, 1)[:, :, None], norms

    def _barred(self, length: int, piece: int, place: int, reach: int) -> bool:
        own = [start for other, number, start in self.taken if (other, number) == (length, piece)]
        if self.uses is not None and len(own) >= self.uses:
            return True
        return self.apart > 0 and any(abs(place - start) < self.apart + reach for start in own)
