"""Separating a sound of any length with the project's own network, segment by segment.

The network is given some frames more on each side of a segment, so that none of its answers lies at an edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from nodes.separation.finite import require_stems
from nodes.separation.streams.framing import FRAMES, overlapped, spectra
from nodes.separation.streams.segments import (
    AT_ONCE,
    Heard,
    Part,
    count_of,
    each_segment,
    exactly,
    parts_of,
    write_stems,
)
from nodes.separation.unet4.bands import unbanded
from nodes.separation.unet4.network import UNet4
from nodes.separation.unet4.spectra import views
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array

SOFTER = 0.75
"""Exponent of masks, which come out too sure of themselves; chosen on the pieces that training is tried on."""

MARGIN = 64
"""Frames on each side of a segment that the network sees, but gives no stems of."""


def separate_into(
    samples: Array,
    sample_rate: int,
    network: UNet4,
    outputs: Sequence[Array],
    *,
    heard: Heard = lambda more, total: None,
) -> None:
    """Write the stems of a sound: vocals, drums, bass and other, which add up to it up to 22 kHz.

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
        Where a sample is NaN or infinite, or so loud that the stems are.
    """
    if not samples.size:
        return
    total, device = count_of(samples, sample_rate), next(network.parameters()).device
    at_once = AT_ONCE if device.type == "cpu" else 1
    with exactly(device.type):
        for part in parts_of(samples, sample_rate):
            job = partial(_stems, network, device, _level(part))
            found = each_segment(job, part, lambda more: heard(more, total), margin=MARGIN, at_once=at_once)
            write_stems(found, part, outputs)


def _level(part: Part) -> float:
    """Return the root mean square of a part of a sound."""
    total = 0.0
    for start, stop in spans(part.samples.shape[1]):
        total += sum(float(np.square(part.samples[n, start:stop], dtype=np.float64).sum()) for n in part.channels)
        release(part.samples)
    return float(np.sqrt(total / (len(part.channels) * part.samples.shape[1])))


@torch.inference_mode()
def _stems(network: UNet4, device: torch.device, level: float, segment: Array) -> Array:
    """Return the stems of a segment with its margins, stems × 2 × SPAN."""
    own = slice(MARGIN, MARGIN + FRAMES)
    found = spectra(torch.from_numpy(segment).to(device))
    seen = views(found, torch.tensor(level, device=device))
    masks, found = network(seen[None])[0][:, :, own].pow_(SOFTER), found[:, own]
    masks /= masks.sum(0)
    stems: Array = torch.stack([overlapped(found * unbanded(mask)) for mask in masks]).cpu().numpy()
    require_stems(stems, segment)
    return stems
