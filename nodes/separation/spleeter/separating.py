"""Separating a sound of any length with Spleeter's networks, or others that see what they see, block by block.

The sound is read, resampled to 44.1 kHz, cut into segments and separated a few of them at a time; stems are resampled
back and written as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Protocol

import torch
from torch import Tensor

from nodes.separation.finite import require_stems
from nodes.separation.spleeter.masks import MaskExtension, masked, ratio_masks
from nodes.separation.spleeter.wiener import Covariances, with_average
from nodes.separation.streams.framing import overlapped, spectra
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
from pipelines.value import Array


class Estimating(Protocol):
    """Networks that see magnitudes of 512 frames and two channels: Spleeter's, or others of the same form."""

    @property
    def stems(self) -> tuple[str, ...]:
        """Names of the stems."""

    @property
    def bins(self) -> int:
        """How many bins from 0 Hz on they see, 2049 at most."""

    @property
    def device(self) -> str:
        """Where they compute: 'cpu' or 'cuda'."""

    def estimates(self, magnitudes: Tensor) -> Tensor:
        """Return the magnitudes seen in each stem: stems × …, of segments × 2 × frames × bins, on the device."""


def separate_into(
    samples: Array,
    sample_rate: int,
    networks: Estimating,
    outputs: Sequence[Array],
    *,
    mask_extension: MaskExtension = "zeros",
    wiener: bool = False,
    heard: Heard = lambda more, total: None,
) -> None:
    """Write the stems of a sound.

    Two channels are what the networks know. Of more, each pair in order is separated on its own (1 and 2, 3 and 4, …);
    one that is alone is given to the networks twice, and the mean of what comes back is its stem.

    Parameters
    ----------
    samples
        channels × samples, float32; may be mapped from a file. Spleeter was trained with music at its usual level: a
        sound that is much softer or louder is not separated as well.
    sample_rate
        Samples a second.
    networks
        From `load_networks`, of Spleeter or of `onnx_networks`.
    outputs
        Where to write each stem, in the order of `networks.stems`: float32, shaped as `samples`.
    mask_extension
        What becomes of frequencies above those that the networks see: 'zeros' leaves them out of all stems, 'average'
        shares them out as those below are on the average, so that the stems sum to the sound.
    wiener
        Refine the masks with a multichannel Wiener filter; the sound is gone through twice, which takes some three
        times as long.
    heard
        Called with the number of segments that are done since the last call, and that of all.

    Raises
    ------
    MistakeError
        Where a sample is NaN or infinite, or the networks' results are.
    ValueError
        Where the outputs do not fit.
    """
    if len(outputs) != len(networks.stems) or any(output.shape != samples.shape for output in outputs):
        raise ValueError(f"{len(networks.stems)} outputs of the shape {samples.shape} are needed")
    if not samples.size:
        return
    total = count_of(samples, sample_rate) * (1 + wiener)
    separation = _Separation(networks, lambda more: heard(more, total))
    with exactly(networks.device):
        for part in parts_of(samples, sample_rate):
            separation.write(part, outputs, mask_extension, separation.covariances(part) if wiener else None)


class _Separation:
    """What is done with each part of a sound."""

    def __init__(self, networks: Estimating, count: Callable[[int], None]) -> None:
        self._networks, self._count = networks, count
        self._at_once = AT_ONCE if networks.device == "cpu" else 1

    def covariances(self, part: Part) -> Covariances:
        """Go through a part and return what the Wiener filter needs to know of it as a whole."""
        return reduce(Covariances.joined, each_segment(self._sums, part, self._count, at_once=self._at_once))

    def write(self, part: Part, outputs: Sequence[Array], extension: MaskExtension, whole: Covariances | None) -> None:
        """Go through a part and write its stems."""
        job = partial(self._stems, extension, whole)
        write_stems(each_segment(job, part, self._count, at_once=self._at_once), part, outputs)

    @torch.inference_mode()
    def _sums(self, segment: Array) -> Covariances:
        found, estimates = self._seen(segment)
        return Covariances.of(found, estimates)

    @torch.inference_mode()
    def _stems(self, extension: MaskExtension, whole: Covariances | None, segment: Array) -> Array:
        """Return the stems of a segment, stems × 2 × SPAN."""
        found, estimates = self._seen(segment)
        if whole is None:
            each = (masked(found, mask, extension) for mask in ratio_masks(estimates))
        else:
            stems = whole.filtered(found, estimates)
            each = iter(with_average(found, estimates, stems) if extension == "average" else stems)
        result: Array = torch.stack([overlapped(stem) for stem in each]).cpu().numpy()
        require_stems(result, segment)
        return result

    def _seen(self, segment: Array) -> tuple[Tensor, Tensor]:
        """Return the spectra of a segment, 2 × frames × bins, and the estimates, stems × 2 × frames × bins."""
        found = spectra(torch.from_numpy(segment).to(self._networks.device))
        magnitudes = found[..., : self._networks.bins].abs()
        return found, self._networks.estimates(magnitudes[None])[:, 0]
