"""What a sound is compared with: the descriptor classes of the targets, and how much each of them counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nodes.inversion.checks import refuse_unknown_classes
from pipelines.mistakes import mistake
from pipelines.value import Array

FLOOR = 1e-5
"""Root-mean-square of a class below which it counts as silence, relative to the loudest class: -100 dB."""

SILENCE = 1e-10
"""Root-mean-square of the loudest class below which the whole target counts as silence: -200 dBFS."""

Coefficients = Mapping[str, Array]


@dataclass(frozen=True)
class Term:
    """One descriptor class of one target for one channel, or for all that are descended on together.

    Parameters
    ----------
    target
        Which target, from 0.
    descriptor
        Name of the class.
    wanted
        channels × …: the target S*.
    energy
        |S*|² + n ε², in float64: finite errors for silence.
    emphasis
        Weights of the paths, to multiply squared differences; None where all paths weigh the same.
    share
        Share of the term in the loss.
    """

    target: int
    descriptor: str
    wanted: torch.Tensor
    energy: float
    emphasis: torch.Tensor | None
    share: float

    @property
    def name(self) -> str:
        """Return the name under which the error is logged; targets count from 1."""
        return f"loss.{self.target + 1}.{self.descriptor}"

    def compare(self, found: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return Σ w (S - S*)² / Σ w (S*² + ε²), and the same with w = 1.

        The difference is divided before it is squared, so that what is very quiet does not underflow.
        """
        squares = ((found - self.wanted) * (1 / math.sqrt(self.energy))).square()
        plain = squares.sum()
        return (plain if self.emphasis is None else (squares * self.emphasis).sum()), plain


def terms_of(
    goals: Sequence[Coefficients],
    shares: Sequence[Mapping[str, float]],
    emphases: Sequence[Mapping[str, Array]],
    device: str,
    floors: Sequence[Mapping[str, float] | None] | None = None,
) -> list[Term]:
    """Return the terms of the loss; targets of which nothing counts are left out.

    Parameters
    ----------
    goals
        Coefficients of each target, channels × ….
    shares
        See `shares`.
    emphases
        See `emphases_of`.
    device
        'cpu' or 'cuda'.
    floors
        For each target what its `floors()` tells; None for all of one unit.
    """
    terms = []
    for number, goal in enumerate(goals):
        if not any(shares[number].values()):
            continue
        own = floors[number] if floors else None
        for name, values in goal.items():
            floor = _floor(list(goal.values())) if own is None else max(_floor([values]), own.get(name, 0.0))
            energies = np.square(values, dtype=np.float64) + floor**2
            weights = emphases[number].get(name)
            counts = weights is None or bool(weights.any())
            emphasis = _emphasis(energies, weights, device) if weights is not None and counts else None
            wanted = torch.tensor(values, dtype=torch.float32, device=device)
            share = shares[number][name] if counts else 0.0
            terms.append(Term(number, name, wanted, float(energies.sum()), emphasis, share))
    return terms


def _floor(classes: Sequence[Array]) -> float:
    """Return the ε of a target: a whole target that is quieter is reached as well as a loud one."""
    loudest = max(math.sqrt(np.mean(np.square(values, dtype=np.float64))) if values.size else 0.0 for values in classes)
    return FLOOR * (loudest if loudest > SILENCE else 1.0)


def _emphasis(energies: Array, weights: Array, device: str) -> torch.Tensor:
    """Return weights shaped as the coefficients, such that the weighted energy is the energy."""
    each = np.broadcast_to(weights, energies.shape)
    return torch.tensor(each * (energies.sum() / (each * energies).sum()), dtype=torch.float32, device=device)


def emphases_of(
    goals: Sequence[Coefficients], path_weights: Sequence[Mapping[str, Array]], own: Sequence[Mapping[str, Array]]
) -> list[dict[str, Array]]:
    """Return for each target and class the weights of its coefficients, where they do not all count the same.

    Parameters
    ----------
    goals
        Coefficients of each target.
    path_weights
        For each target weights of the paths (second axis) of some of its classes.
    own
        For each target its own weights of some of its classes, which broadcast to the coefficients.
    """
    found: list[dict[str, Array]] = []
    for goal, weights, inherent in zip(goals, path_weights, own, strict=True):
        found.append(dict(inherent))
        for name, each in weights.items():
            shaped = each.reshape(1, -1, *(1,) * (goal[name].ndim - 2))
            found[-1][name] = shaped * found[-1].get(name, 1.0)
    return found


def shares(
    goals: Sequence[Coefficients],
    weights: Sequence[float],
    class_weights: Mapping[str, float],
    emphases: Sequence[Mapping[str, Array]],
    usual: Sequence[Mapping[str, float]] | None = None,
) -> list[dict[str, float]]:
    """Return for each target the share of each of its classes in the loss; all shares add up to 1.

    Raises
    ------
    MistakeError
        Where a class weight names no class of any target, or everything weighs nothing.
    """
    refuse_unknown_classes([list(goal) for goal in goals], class_weights)
    found = []
    for number, (goal, weight) in enumerate(zip(goals, weights, strict=True)):
        known = {**(usual[number] if usual else {}), **class_weights}
        each = {name: known.get(f"{number + 1}.{name}", known.get(name, 1.0)) for name in goal}
        each |= {name: 0.0 for name, paths in emphases[number].items() if not paths.any()}
        total = sum(each.values())
        found.append({name: weight * value / total if total else 0.0 for name, value in each.items()})
    total = sum(sum(each.values()) for each in found)
    if not total > 0:
        raise mistake(
            "nothing is left to descend on: every target, class or path weighs 0",
            parameter="weights" if not any(weights) else "class_weights" if class_weights else "path_weights",
            allowed="at least one weight above 0",
            hint="also the weights that an edit of the statistics gave" if any(emphases) else "",
        )
    return [{name: share / total for name, share in each.items()} for each in found]
