"""Ratio masks: what share of each frequency a stem gets, by its squared estimate in that of all."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

EPSILON = 1e-10
"""Keeps masks defined in silence, where all stems get the same share."""

MaskExtension = Literal["zeros", "average"]


def ratio_masks(estimates: Tensor) -> Tensor:
    """Return the masks of all stems, which sum to one; `estimates` is stems × …, and is overwritten."""
    powers = estimates.square_()
    total = powers.sum(0).add_(EPSILON)
    return powers.add_(EPSILON / len(powers)).div_(total)


def masked(found: Tensor, mask: Tensor, extension: MaskExtension) -> Tensor:
    """Return the spectra of one stem.

    Parameters
    ----------
    found
        Spectra of the sound, 2 × frames × bins.
    mask
        2 × frames × the bins that the networks see.
    extension
        What becomes of the bins above: 'zeros' drops them, 'average' gives them the mean of the mask over the bins
        below, frame by frame, so that all stems still sum to the sound.

    Returns
    -------
    2 × frames × bins, without those above the mask where they are zero.
    """
    below = found[..., : mask.shape[-1]] * mask
    return below if extension == "zeros" else torch.cat([below, shared_above(found, mask)], -1)


def shared_above(found: Tensor, mask: Tensor) -> Tensor:
    """Return the bins above a mask, each with the mean of the mask in its frame."""
    return found[..., mask.shape[-1] :] * mask.mean(-1, keepdim=True)
