"""An inversion from its arguments: lengths, first sounds, objectives, optimisers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from nodes.inversion.checks import channel_count
from nodes.inversion.descent import Channel, Descent
from nodes.inversion.objective import Objective, shares
from nodes.inversion.optimisers import LBFGS, Adam, BoldDriver, Optimiser
from nodes.inversion.shaping import Shaping
from nodes.inversion.start import Initial, noise, spectrum_of_targets
from nodes.values.audio import Audio
from nodes.values.blocks import require_finite_sound
from nodes.values.representation import Representation
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.value import Array

ADAM_RATE = 0.3
"""First rate of Adam relative to the level of the start."""


def run(
    targets: Sequence[Representation],
    start: Audio | None,
    *,
    weights: Sequence[float],
    class_weights: Mapping[str, float],
    iterations: int,
    optimizer: str,
    initial: Initial,
    duration: float | None,
    channels: int | None,
    keep: set[int],
    context: Context,
) -> dict[int, Array]:
    """Return the kept iterates by number: channels × samples, float32. The arguments are those of `invert`."""
    _refuse_other_rates(targets, start)
    count = channel_count([t.channels for t in targets], start.channels if start else None, channels)
    length = _length(targets, start, duration)
    part = shares(targets, weights, class_weights)
    analyses = [target.analysis(length, context.device) for target in targets]
    first = _first_sounds(targets, start, weights, count, length, initial, context.seed)
    descents = []
    for channel in range(count):
        sound = torch.tensor(first[channel : channel + 1], device=context.device)
        shaping = Shaping(_shape(targets, weights, channel), length, context.device)
        objective = Objective(targets, analyses, part, channel, sound, shaping)
        optimiser = _optimiser(optimizer, float(np.sqrt(np.mean(first[channel] ** 2))), iterations)
        descents.append(Channel(objective, optimiser, objective(objective.origin())))
    _refuse_stuck(descents)
    return Descent(descents, frozenset(keep), context).run(iterations)


def _refuse_other_rates(targets: Sequence[Representation], start: Audio | None) -> None:
    rates = {target.sample_rate for target in targets} | ({start.sample_rate} if start else set())
    if len(rates) > 1:
        raise mistake(
            "targets and start have different sample rates",
            parameter="targets",
            given=" and ".join(f"{rate} Hz" for rate in sorted(rates)),
            allowed="one sample rate",
            hint="load the sounds at one sample rate",
        )


def _length(targets: Sequence[Representation], start: Audio | None, duration: float | None) -> int:
    """Return the number of samples to make: as asked, else as a target demands, else as the start has it."""
    if duration is not None:
        return max(1, round(duration * targets[0].sample_rate))
    bound = [target.length for target in targets if not target.any_length]
    return bound[0] if bound else start.length if start is not None else targets[0].length


def _first_sounds(
    targets: Sequence[Representation],
    start: Audio | None,
    weights: Sequence[float],
    count: int,
    length: int,
    initial: Initial,
    seed: int,
) -> Array:
    """Return iterate 0: channels × samples, float32."""
    if start is not None:
        if start.length < length:
            raise mistake(
                "the start is shorter than the sound to be made",
                parameter="start",
                given=f"{start.duration:.3f} s",
                allowed=f"{length / start.sample_rate:.3f} s or more",
                hint="take a longer start, or leave it out to start from noise",
            )
        require_finite_sound(start.samples[:, :length], start.sample_rate, "the start")
        return start.samples[:, :length]
    rate = targets[0].sample_rate
    spectra = [spectrum_of_targets(targets, weights, channel) for channel in range(count)]
    return np.stack([noise(initial, spectrum, length, rate, seed, c) for c, spectrum in enumerate(spectra)])


def _shape(targets: Sequence[Representation], weights: Sequence[float], channel: int) -> Array | None:
    """Return the spectrum of the shaping filter, or None where no target has relative coefficients."""
    if not any(target.relative and weight > 0 for target, weight in zip(targets, weights, strict=True)):
        return None
    return spectrum_of_targets(targets, weights, channel)


def _optimiser(name: str, level: float, iterations: int) -> Optimiser:
    made: dict[str, Any] = {"bold_driver": BoldDriver, "lbfgs": LBFGS}
    if name == "adam":
        return Adam(ADAM_RATE * level, max(iterations, 1))
    optimiser: Optimiser = made[name]()
    return optimiser


def _refuse_stuck(descents: Sequence[Channel]) -> None:
    """Refuse a start from which no step leads on although the target is not reached, such as silence."""
    for number, descent in enumerate(descents, 1):
        slope, loss = float(descent.point.gradient.square().sum()), descent.point.loss
        if not np.isfinite(loss):
            raise mistake(f"the loss of channel {number} is not a finite number", parameter="targets", given=str(loss))
        if loss > 0 and not slope > 0:
            raise mistake(
                f"channel {number} of the start gives no direction in which to change",
                parameter="start",
                given="silence" if not descent.samples().any() else f"loss {loss:.3g} with a gradient of 0",
                allowed="a sound",
                hint="leave the start out to start from noise",
            )
