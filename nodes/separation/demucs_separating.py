"""Separating a sound of any length with networks of Demucs, chunk by chunk.

Chunks, what surrounds them and their crossfades are those of Demucs' own `apply_model` with an overlap of a quarter
and no shifts, so that the stems are the same; but only some chunks at a time are in memory. As its command does, a
sound is brought to a mean of 0 and a deviation of 1 first, and its stems back. A chunk needs no other's result and is
computed in one thread, so that neither the number of workers nor that of chunks at a time changes a bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nodes.separation.finite import require_stems
from nodes.separation.streams.resampling import Writer, length_within, read_pair
from nodes.separation.streams.segments import Heard, exactly, parts_of
from pipelines.value import Array
from pipelines.workers import spread, workers

OVERLAP = 0.25
AT_ONCE = 2
"""Chunks that are separated side by side at most."""

QUIET = 1e-8
"""Added to the deviation of a sound."""


@dataclass(frozen=True)
class Chunk:
    """A part of a sound, and what lies around it.

    Parameters
    ----------
    window
        2 × samples.
    start, length
        Where the part begins in it, and its samples.
    """

    window: Array
    start: int
    length: int


def separate_into(
    samples: Array,
    sample_rate: int,
    bag: Any,
    stems: Sequence[str],
    outputs: Sequence[Array],
    *,
    device: str = "cpu",
    heard: Heard = lambda more, total: None,
) -> None:
    """Write the stems of a sound.

    Pairs of channels are separated each on its own, as `spleeter.separating.separate_into` does.

    Parameters
    ----------
    samples
        channels × samples, float32; may be mapped from a file.
    sample_rate
        Samples a second.
    bag
        From `load_bag`.
    stems
        Names of the bag's stems, in the order of `outputs`.
    outputs
        Where to write each stem: float32, shaped as `samples`.
    device
        'cpu' or 'cuda'.
    heard
        Called with the number of chunks that are done since the last call, and that of all.

    Raises
    ------
    MistakeError
        Where a sample is NaN or infinite, or the networks' results are.
    """
    if not samples.size:
        return
    pairs = [part.channels for part in parts_of(samples, sample_rate)]
    length = length_within(samples.shape[1], sample_rate, bag.samplerate)
    networks = [_Network(model, length, device) for model in bag.models]
    total = len(pairs) * sum(network.count for network in networks)
    shares = torch.tensor(bag.weights, dtype=torch.float32).T[..., None, None]
    count = partial(_count, heard, total)
    order = [list(bag.sources).index(stem) for stem in stems]
    with exactly(device), np.errstate(over="ignore", invalid="ignore"):
        for channels in pairs:
            read = partial(read_pair, samples, sample_rate, channels, bag.samplerate)
            mean, deviation = _level(read())
            writers = [Writer(output, sample_rate, channels, bag.samplerate) for output in outputs]
            left = length
            streams = [network.stems(((block - mean) / deviation for block in read()), count) for network in networks]
            for each in _in_step(streams):
                found = ((torch.stack(each, 1) * shares).sum(1) / shares.sum(1)).numpy() * deviation + mean
                require_stems(found)
                left -= found.shape[-1]
                for writer, block in zip(writers, found[order], strict=True):
                    writer.write(block, last=not left)


class _Network:
    """One network of a bag, and the chunks that it takes of a sound of `length` samples."""

    def __init__(self, model: Any, length: int, device: str) -> None:
        self._model, self._length, self._device = model.to(device), length, device
        self._size = int(model.samplerate * model.segment)
        self._step = int((1 - OVERLAP) * self._size)
        most = getattr(model, "valid_length", lambda length: length)
        self._margin = 2 * max(self._size, most(1))  # more than the networks see beyond a chunk, on either side
        rising = torch.arange(1, self._size // 2 + 1)
        falling = torch.arange(self._size - self._size // 2, 0, -1)
        weight = torch.cat([rising, falling])
        self._weight = weight / weight.max()

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return len(range(0, self._length, self._step))

    def stems(self, blocks: Iterator[Array], count: Callable[[int], None]) -> Iterator[Tensor]:
        """Yield the stems of a sound, stems × 2 × samples at a time, as long as the sound in all."""
        held = torch.zeros((len(self._model.sources), 2, self._size))
        weights = torch.zeros(self._size)
        for length, found in self._separated(blocks, count):
            held[..., :length] += self._weight[:length] * found
            weights[:length] += self._weight[:length]
            ready = min(self._step, length)
            yield held[..., :ready] / weights[:ready]
            held, weights = (_moved(each, self._step) for each in (held, weights))

    def _separated(self, blocks: Iterator[Array], count: Callable[[int], None]) -> Iterator[tuple[int, Tensor]]:
        """Yield the length and the stems of each chunk, stems × 2 × samples."""
        chunks = self._chunks(blocks)
        most = min(workers(), AT_ONCE) if self._device == "cpu" else 1
        while batch := list(islice(chunks, most)):
            yield from zip([chunk.length for chunk in batch], spread(self._run, batch), strict=True)
            count(len(batch))

    def _run(self, chunk: Chunk) -> Tensor:
        from demucs.apply import TensorChunk, apply_model

        sound = TensorChunk(torch.from_numpy(chunk.window)[None], chunk.start, chunk.length)
        with torch.inference_mode():
            found: Tensor = apply_model(self._model, sound, shifts=0, split=False, device=self._device)
        return found[0].cpu()

    def _chunks(self, blocks: Iterator[Array]) -> Iterator[Chunk]:
        held, begin = np.zeros((2, 0), np.float32), 0
        for at in range(0, self._length, self._step):
            first = max(0, at - self._margin)
            stop = min(self._length, at + self._size + self._margin)
            parts = [held[:, first - begin :]]
            while first + sum(part.shape[1] for part in parts) < stop:
                parts.append(next(blocks))
            held, begin = np.concatenate(parts, axis=1), first
            yield Chunk(held[:, : stop - first], at - first, min(self._size, self._length - at))


def _moved(held: Tensor, step: int) -> Tensor:
    return torch.cat([held[..., step:], held.new_zeros((*held.shape[:-1], step))], -1)


def _in_step(streams: Sequence[Iterator[Tensor]]) -> Iterator[list[Tensor]]:
    """Yield what streams of the same length bring, cut to the same lengths."""
    held = [next(stream) for stream in streams]
    while True:
        common = min(each.shape[-1] for each in held)
        yield [each[..., :common] for each in held]
        rest = [each[..., common:] for each in held]
        renewed = [each if each.shape[-1] else next(stream, None) for each, stream in zip(rest, streams, strict=True)]
        held = [each for each in renewed if each is not None]
        if not held:
            return


def _level(blocks: Iterator[Array]) -> tuple[np.float32, np.float32]:
    """Return the mean and the deviation of the mean of two channels."""
    count, total, squares = 0, 0.0, 0.0
    for block in blocks:
        middle = block.mean(0, dtype=np.float64)
        count += len(middle)
        total += float(middle.sum())
        squares += float(np.square(middle).sum())
    variance = max(0.0, squares - total * total / count) / max(1, count - 1)
    return np.float32(total / count), np.float32(np.sqrt(variance) + QUIET)


def _count(heard: Heard, total: int, more: int) -> None:
    heard(more, total)
