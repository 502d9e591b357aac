"""A sound brought near to given statistics of magnitudes: by turns among magnitudes, and from these back to sound.

Groups of bins at frames are far fewer numbers than samples, and all that the statistics are made of: among them a step
costs a fraction of one on the waveform, and goes further. Magnitudes that no sound has are brought back by gains on the
bins, as in Griffin and Lim, "Signal estimation from modified short-time Fourier transform" (1984).
"""

from __future__ import annotations

import torch

from nodes.inversion.optimisers import descended
from nodes.textures.bins.measuring import Measuring
from nodes.textures.model import Loss

STEPS = 100
"""Steps among magnitudes."""

TURNS = 5
"""Turns that they are divided into, each a descent among magnitudes and the way back to sound."""

PASSES = 4
"""Times that gains are put on a sound in each turn, for the changes of one frame are felt in the next."""

HOLE = 0.1
"""Least magnitude, relative to the mean of its group: 20 dB below. Deeper holes hardly change statistics, but sound."""

MOST_GAIN = 1e6
"""Greatest gain of powers in one pass: 60 dB."""

LEAST_SHARE = 1e-12
"""Part of a bin's power that goes into groups below which it belongs to none, such as that at 0 Hz."""


def imposed(
    sound: torch.Tensor,
    measure: Measuring,
    loss: Loss,
    level: torch.Tensor | None = None,
    steps: int = STEPS,
    channels: int = 1,
) -> torch.Tensor:
    """Return sounds whose statistics have been brought near to what is wanted.

    Parameters
    ----------
    sound
        batch × size: carriers, whose phases are kept as far as they can be.
    measure
        The analysis of sounds of this size.
    loss
        How far statistics, {class: batch × paths}, are from what is wanted.
    level
        batch (or 1) × groups: the mean magnitudes that are wanted, which the sound is given before the first step;
        its own unless given.
    steps
        Number of steps among magnitudes, in all turns together; 0 for none, with the level only.
    channels
        How many of the batch, one after another, are of one sound.

    Returns
    -------
    batch × size: of the sounds after each turn, and the first one, that with the least loss.
    """
    magnitudes, least = _judged(sound, measure, loss, channels)
    own = magnitudes.mean(2, keepdim=True)
    unit = own if level is None else level[..., None].clamp_min(_silence(measure)).expand_as(own)
    best, begin = sound, magnitudes / own
    turns = max(1, min(TURNS, steps))
    for turn in range(turns):
        count = steps // turns + (turn < steps % turns)
        wanted = _steps_among(begin, unit, measure, loss, count, channels)
        for _ in range(PASSES):
            sound = _with_magnitudes(sound, wanted, measure)
        magnitudes, here = _judged(sound, measure, loss, channels)
        best, least = (sound, here) if here < least else (best, least)
        begin = magnitudes / unit
    return best


@torch.no_grad()
def _judged(sound: torch.Tensor, measure: Measuring, loss: Loss, channels: int) -> tuple[torch.Tensor, float]:
    """Return the magnitudes of sounds, above 0, and their loss."""
    magnitudes = measure.magnitudes(sound).clamp_min(_silence(measure))
    return magnitudes, float(loss(measure.statistics(magnitudes, channels)))


def _silence(measure: Measuring) -> float:
    """Return the magnitude of silence, or the least number where that is 0."""
    return float(max(measure.model.floor ** (measure.model.compression / 2), torch.finfo(torch.float32).tiny))


def _steps_among(
    begin: torch.Tensor, unit: torch.Tensor, measure: Measuring, loss: Loss, steps: int, channels: int
) -> torch.Tensor:
    """Return magnitudes (batch × groups × frames) after steps from unit × begin.

    The position is the square root of what they are above the deepest hole, in units.
    """
    hole = HOLE**measure.model.compression

    def magnitudes(position: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = (position.view_as(begin).square() + hole) * unit
        return found

    # at 0 there would be no gradient
    position = (begin - hole).clamp_min(0.1 * hole).sqrt().reshape(1, -1)
    return magnitudes(descended(lambda place: loss(measure.statistics(magnitudes(place), channels)), position, steps))


def _with_magnitudes(sound: torch.Tensor, wanted: torch.Tensor, measure: Measuring) -> torch.Tensor:
    """Return a sound whose magnitudes are nearer to those wanted: every bin times the mean gain of its groups."""
    found = measure.magnitudes(sound).clamp_min(_silence(measure))
    gains = (wanted / found).pow(2 / measure.model.compression).clamp_max(MOST_GAIN).transpose(1, 2)
    if measure.pooling is not None:
        share = measure.pooling.sum(1)
        gains = gains @ (measure.pooling / share.clamp_min(LEAST_SHARE)[:, None]).T
        gains = gains.masked_fill(share < LEAST_SHARE, 1.0)
    return measure.spectrum.changed(sound, measure.spectrum.bins(sound) * (gains.sqrt() - 1))
