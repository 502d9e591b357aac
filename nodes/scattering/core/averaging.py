"""Averaging over time, as one product of matrices: S(t) = (U ∗ φ_T)(t) at every frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from nodes.scattering.core.filters import averaging_response, without_dust
from nodes.values.smooth import smooth
from pipelines.value import Array

DENSE = 48
"""Greatest number of frames for which every sample is weighed for every frame."""

BLOCK, REACH = 16, 8
"""Frames of a block beyond that number, and frames beside it that its samples reach: five deviations of φ."""


@dataclass(frozen=True)
class Frames:
    """Where the frames lie: `count` of them, evenly over the whole circle of samples, of which some are kept.

    Parameters
    ----------
    count
        Frames around the circle; beyond 48 a multiple of 16.
    kept
        The frames that belong to the sound and not to what is put before and behind it.
    averaging
        Length of φ, as a part of the circle; None for one mean over the sound.
    span
        Where the sound begins and ends, as parts of the circle.
    """

    count: int
    kept: slice
    averaging: float | None
    span: tuple[float, float] = (0.0, 1.0)


class Averaging:
    """The average of whatever has `samples` around the circle, and its adjoint.

    Parameters
    ----------
    frames
        See `Frames`.
    samples
        A multiple of the number of frames.
    dtype, device
        Of the tensors.
    """

    def __init__(self, frames: Frames, samples: int, dtype: torch.dtype, device: str) -> None:
        self._frames, self._blocked = frames, frames.averaging is not None and frames.count > DENSE
        if frames.averaging is None:
            weights = _share_of_sound(samples, frames.span)
        elif self._blocked:
            weights = _blocked(_impulse(samples, frames.averaging), samples // frames.count)
        else:
            weights = _dense(_impulse(samples, frames.averaging), frames.count)[:, frames.kept]
        self.weights = torch.tensor(weights, dtype=dtype, device=device)
        self._transposed = self.weights.T.contiguous()

    def __call__(self, modulus: torch.Tensor) -> torch.Tensor:
        """Return … × frames of … × samples."""
        if not self._blocked:
            return modulus @ self.weights
        spread = modulus.reshape(*modulus.shape[:-1], -1, len(self.weights)) @ self.weights
        inside = spread[..., REACH : REACH + BLOCK].clone()
        inside[..., :REACH] += spread[..., REACH + BLOCK :].roll(1, -2)
        inside[..., -REACH:] += spread[..., :REACH].roll(-1, -2)
        frames: torch.Tensor = inside.flatten(-2)[..., self._frames.kept]
        return frames

    def adjoint(self, gradient: torch.Tensor) -> torch.Tensor:
        """Return the gradient with respect to … × samples from that with respect to … × frames."""
        if not self._blocked:
            return gradient @ self._transposed
        kept = self._frames.kept
        whole = torch.nn.functional.pad(gradient, (kept.start, self._frames.count - kept.stop))
        inside = whole.reshape(*whole.shape[:-1], -1, BLOCK)
        before, behind = inside[..., -REACH:].roll(1, -2), inside[..., :REACH].roll(-1, -2)
        return (torch.cat([before, inside, behind], -1) @ self._transposed).flatten(-2)


def _impulse(samples: int, averaging: float) -> Array:
    """Return φ around the circle, from 0 on; it adds up to 1."""
    return without_dust(np.fft.irfft(averaging_response(np.arange(samples // 2 + 1), averaging), n=samples))


def _dense(impulse: Array, count: int) -> Array:
    """Return the weight of each sample in each frame: samples × frames."""
    places, frames = np.arange(len(impulse)), np.arange(count) * (len(impulse) // count)
    return np.asarray(impulse[(frames[None, :] - places[:, None]) % len(impulse)])


def _blocked(impulse: Array, step: int) -> Array:
    """Return the weight of each sample of a block in the frames from REACH before the block to REACH behind it."""
    places, frames = np.arange(BLOCK * step), np.arange(-REACH, BLOCK + REACH) * step
    return np.asarray(impulse[(frames[None, :] - places[:, None]) % len(impulse)])


def _share_of_sound(samples: int, sound: tuple[float, float]) -> Array:
    """Return the weights of a mean over the sound: samples × 1; samples at its ends count in part."""
    edges = np.clip(np.arange(samples + 1) / samples, *sound)
    return np.diff(edges)[:, None] / (sound[1] - sound[0])


def frame_count(least: int) -> int:
    """Return the number of frames around the circle: at least `least`, and of small prime factors."""
    return smooth(least) if least <= DENSE else BLOCK * smooth(math.ceil(least / BLOCK))
