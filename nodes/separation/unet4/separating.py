"""Separating a sound of any length with the project's own network, segment by segment.

Frames and segments are those of Spleeter, with some seconds more on each side of what the network is given, so that
none of its answers lies at an edge. Neither the number of workers nor that of segments at a time changes a bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from nodes.separation.spleeter.framing import FRAME, OVERLAP, SEGMENT, count_segments, overlapped, segments_of, spectra
from nodes.separation.spleeter.network import FRAMES
from nodes.separation.spleeter.resampling import Writer, length_within, read_pair
from nodes.separation.unet4.bands import unbanded
from nodes.separation.unet4.network import UNet4
from nodes.separation.unet4.spectra import views
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array
from pipelines.workers import spread, workers

MARGIN = 64
"""Frames on each side of a segment that the network sees, but gives no stems of."""

AT_ONCE = 4
"""Segments that are separated side by side at most."""

Heard = Callable[[int, int], None]


def separate_into(
    samples: Array,
    sample_rate: int,
    network: UNet4,
    outputs: Sequence[Array],
    *,
    heard: Heard = lambda more, total: None,
) -> None:
    """Write the stems of a sound: vocals, drums, bass and other, which add up to it.

    Channels are taken in pairs (1 and 2, 3 and 4, …); one that is alone is given to the network twice.

    Parameters
    ----------
    samples
        channels × samples, float32; may be mapped from a file.
    sample_rate
        Samples a second.
    network
        From `load_network`.
    outputs
        Where to write each stem: float32, shaped as `samples`.
    heard
        Called with the number of segments that are done since the last call, and that of all.

    Raises
    ------
    MistakeError
        Where a sample is NaN or infinite.
    """
    if not samples.size:
        return
    pairs = [range(first, min(first + 2, len(samples))) for first in range(0, len(samples), 2)]
    length = length_within(samples.shape[1], sample_rate)
    count = count_segments(length)
    for channels in pairs:
        level = torch.tensor(_level(samples, channels), dtype=torch.float32)
        segments = segments_of(read_pair(samples, sample_rate, channels), length, MARGIN)
        writers = [Writer(output, sample_rate, channels) for output in outputs]
        tail = np.zeros((len(outputs), 2, OVERLAP), np.float32)
        skipped, left = FRAME, length
        while batch := list(islice(segments, min(workers(), AT_ONCE))):
            for found in spread(partial(_stems, network, level), batch):
                found[..., :OVERLAP] += tail
                tail = found[..., SEGMENT:].copy()
                ready = found[..., skipped : min(SEGMENT, skipped + left)]
                skipped, left = 0, left - ready.shape[-1]
                for writer, block in zip(writers, ready, strict=True):
                    writer.write(block, last=not left)
            heard(len(batch), count * len(pairs))


def _level(samples: Array, channels: Sequence[int]) -> float:
    """Return the root mean square of some channels of a sound."""
    total = 0.0
    for start, stop in spans(samples.shape[1]):
        total += sum(float(np.square(samples[channel, start:stop], dtype=np.float64).sum()) for channel in channels)
        release(samples)
    return float(np.sqrt(total / (len(channels) * samples.shape[1])))


@torch.inference_mode()
def _stems(network: UNet4, level: Tensor, segment: Array) -> Array:
    """Return the stems of a segment with its margins, stems × 2 × SPAN."""
    found = spectra(torch.from_numpy(segment))
    own = slice(MARGIN, MARGIN + FRAMES)
    masks, found = network(views(found, level)[None])[0][:, :, own], found[:, own]
    return torch.stack([overlapped(found * unbanded(mask)) for mask in masks]).numpy()
