"""An inversion from its arguments: lengths, first sounds, objectives, optimisers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from nodes.inversion import checks
from nodes.inversion.bands import path_weights
from nodes.inversion.descent import Channel, Descent
from nodes.inversion.objective import Analysis, Objective
from nodes.inversion.optimisers import LBFGS, Adam, BoldDriver, Nesterov, Optimiser
from nodes.inversion.shaping import Shaping
from nodes.inversion.spectra import mean_power, resampled, told
from nodes.inversion.start import Initial, Phases, first_sounds
from nodes.inversion.terms import Term, emphases_of, shares, terms_of
from nodes.values.audio import Audio
from nodes.values.blocks import require_finite_sound
from nodes.values.representation import Representation
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.value import Array
from pipelines.workers import spread

ADAM_RATE = 0.3
"""First rate of Adam relative to the level of the start."""


def run(
    targets: Sequence[Representation],
    start: Audio | None,
    *,
    weights: Sequence[float],
    class_weights: Mapping[str, float],
    bands: Sequence[Mapping[str, Any]],
    iterations: int,
    optimizer: str | None,
    driver: Mapping[str, float],
    initial: Initial | None,
    phases: Phases,
    duration: float | None,
    channels: int | None,
    keep: set[int],
    context: Context,
) -> dict[int, Array]:
    """Return the kept iterates by number: channels × samples, float32. The arguments are those of `invert`."""
    _refuse_other_rates(targets, start)
    optimizer = optimizer or targets[0].optimizer
    checks.refuse_idle_driver(optimizer, **driver)
    count = checks.channel_count([t.channels for t in targets], start.channels if start else None, channels)
    length = _length(targets, start, duration)
    terms = _terms(targets, weights, class_weights, bands, count, length, context.device)
    analyses = [target.analysis(length, context.device) for target in targets]
    if start is None:
        first = first_sounds(targets, weights, count, length, initial, phases, context.seed, context.device)
    else:
        first = _beginning(start, length)
    shapings = _shapings(targets, weights, count, length, context.device)

    def prepared(channel: int) -> Channel:
        optimiser = _optimiser(optimizer, driver, _level(first[channel]), iterations)
        return _channel(terms[channel], analyses, first[channel : channel + 1], shapings[channel], optimiser, context)

    descents = spread(prepared, range(count))
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
    rate = targets[0].sample_rate
    bound = [None if target.any_length else target.length for target in targets]
    free = start.length if start is not None else targets[0].length
    length = checks.length_of(bound, duration, rate) or free
    checks.refuse_other_lengths(bound, length, rate, duration is not None)
    return length


def _beginning(start: Audio, length: int) -> Array:
    """Return iterate 0 where a start is given: channels × samples, float32."""
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


def _terms(
    targets: Sequence[Representation],
    weights: Sequence[float],
    class_weights: Mapping[str, float],
    bands: Sequence[Mapping[str, Any]],
    count: int,
    length: int,
    device: str,
) -> list[list[Term]]:
    """Return the terms of the loss of each channel; channels towards the same targets share them."""
    goals = [target.coefficients_for(length) for target in targets]
    paths = path_weights(targets, [list(goal) for goal in goals], bands)
    emphases = emphases_of(goals, paths, [target.emphasis_for(length) for target in targets])
    part = shares(goals, weights, class_weights, emphases, [target.class_emphasis() for target in targets])
    floors = [target.floors() for target in targets]
    if all(target.channels == 1 for target in targets):
        return [terms_of(goals, part, emphases, 0, device, floors)] * count
    return [terms_of(goals, part, emphases, channel, device, floors) for channel in range(count)]


def _shapings(
    targets: Sequence[Representation], weights: Sequence[float], count: int, length: int, device: str
) -> list[Shaping]:
    """Return the filter of each channel, which does nothing where no target has relative coefficients."""
    relative = any(target.relative and weight > 0 for target, weight in zip(targets, weights, strict=True))
    spectra = told(targets, weights, lambda target: target.spectrum()) if relative else []
    each = [mean_power(spectra, channel, lambda values: resampled(values, length)) for channel in range(count)]
    return [Shaping(spectrum, length, device) for spectrum in each]


def _channel(
    terms: Sequence[Term],
    analyses: Sequence[Analysis],
    first: Array,
    shaping: Shaping,
    optimiser: Optimiser,
    context: Context,
) -> Channel:
    objective = Objective(terms, analyses, torch.tensor(first, device=context.device), shaping)
    return Channel(objective, optimiser, objective(objective.origin()))


def _optimiser(name: str, driver: Mapping[str, float], level: float, iterations: int) -> Optimiser:
    if name == "adam":
        return Adam(ADAM_RATE * level, max(iterations, 1))
    return LBFGS() if name == "lbfgs" else (Nesterov if name == "nesterov" else BoldDriver)(**driver)


def _level(samples: Array) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _refuse_stuck(descents: Sequence[Channel]) -> None:
    """Refuse a start from which no step leads on although the target is not reached, such as silence."""
    for number, descent in enumerate(descents, 1):
        slope, loss = float(descent.point.gradient.double().square().sum()), descent.point.loss
        if not np.isfinite(loss):
            raise mistake(f"the loss of channel {number} is not a finite number", parameter="targets", given=str(loss))
        if loss > 0 and not 0 < slope < np.inf:
            raise mistake(
                f"channel {number} of the start gives no direction in which to change",
                parameter="start",
                given="silence" if not descent.samples().any() else f"loss {loss:.3g} with a gradient of {slope:g}",
                allowed="a sound",
                hint="leave the start out to start from noise",
            )
