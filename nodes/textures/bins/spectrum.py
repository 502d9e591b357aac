"""Short-time spectra of periodic sounds: frames under a window, their powers, and changes of their bins."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch.autograd.function import once_differentiable

from nodes.textures.fourier import squared

BARELY = 1e-2
"""Power of overlapping windows, relative to the greatest, below which changes fade out: where frames hardly reach."""


class Spectrum(NamedTuple):
    """Frames of a periodic sound, centred at whole hops."""

    n_fft: int
    hop: int
    window: torch.Tensor

    def frames(self, samples: torch.Tensor) -> torch.Tensor:
        """Return batch × frames × n_fft of batch × size samples, not yet under the window."""
        blocks = samples.roll(self.n_fft // 2, 1).reshape(len(samples), -1, self.hop)
        count = math.ceil(self.n_fft / self.hop)
        return torch.cat([blocks.roll(-number, 1) for number in range(count)], 2)[..., : self.n_fft]

    def joined(self, frames: torch.Tensor) -> torch.Tensor:
        """Return the adjoint of `frames`: batch × size."""
        blocks = frames.new_zeros(*frames.shape[:2], self.hop)
        for number, start in enumerate(range(0, self.n_fft, self.hop)):
            part = frames[:, :, start : start + self.hop]
            blocks[:, :, : part.shape[2]] += part.roll(number, 1)
        return blocks.flatten(1).roll(-(self.n_fft // 2), 1)

    def bins(self, samples: torch.Tensor) -> torch.Tensor:
        """Return batch × frames × bins, complex."""
        found: torch.Tensor = torch.fft.rfft(self.frames(samples) * self.window)
        return found

    def changed(self, samples: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        """Return the sound whose bins have changed most nearly by `change` (batch × frames × bins) in all.

        Least squares, after Griffin and Lim (1984); where no frame reaches, between touching ones, it stays as it was.
        """
        frames = torch.fft.irfft(change, n=self.n_fft) * self.window
        reach = self.joined(self.window.square().expand(1, *frames.shape[1:]).contiguous())
        update: torch.Tensor = self.joined(frames) / (reach + BARELY * reach.max())
        return samples + update


class Powers(torch.autograd.Function):
    """Powers of bins, batch × frames × bins, with the adjoint written out: a real transform there and one back."""

    @staticmethod
    def forward(ctx: Any, samples: torch.Tensor, spectrum: Spectrum) -> torch.Tensor:
        """Return |X|² of batch × size samples."""
        bins = spectrum.bins(samples)
        ctx.spectrum = spectrum
        ctx.save_for_backward(bins)
        return squared(bins)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return the gradient by samples of what has this gradient by powers."""
        (bins,), spectrum = ctx.saved_tensors, ctx.spectrum
        turned = bins * gradient
        once = [0, spectrum.n_fft // 2] if spectrum.n_fft % 2 == 0 else [0]
        turned[..., once] *= 2  # |X|² has twice X as its gradient, and the inverse transform doubles all other bins
        frames = torch.fft.irfft(turned, n=spectrum.n_fft, norm="forward") * spectrum.window
        return spectrum.joined(frames), None
