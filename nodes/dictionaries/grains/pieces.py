"""All pieces of one length of a source, and their correlations with frames of a sound.

A frame times the window, cut at the hop, is multiplied with the source cut at the hop: one matrix product gives the
correlations with all pieces, and no piece is ever copied out of the source.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from nodes.dictionaries.windows import window_of
from pipelines.value import Array
from pipelines.workers import spread

STRETCH = 2**20
"""Samples of the source that are multiplied at once, whatever the number of workers."""

PRODUCTS = 2**23
"""Most numbers of one matrix product."""

FLOOR = 1e-6
"""Pieces whose norm is below this part of the greatest count as silent."""


class Rule(NamedTuple):
    """What weights a grain may have.

    Parameters
    ----------
    positive
        Whether none may be below 0.
    gain
        Greatest factor of a windowed piece; infinite for none.
    """

    positive: bool = False
    gain: float = np.inf

    def taken(self, correlations: Array, norms: Array, heard: Array | float = 1.0) -> Array:
        """Return the weights of pieces of unit energy that take most energy away.

        Parameters
        ----------
        correlations
            With these pieces, channels × any shape.
        norms
            Of the windowed pieces, channels or 1 × the same shape.
        heard
            Energy of the part of each unit piece that is heard.
        """
        most = self.gain * norms if np.isfinite(self.gain) else np.inf
        return np.clip(correlations / heard, 0 if self.positive else -most, most)

    def removed(self, correlations: Array, norms: Array) -> Array:
        """Return the energy over all channels that pieces take away which are heard as a whole."""
        if not self.positive and np.isinf(self.gain):
            return np.asarray(np.square(correlations).sum(0))
        weights = self.taken(correlations, norms)
        return np.asarray((weights * (2 * correlations - weights)).sum(0))


class Pieces:
    """Windowed pieces of one length, one every hop, each with a sum of squares of 1 in each voice.

    Parameters
    ----------
    source
        voices × samples, float32, at least as long as a piece.
    length
        Samples of a piece, a multiple of `overlap`.
    window
        One of `nodes.dictionaries.windows.WINDOWS`.
    overlap
        Pieces that cover each moment of the source.
    rule
        What weights they may have.
    """

    def __init__(self, source: Array, length: int, window: str, overlap: int, rule: Rule) -> None:
        self.length, self.overlap, self.rule = length, overlap, rule
        self.hop = length // overlap
        self.count = (source.shape[1] - length) // self.hop + 1
        self.source = source[:, : (self.count + overlap - 1) * self.hop]
        self.blocks = self.source.reshape(len(source), -1, self.hop)
        self.window = peaked(window, length)
        self.norms = self._norms()
        self.known = self.norms > FLOOR * self.norms.max(initial=0.0)
        self.scales = np.divide(1, self.norms, out=np.zeros_like(self.norms), where=self.known).astype(np.float32)

    def _norms(self) -> Array:
        """Return voices × pieces, float64."""
        squares = np.square(self.window).reshape(self.overlap, self.hop)
        found = np.zeros((len(self.blocks), self.count))
        for voice, blocks in enumerate(self.blocks):
            for part, square in enumerate(squares):
                # einsum makes no array of all squares
                found[voice] += np.einsum("bh,bh,h->b", *[blocks[part : part + self.count]] * 2, square)
        return np.sqrt(found)

    def bar(self, piece: int) -> None:
        """Let a piece count as silent from now on."""
        self.scales[:, piece] = 0

    def unit(self, pieces: Array) -> Array:
        """Return voices × some pieces × length, float32; silence where they count as silent."""
        views = np.lib.stride_tricks.sliding_window_view(self.source, self.length, axis=1)
        cut = views[:, pieces * self.hop]
        return np.asarray(cut * self.window.astype(np.float32) * self.scales[:, pieces, None])

    def best(self, frames: Array, barred: Array) -> Array:
        """Return for each frame the piece that takes most energy away; the first of equals, -1 where none does.

        Parameters
        ----------
        frames
            channels × frames × length, float32.
        barred
            pairs × 2, of a frame and a piece that it must not have.
        """
        span = max(1, STRETCH // self.hop)
        width = min(span, self.count) + self.overlap
        most = max(1, PRODUCTS // (len(frames) * self.overlap * width))
        found = []
        for first in range(0, frames.shape[1], most):
            some = frames[:, first : first + most] * self.window.astype(np.float32)
            own = barred[(barred[:, 0] >= first) & (barred[:, 0] < first + most)] - [first, 0]
            each = spread(partial(self._best_in, some, own, span), range(0, self.count, span))
            gains, pieces = (np.stack(part) for part in zip(*each, strict=True))
            rows = np.arange(gains.shape[1])
            part = gains.argmax(0)
            found.append(np.where(gains[part, rows] > 0, pieces[part, rows], -1))
        return np.concatenate([*found, np.zeros(0, np.int64)])

    def _best_in(self, frames: Array, barred: Array, span: int, begin: int) -> tuple[Array, Array]:
        """Return the energy that the best of a stretch of pieces takes away from each frame, and that piece."""
        stop = min(begin + span, self.count)
        correlations = np.stack([self._products(each, voice, begin, stop) for voice, each in self._voiced(frames)])
        gains = self.rule.removed(correlations, self.norms[:, None, begin:stop].astype(np.float32))
        own = barred[(barred[:, 1] >= begin) & (barred[:, 1] < stop)]
        gains[own[:, 0], own[:, 1] - begin] = -1
        pieces = gains.argmax(1)
        return gains[np.arange(len(gains)), pieces], pieces + begin

    def _voiced(self, frames: Array) -> list[tuple[int, Array]]:
        """Return each channel with the number of the voice that plays it."""
        return [(channel if len(self.blocks) > 1 else 0, each) for channel, each in enumerate(frames)]

    def _products(self, frames: Array, voice: int, begin: int, stop: int) -> Array:
        """Return the correlations of windowed frames with a stretch of pieces."""
        blocks = self.blocks[voice, begin : stop + self.overlap - 1]
        parts = (frames.reshape(-1, self.hop) @ blocks.T).reshape(len(frames), self.overlap, -1)
        found = parts[:, 0, : stop - begin]
        for number in range(1, self.overlap):
            found = found + parts[:, number, number : number + stop - begin]
        return np.asarray(found * self.scales[voice, begin:stop])

    def shifted(self, spans: Array, pieces: Array) -> tuple[Array, Array]:
        """Return the energy that a piece takes away from each span where it fits best, and where that is.

        Parameters
        ----------
        spans
            channels × spans × samples, float32, at least as long as a piece.
        pieces
            Piece of each span.
        """
        room = spans.shape[2] - self.length + 1
        size = next_fast_len(spans.shape[2], real=True)
        shapes = np.conj(rfft(self.unit(pieces), size))
        correlations = irfft(rfft(spans, size) * shapes, size)[..., :room]
        gains = self.rule.removed(correlations, self.norms[:, pieces, None].astype(np.float32))
        places = gains.argmax(1)
        return gains[np.arange(len(gains)), places], places


def peaked(window: str, length: int) -> Array:
    """Return a window with a peak of 1, float64."""
    shape = window_of(window, length)
    return np.asarray(shape / shape.max())


def voices_of(samples: Array, channels: int) -> Array:
    """Return what plays a number of channels: those of a source with as many, else the mean of its channels, float32.

    Parameters
    ----------
    samples
        channels × samples of the source.
    channels
        Number of channels to be played.
    """
    if len(samples) in (1, channels):
        return np.ascontiguousarray(samples)
    return np.asarray(samples.mean(0, dtype=np.float64, keepdims=True).astype(np.float32))
