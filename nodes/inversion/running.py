"""An inversion from its arguments: lengths, first sounds, objectives, optimisers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from nodes.inversion import checks
from nodes.inversion.descent import Descent, Part
from nodes.inversion.goals import Goals
from nodes.inversion.objective import Analysis, Objective
from nodes.inversion.optimisers import LBFGS, Adam, BoldDriver, Nesterov, Optimiser
from nodes.inversion.shaping import Shaping
from nodes.inversion.shelf import Shelf
from nodes.inversion.spectra import mean_power, resampled, told
from nodes.inversion.start import Initial, Phases, first_sounds, own_first_sounds
from nodes.inversion.terms import Term
from nodes.mixing.gains import rise
from nodes.values.audio import Audio
from nodes.values.blocks import require_finite_sound
from nodes.values.representation import Representation
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.value import Array
from pipelines.workers import spread

SEAM = 0.01
"""Seconds in which the ends of a given start are faded where it shall become a loop."""

REACHED = 1e-12
"""Loss up to which a target is reached, but for rounding."""

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
    loop: bool,
    keep: set[int],
    context: Context,
) -> dict[int, Array]:
    """Return the kept iterates by number: channels × samples, float32. The arguments are those of `invert`."""
    _refuse_other_rates(targets, start)
    checks.refuse_bound_loop(loop, [target.any_length for target in targets])
    optimizer = optimizer or targets[0].optimizer
    checks.refuse_idle_driver(optimizer, **driver)
    count = checks.channel_count([t.channels for t in targets], start.channels if start else None, channels)
    length, device = _length(targets, start, duration), context.device
    common = min([target.common(length) for target in targets]) if loop else 0
    if loop:
        _note_jumps(targets, weights, length, context)
    goals = Goals(targets, weights, class_weights, bands, length + common)
    groups = goals.groups(count)
    analyses = [_closed(target.analysis(length + common, device), common) for target in targets]
    if start is not None:
        first = _beginning(start, length, loop)
    elif (initial := initial or goals.leading[0].starts or "coloured") in ("statistics", "tonal"):
        heard = context.tally("first sound")
        first = own_first_sounds(goals, groups, length, initial, phases, context.seed, loop, device, heard)
    else:
        first = first_sounds(targets, weights, count, length, initial, phases, context.seed)
    spectra = _spectra(targets, weights, count, length)

    def prepared(group: tuple[list[int], list[Term]]) -> Part:
        rows, terms = group
        shaping = Shaping([spectra[row] for row in rows] if spectra else None, length, device)
        objective = Objective(terms, analyses, torch.tensor(first[rows], device=device), shaping)
        optimiser = _optimiser(optimizer, driver, _level(first[rows]), iterations, context)
        return Part(objective, optimiser, objective(objective.origin()))

    parts = spread(prepared, zip(groups, goals.terms(groups, device), strict=True))
    _refuse_stuck(parts, groups)
    return Descent(parts, frozenset(keep), context).run(iterations)


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


def _note_jumps(targets: Sequence[Representation], weights: Sequence[float], length: int, context: Context) -> None:
    """Tell which targets make a loop jump, for at its end they are not what they are at its beginning."""
    for number, (target, weight) in enumerate(zip(targets, weights, strict=True), 1):
        if weight > 0 and not target.closes(length):
            context.note(
                f"target {number} moves and is not at the end of the loop what it is at its beginning: there the loop "
                "jumps; let its envelopes end as they begin"
            )


def _beginning(start: Audio, length: int, loop: bool) -> Array:
    """Return iterate 0 where a start is given, channels × samples, float32; for a loop, with ends that are faded."""
    if start.length < length:
        raise mistake(
            "the start is shorter than the sound to be made",
            parameter="start",
            given=f"{start.duration:.3f} s",
            allowed=f"{length / start.sample_rate:.3f} s or more",
            hint="take a longer start, or leave it out to start from noise",
        )
    require_finite_sound(start.samples[:, :length], start.sample_rate, "the start")
    if not loop:
        return start.samples[:, :length]
    places = (np.arange(length) + 0.5) / start.sample_rate
    within = np.minimum(places, places[::-1]) / SEAM
    return np.asarray(start.samples[:, :length] * rise(within, "equal_power") ** 2, np.float32)


def _closed(analysis: Analysis, common: int) -> Analysis:
    """Return the analysis of a loop: of the sound with its beginning again at the end."""
    if not common:
        return analysis
    return lambda sound: analysis(torch.cat([sound, sound[:, :common]], 1))


def _spectra(
    targets: Sequence[Representation], weights: Sequence[float], count: int, length: int
) -> list[Array] | None:
    """Return for each channel the spectrum that shapes its descent; None where no target has relative coefficients."""
    if not any(target.relative and weight > 0 for target, weight in zip(targets, weights, strict=True)):
        return None
    spectra = told(targets, weights, lambda target: target.spectrum())
    each = [mean_power(spectra, channel, lambda values: resampled(values, length)) for channel in range(count)]
    return [power for power in each if power is not None] or None


def _optimiser(name: str, driver: Mapping[str, float], level: float, iterations: int, context: Context) -> Optimiser:
    if name == "adam":
        return Adam(ADAM_RATE * level, max(iterations, 1))
    if name == "lbfgs":
        return LBFGS(Shelf(lambda shape: context.array(shape, np.float32)))
    return (Nesterov if name == "nesterov" else BoldDriver)(**driver)


def _level(samples: Array) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _refuse_stuck(parts: Sequence[Part], groups: Sequence[Sequence[int]]) -> None:
    """Refuse a start from which no step leads on although the target is not reached, such as silence."""
    for part, group in zip(parts, groups, strict=True):
        slope, loss = float(part.point.gradient.double().square().sum()), part.point.loss
        named = f"channel {group[0] + 1}" if len(group) == 1 else f"channels {group[0] + 1} to {group[-1] + 1}"
        if not np.isfinite(loss):
            raise mistake(f"the loss of {named} is not a finite number", parameter="targets", given=str(loss))
        if loss > REACHED and not 0 < slope < np.inf:
            raise mistake(
                f"the start gives no direction in which to change {named}",
                parameter="start",
                given="silence" if not part.samples().any() else f"loss {loss:.3g} with a gradient of {slope:g}",
                allowed="a sound",
                hint="leave the start out to start from noise",
            )
