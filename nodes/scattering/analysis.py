"""Scattering of a sound, and what follows from its coefficients."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from nodes.scattering.compression import scale_of, scaled
from nodes.scattering.core.chunks import Chunks, transform_for
from nodes.scattering.core.design import Design
from nodes.scattering.core.differentiable import scatter
from nodes.scattering.value import Scattering
from nodes.values.audio import Audio
from nodes.values.power import power_spectrum
from pipelines.mistakes import mistake
from pipelines.value import Array
from pipelines.workers import spread

SPECTRUM_BINS = 4097
"""Frequencies at which the spectrum is estimated, from 0 Hz to half the sample rate."""


def scattering_of(
    audio: Audio,
    design: Design,
    *,
    chunk: int | None = None,
    double: bool = False,
    logarithm: float | None = None,
    normalised: bool = False,
    device: str = "cpu",
) -> Scattering:
    """Return the scattering of a sound, channel by channel; the parameters are those of `Scattering`."""
    dtype = torch.float64 if double else torch.float32
    transform = transform_for(design, audio.length, chunk, device, dtype)

    def channel(number: int) -> tuple[Array, Array]:
        samples = torch.tensor(audio.samples[number : number + 1], dtype=dtype, device=device)
        found = transform.forward(samples)
        return found.order1.cpu().numpy(), found.order2.cpu().numpy()

    each = range(audio.channels)
    found = [channel(number) for number in each] if isinstance(transform, Chunks) else spread(channel, each)
    order1, order2 = (np.concatenate(orders) for orders in zip(*found, strict=True))
    rate, paths = audio.sample_rate, transform.paths()
    return Scattering(
        order1=order1,
        order2=order2,
        frequencies1=paths["order1"].frequency * rate,
        scales1=paths["order1"].scale * design.quality,
        frequencies2=paths["order2"].frequency * rate,
        rates2=paths["order2"].rate * rate,
        scales2=paths["order2"].scale * design.quality,
        octave_scales1=paths["order1"].octave_scale,
        octave_scales2=paths["order2"].octave_scale,
        times=transform.times / rate,
        colours=power_spectrum(audio.samples),
        design=design,
        sample_rate=rate,
        samples=audio.length,
        chunk=chunk,
        double=double,
        logarithm=logarithm,
        normalised=normalised,
    )


def analysis_of(target: Scattering, length: int, device: str) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    """Return the map from samples to coefficients that can be compared with the target's.

    Raises
    ------
    MistakeError
        Where the length is not the target's: coefficients are compared frame by frame.
    """
    if length != target.length and target.design.averaging:
        raise mistake(
            "a sound can be compared with a scattering only at the same length",
            given=f"{length} samples ({length / target.sample_rate:.3f} s)",
            allowed=f"{target.length} samples ({target.length / target.sample_rate:.3f} s), as the target has",
            hint="cut both to one duration before the analysis, or give scatter `averaging: global`",
        )
    dtype = torch.float64 if target.double else torch.float32
    transform = transform_for(target.design, length, target.chunk, device, dtype)
    scales = {name: scale_of(target, values) for name, values in target.raw().items()}

    def analysis(samples: torch.Tensor) -> dict[str, torch.Tensor]:
        orders = dict(zip(("order1", "order2"), scatter(samples.to(dtype), transform), strict=True))
        return {name: scaled(target, orders[name], scale).to(samples.dtype) for name, scale in scales.items()}

    return analysis


def spectrum_of(target: Scattering) -> Array:
    """Return the power spectrum of Gaussian noise with this first order: channels × bins, from 0 Hz up.

    The modulus of a band of noise is Rayleigh distributed, so that its power is 4/π of its squared mean; the
    filter of width σ lets √π σ of the spectrum through. The mean over all bins is the mean square of the sound.
    """
    filters = target.design.carriers
    passed = math.sqrt(math.pi) * np.array([filter.width for filter in filters])
    power = 4 / math.pi * np.square(target.order1, dtype=np.float64).mean(-1) / passed
    places = np.linspace(0, 0.5, SPECTRUM_BINS)
    centres = np.array([filter.centre for filter in filters])
    return np.stack([np.interp(places, centres[::-1], row[::-1]) for row in power])


def envelope_of(target: Scattering) -> Array | None:
    """Return the root of the first order's energy, channels × points from the first to the last sample."""
    if not target.design.averaging or target.design.band_scales:
        return None
    energy = np.sqrt(np.square(target.order1, dtype=np.float64).sum(1))
    duration = (target.length - 1) / target.sample_rate
    places = np.linspace(0, duration, max(2, 2 * energy.shape[1]))
    return np.stack([np.interp(places, target.times, row) for row in energy])
