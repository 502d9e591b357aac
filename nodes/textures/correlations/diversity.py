"""How much a sound is made of pieces of its source: the diversity term, snippet by snippet.

After Antognini, Hoffman and Weiss, "Audio texture synthesis with random neural networks" (ICASSP 2019), who add to the
loss the largest ratio, over all shifts s in time, of Σ F² to Σ (F shifted by s - F')², with F the feature maps of the
source and F' those of the result. For maps of one energy that is 1 / (2 - 2 r), where r is the normalised correlation
with the nearest shifted copy. Here r itself is kept, less what is natural: it has no pole, and asks for nothing that
another recording would not have. And it is taken of each fifth of a second apart, for what a descent
copies is a mosaic of shifted pieces rather than one shifted whole.

Random filters without preference keep correlations, so that it is enough to compare what they see. Of a log spectrogram
that are its bands, pooled to 32. Of real and imaginary parts, which turn with every sample of a shift, it is the sound:
correlations of whole spectrograms at all shifts are those of the sounds. Pooled magnitudes in their place leave a
descent a way out, half a hop beside its source.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from nodes.textures.correlations.model import CorrelationModel
from nodes.values.smooth import smooth
from pipelines.mistakes import mistake
from pipelines.value import Array

ROWS = 32
"""Bands of a log spectrogram that are compared at most."""

SNIPPET = 0.2
"""Seconds that are compared with the source at once, or a quarter of a shorter source.

Where it is 0.5 a descent makes its way with shorter pieces, of which the copy test of half seconds sees little.
"""

LONGEST = 60.0
"""Seconds of the source that are kept at most, over all channels."""

FEWEST = 8
"""Frames of the source at least."""

SOFTNESS = 0.02
"""How much the soft maximum over shifts can be above the greatest likeness at most."""

QUIETEST = 0.03
"""Deviation, relative to that of the whole source, below which a snippet is like nothing."""

TINY = 1e-12
"""Added under roots, so that they have a gradient at 0."""

AT_ONCE = 2**23
"""Shifts of snippets that are compared at once; where there are more, gradients compute them again."""


def step_of(model: CorrelationModel) -> int:
    """Return how many samples apart what is compared is: a quarter of a frame, or a hop where that is more; of 'ri' 1.

    It is a whole number of hops, or one sample.
    """
    return 1 if model.spectrogram == "ri" else model.hop * max(1, model.n_fft // (4 * model.hop))


def features_of(
    samples: torch.Tensor, planes: torch.Tensor, rows: torch.Tensor, model: CorrelationModel
) -> torch.Tensor:
    """Return channels × bands × frames: what is compared.

    Parameters
    ----------
    samples
        Channels × samples.
    planes
        Channels × planes × rows × frames: the spectrogram of it.
    rows
        See `rows_of`.
    model
        The front end.
    """
    if model.spectrogram == "ri":
        return samples[:, None]
    return rows @ planes[:, 0, :, :: step_of(model) // model.hop]


def rows_of(model: CorrelationModel) -> Array:
    """Return pooled × rows: the weights, with a sum of 1, of the rows of a log spectrogram in each pooled band."""
    return np.stack([group.mean(0) for group in np.array_split(np.eye(model.bands), min(ROWS, model.bands))])


def longest(model: CorrelationModel, channels: int) -> int:
    """Return how many frames of each channel of the source are kept at most.

    At 44100 Hz with frames of 1024 samples a log spectrogram of 32 bands takes 22 kB a second, 1.3 MB in all; of 'ri'
    it is the sound, 176 kB a second, 11 MB in all.
    """
    return max(FEWEST, round(LONGEST * model.sample_rate / (step_of(model) * channels)))


def refuse_few(frames: int, model: CorrelationModel) -> None:
    """Refuse a source of which too little is seen to tell a copy from what is natural."""
    if frames < FEWEST:
        raise mistake(
            "the sound is too short to tell what would be a copy of it",
            parameter="diversity",
            given=f"{frames} frames of it, {step_of(model) / model.sample_rate:.3g} s apart",
            allowed=f"{FEWEST} frames or more",
            hint="take a longer sound, or leave diversity out",
        )


def phase_randomised(features: torch.Tensor) -> torch.Tensor:
    """Return what has the spectra and cross-spectra of channels × bands × frames, and is no copy of it otherwise.

    The same for the same features: each frequency turns in all bands and channels by one random angle, but those
    without a phase, 0 and half the rate, which stay.
    """
    frames = features.shape[-1]
    turns = np.exp(2j * np.pi * np.random.default_rng(0).random(frames // 2 + 1))
    turns[0] = 1
    turns[frames // 2] = 1 if frames % 2 == 0 else turns[frames // 2]
    turned = torch.fft.rfft(features) * torch.tensor(turns, device=features.device).to(features.dtype.to_complex())
    found: torch.Tensor = torch.fft.irfft(turned, n=frames)
    return found


class Diversity:
    """The map from features of a sound to how much more it is like its source than would be natural.

    Natural is what the source has with other places of itself, or what it has with a phase-randomised version of it,
    whichever is more: a tone is like every tone of its pitch.

    Parameters
    ----------
    source
        Channels × bands × frames: the features of the source.
    frames
        Number of frames of the sounds that are to be compared.
    model
        The front end.

    Notes
    -----
    With snippets of L frames in R bands, N of them for N L / 2 frames of the sound, and K blocks of B ≥ 4 L frames of
    the source, each of B - L + 1 shifts, the transforms cost 5/2 N (R + K) B log₂ B FLOPs and the products 4 N K R B.
    For 5 s against 5 s at 44100 Hz that is 12 million of a log spectrogram, where all shifts one by one (2 L R each)
    are 90 million; and 0.7 thousand million of sounds, where they are 180. It grows with the product of both lengths.
    """

    def __init__(self, source: torch.Tensor, frames: int, model: CorrelationModel) -> None:
        wanted = round(SNIPPET * model.sample_rate / step_of(model))
        self._size = max(1, min(wanted, source.shape[-1] // 4, frames))
        deviation = source.std((0, 2), correction=0)
        self._scale = torch.where(deviation > TINY**0.5, 1 / deviation, 0.0)[:, None]
        self._floor = QUIETEST * max(1.0, float((self._scale > 0).sum()) * self._size) ** 0.5
        self._channels, self._places = len(source), source.shape[-1] - self._size + 1
        self._sharpness = math.log(max(2, self._channels * self._places)) / SOFTNESS
        self._block = smooth(4 * self._size)
        scaled = source * self._scale
        self._spectra = self._blocks(scaled)
        self._deviation = self._local_norms(scaled)
        self.natural = max(self._of_other_places(scaled), float(self.likeness(phase_randomised(source)).mean()))

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Return channels × 1: root-mean-square over snippets of what their likeness is above the natural one."""
        excess = (self.likeness(features) - self.natural).relu()
        return torch.sqrt(excess.square().mean(1, keepdim=True) + TINY)

    def likeness(self, features: torch.Tensor) -> torch.Tensor:
        """Return channels × snippets: how like the most like place of the source each is; 1 is a copy."""
        each = [torch.split(self._snippets(scaled), self._at_once) for scaled in features * self._scale]
        if len(each[0]) == 1:
            return torch.stack([self._nearest(part) for (part,) in each])
        again = [[checkpoint(self._nearest, part, use_reentrant=False) for part in parts] for parts in each]
        return torch.stack([torch.cat(found) for found in again])

    def _nearest(self, snippets: torch.Tensor) -> torch.Tensor:
        return self._highest(self._correlations(snippets))

    def _of_other_places(self, scaled: torch.Tensor) -> float:
        """Return the mean likeness of snippets of the source with places that do not overlap with them."""
        places = torch.arange(self._places, device=scaled.device)
        starts = self._snippets(torch.arange(scaled.shape[-1], device=scaled.device)[None])[:, :, 0]
        found = []
        for channel in scaled:
            parts = (torch.split(each, self._at_once) for each in (self._snippets(channel), starts))
            for part, own in zip(*parts, strict=True):
                near = (places - own).abs() < self._size
                found.append(self._highest(self._correlations(part).masked_fill(near[:, None], -torch.inf)))
        return float(torch.cat(found).mean())

    def _snippets(self, rows: torch.Tensor) -> torch.Tensor:
        """Return snippets × rows × frames, each half a snippet after the one before, the last up to the end."""
        step = max(1, self._size // 2)
        even = rows.unfold(-1, self._size, step).transpose(0, 1)
        rest = (rows.shape[-1] - self._size) % step
        return torch.cat([even, rows[None, :, -self._size :]]) if rest else even

    @property
    def _at_once(self) -> int:
        return max(1, AT_ONCE // (self._channels * self._places))

    def _blocks(self, scaled: torch.Tensor) -> torch.Tensor:
        """Return (channels × blocks) × bands × bins: spectra of blocks that overlap by a snippet less one frame."""
        shifts = self._block - self._size + 1
        count = -(-self._places // shifts)
        padded = functional.pad(scaled, (0, count * shifts + self._size - 1 - scaled.shape[-1]))
        spectra: torch.Tensor = torch.fft.rfft(padded.unfold(-1, self._block, shifts).transpose(1, 2).flatten(0, 1))
        return spectra

    def _local_norms(self, scaled: torch.Tensor) -> torch.Tensor:
        """Return channels × places: the norm of each place of the source, each band less its local mean."""
        once = scaled.double() - scaled.double().mean(-1, keepdim=True)
        first, second = (functional.pad(each.cumsum(-1), (1, 0)) for each in (once, once.square().sum(1)))
        sums, squares = (each[..., self._size :] - each[..., : -self._size] for each in (first, second))
        centred = squares - sums.square().sum(1) / self._size
        return centred.clamp_min(self._floor**2).sqrt().to(scaled.dtype)

    def _correlations(self, snippets: torch.Tensor) -> torch.Tensor:
        """Return snippets × channels of the source × places: size of the normalised correlations, by overlap-save."""
        centred = snippets - snippets.mean(-1, keepdim=True)
        norms = (centred.square().sum((1, 2), keepdim=True) + TINY).sqrt().clamp_min(self._floor)
        spectra = torch.conj(torch.fft.rfft(centred / norms, n=self._block))
        products = torch.einsum("nbf,kbf->nkf", spectra, self._spectra)
        found = torch.fft.irfft(products, n=self._block)[..., : self._block - self._size + 1]
        joined = found.reshape(len(found), self._channels, -1)[..., : self._places]
        normalised: torch.Tensor = joined / self._deviation
        return normalised.abs()

    def _highest(self, correlations: torch.Tensor) -> torch.Tensor:
        """Return the soft maximum over channels and places of the source."""
        return torch.logsumexp((self._sharpness * correlations).flatten(1), -1) / self._sharpness
