"""Compressed envelopes of the bands of an auditory model, and their adjoint.

The magnitude of an analytic band does not change when the band is shifted in frequency: each is computed at the lowest
rate that holds it and its envelope, from its stretch of the sound's spectrum, and all bands of one rate are one batch.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.fourier import squared
from nodes.textures.stretches import beside

OVERSAMPLING = 3.5
"""Least sample rate of a band, in bandwidths: its envelope is compressed, and so far wider than its square."""

TIMES = sorted(base << power for base in (1, 3, 5, 7) for power in range(40) if base << power >= 4)
"""Sample rates of bands, as multiples of that of the envelopes; of the narrowest too, for compression makes cusps, of
which a low-pass leaves less than every fourth sample does."""


class Envelopes(NamedTuple):
    """Envelopes, batch × bands × frames, and means over the window: powers of bands, and what channels have in common.

    `powers` is batch × bands; `products`, batch × bands × 2, both parts of the product of each analytic band with that
    of the channel before, or None where sounds have one channel.
    """

    envelopes: torch.Tensor
    powers: torch.Tensor
    products: torch.Tensor | None = None


class _Band(NamedTuple):
    """Analytic bands of one rate, and their compressed magnitudes."""

    values: torch.Tensor
    compressed: torch.Tensor


class _Group(NamedTuple):
    """Bands of one rate: which, their bins (bands × width), the first ones, responses there, the window at the rate."""

    bands: torch.Tensor
    bins: torch.Tensor
    starts: list[int]
    responses: torch.Tensor
    synthesis: torch.Tensor
    window: torch.Tensor
    samples: int

    def add(self, turned: torch.Tensor, spectrum: torch.Tensor) -> None:
        """Add what the bands have in their bins (batch × bands × width) to a spectrum, up to its end."""
        for row, first in enumerate(self.starts):
            into = spectrum[:, first : first + turned.shape[2]]
            into += turned[:, row, : into.shape[1]]


class FrontEnd:
    """The map from sounds of one length, taken for periodic, to the envelopes of their bands.

    Parameters
    ----------
    model
        What is computed.
    length
        Samples of a sound.
    window
        Weight of each moment, at `frames` places: what powers are averaged with. It adds up to 1.
    device, dtype
        Of the tensors.
    """

    def __init__(
        self, model: AuditoryModel, length: int, window: torch.Tensor, device: str, dtype: torch.dtype
    ) -> None:
        self.model, self.length, self.frames = model, length, len(window)
        responses = model.responses(np.arange(length // 2 + 1) * model.sample_rate / length)
        stretches = [np.flatnonzero(row) if row.any() else np.zeros(1, int) for row in responses]
        rates: dict[int, list[int]] = {}
        for band, bins in enumerate(stretches):
            least = OVERSAMPLING * (bins[-1] + 1 - bins[0])
            samples = next(self.frames * times for times in TIMES if self.frames * times >= least)
            rates.setdefault(samples, []).append(band)
        self._groups = [
            self._group(samples, bands, responses, stretches, window, device, dtype) for samples, bands in rates.items()
        ]
        self._slow = math.ceil(model.envelope_rate / 2 * length / model.sample_rate)
        self._order = torch.argsort(torch.cat([group.bands for group in self._groups]))

    def _group(
        self,
        samples: int,
        bands: list[int],
        responses: Any,
        stretches: list[Any],
        window: torch.Tensor,
        device: str,
        dtype: torch.dtype,
    ) -> _Group:
        width = max(stretches[band][-1] + 1 - stretches[band][0] for band in bands)
        bins = np.stack([np.minimum(stretches[band][0] + np.arange(width), self.length // 2) for band in bands])
        weights = np.zeros((len(bands), width))
        for row, band in enumerate(bands):
            own = stretches[band]
            weights[row, : own[-1] + 1 - own[0]] = responses[band, own[0] : own[-1] + 1]
        once = (bins == 0) | ((bins == self.length / 2) if self.length % 2 == 0 else False)
        synthesis = weights / np.where(once, 1.0, 2.0)  # the bank, squared, adds up to one
        weights *= np.where(once, 1.0, 2.0) / self.length
        at_rate = torch.fft.irfft(torch.fft.rfft(window.double()), n=samples).clamp_min(0)  # or powers fall below 0
        at_rate /= at_rate.sum()
        return _Group(
            torch.tensor(bands, device=device),
            torch.tensor(bins, device=device),
            bins[:, 0].tolist(),
            torch.tensor(weights, dtype=dtype, device=device),
            torch.tensor(synthesis, dtype=dtype, device=device),
            at_rate.to(dtype=dtype, device=device),
            samples,
        )

    def __call__(self, samples: torch.Tensor, channels: int = 1) -> Envelopes:
        """Return the envelopes of batch × length samples; gradients flow.

        Each `channels` of the batch, one after another, are of one sound.
        """
        return Envelopes(*_Apply.apply(samples, self, channels))  # type: ignore[no-untyped-call]

    def forward(self, samples: torch.Tensor, channels: int = 1) -> tuple[Envelopes, list[_Band]]:
        """Return the envelopes, and the analytic bands of each group for the adjoint."""
        spectrum = torch.fft.rfft(samples)
        envelopes, powers, products, bands = [], [], [], []
        half = self.model.compression / 2
        for group in self._groups:
            band = torch.fft.ifft(spectrum[:, group.bins].mul_(group.responses), n=group.samples, norm="forward")
            squares = squared(band)
            powers.append(squares @ group.window / 2)
            if channels > 1:
                product = torch.view_as_real(band * beside(band, channels).conj())
                products.append(group.window @ product / 2)
            compressed = squares.add_(self.model.floor).pow_(half)
            envelopes.append(self._at_frames(compressed))
            bands.append(_Band(band, compressed))
        joined = torch.cat(envelopes, 1)[:, self._order].clamp_min_(0)  # a low-pass can ring below 0
        shared = torch.cat(products, 1)[:, self._order] if products else None
        return Envelopes(joined, torch.cat(powers, 1)[:, self._order], shared), bands

    def adjoint(self, slopes: Envelopes, channels: int, found: torch.Tensor, bands: list[_Band]) -> torch.Tensor:
        """Return the gradient with respect to the samples from those with respect to what `forward` returned.

        `found` are the envelopes and `bands` the analytic bands that it returned.
        """
        size = (len(found), self.length // 2 + 1)
        spectrum = torch.zeros(size, dtype=found.dtype.to_complex(), device=found.device)
        envelopes, powers = slopes.envelopes * (found > 0), slopes.powers
        half = self.model.compression / 2
        for group, (band, compressed) in zip(self._groups, bands, strict=True):
            squares = squared(band).add_(self.model.floor)
            spread = self._interpolated(envelopes[:, group.bands], group.samples)  # but for a factor, the adjoint
            slope = spread.mul_(compressed).div_(squares).mul_(half * self.frames / group.samples)
            slope += powers[:, group.bands, None] * (group.window / 2)
            upward = band * slope.mul_(2)
            if slopes.products is not None:
                weight = torch.view_as_complex(slopes.products[:, group.bands].contiguous())[..., None]
                weight = weight * (group.window / 2)
                upward += beside(band, channels) * weight
                upward += beside(band * weight.conj(), channels, -1)
            turned = torch.fft.fft(upward)[..., : group.bins.shape[1]].mul_(group.responses)
            group.add(turned, spectrum)
        spectrum[:, 1 : (self.length + 1) // 2] *= 0.5
        gradient: torch.Tensor = torch.fft.irfft(spectrum, n=self.length, norm="forward")
        return gradient

    def with_envelopes(self, samples: torch.Tensor, envelopes: torch.Tensor, powers: torch.Tensor) -> torch.Tensor:
        """Return sounds with the carriers of others: each band times what its envelope lacks, and all added up.

        Parameters
        ----------
        samples
            batch × length: where the carriers come from.
        envelopes
            batch × bands × frames: what the compressed envelopes shall be; what varies faster stays as it is.
        powers
            batch × bands: mean powers that each band is given at last.
        """
        before, bands = self.forward(samples)
        size = (len(samples), self.length // 2 + 1)
        spectrum = torch.zeros(size, dtype=samples.dtype.to_complex(), device=samples.device)
        for group, (band, compressed) in zip(self._groups, bands, strict=True):
            change = self._interpolated((envelopes - before.envelopes)[:, group.bands], group.samples)
            gain = ((compressed + change).clamp_min_(0) / compressed).pow_(1 / self.model.compression)
            band = band * gain
            power = squared(band) @ group.window / 2
            band *= (powers[:, group.bands] / (power + self.model.floor)).sqrt()[..., None]
            turned = torch.fft.fft(band, norm="forward")[..., : group.bins.shape[1]] * group.synthesis
            group.add(turned, spectrum)
        sound: torch.Tensor = torch.fft.irfft(spectrum, n=self.length, norm="forward")
        return sound

    def _interpolated(self, values: torch.Tensor, samples: int) -> torch.Tensor:
        """Return frames at a higher rate, band-limited."""
        spectrum = self._slow_part(torch.fft.rfft(values, norm="forward"))
        interpolated: torch.Tensor = torch.fft.irfft(spectrum, n=samples, norm="forward")
        return interpolated

    def _at_frames(self, values: torch.Tensor) -> torch.Tensor:
        """Return what varies slowly, at the frames."""
        spectrum = torch.fft.rfft(values, norm="forward")[..., : self.frames // 2 + 1]
        slow: torch.Tensor = torch.fft.irfft(self._slow_part(spectrum), n=self.frames, norm="forward")
        return slow

    def _slow_part(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Return spectra of envelopes through an ideal low-pass, of half their rate however many frames there are."""
        spectrum[..., self._slow :] = 0
        return spectrum


class _Apply(torch.autograd.Function):
    """The front end as a function of PyTorch."""

    @staticmethod
    def forward(ctx: Any, samples: torch.Tensor, front_end: FrontEnd, channels: int) -> Envelopes:
        samples = samples.detach()
        found, bands = front_end.forward(samples, channels)
        ctx.front_end, ctx.channels, ctx.bands = front_end, channels, bands
        ctx.save_for_backward(found.envelopes)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return ctx.front_end.adjoint(Envelopes(*slopes), ctx.channels, *ctx.saved_tensors, ctx.bands), None, None
