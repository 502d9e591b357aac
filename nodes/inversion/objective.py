"""How far a sound is from its targets, and the gradient of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from nodes.inversion.shaping import Shaping
from nodes.values.representation import Representation
from pipelines.mistakes import listed, mistake, nearest

FLOOR = 1e-5
"""Root-mean-square of a class of coefficients below which it counts as silence."""

Analysis = Callable[[torch.Tensor], dict[str, torch.Tensor]]
ClassWeights = Mapping[str, float]


class Point(NamedTuple):
    """A place on the descent: `errors` are the relative squared errors of the objective's terms."""

    position: torch.Tensor
    loss: float
    gradient: torch.Tensor
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Term:
    """One descriptor class of one target: what it shall be, and its share in the loss."""

    target: int
    descriptor: str
    wanted: torch.Tensor
    share: float

    @property
    def name(self) -> str:
        """Return the name under which the error is logged; targets count from 1."""
        return f"loss.{self.target + 1}.{self.descriptor}"

    def error(self, found: torch.Tensor) -> torch.Tensor:
        """Return |S - S*|² / (|S*|² + n ε²): the squared error relative to the target, finite for silence."""
        scale = self.wanted.square().sum() + self.wanted.numel() * FLOOR**2
        return (found - self.wanted).square().sum() / scale


def shares(
    targets: Sequence[Representation], weights: Sequence[float], class_weights: ClassWeights
) -> list[dict[str, float]]:
    """Return for each target the share of each of its classes in the loss; all shares add up to 1.

    Raises
    ------
    MistakeError
        Where a class weight names no class of any target, or everything weighs nothing.
    """
    classes = [list(target.coefficients()) for target in targets]
    refuse_unknown_classes(classes, class_weights)
    found = []
    for number, (names, weight) in enumerate(zip(classes, weights, strict=True), 1):
        each = {name: class_weights.get(f"{number}.{name}", class_weights.get(name, 1.0)) for name in names}
        total = sum(each.values())
        found.append({name: weight * value / total if total else 0.0 for name, value in each.items()})
    total = sum(sum(each.values()) for each in found)
    if not total > 0:
        raise mistake(
            "nothing is left to descend on: every target or class weighs 0",
            parameter="class_weights" if any(weights) else "weights",
            allowed="at least one weight above 0",
        )
    return [{name: share / total for name, share in each.items()} for each in found]


def refuse_unknown_classes(classes: Sequence[Sequence[str]], class_weights: ClassWeights) -> None:
    """Refuse the weight of a class that no target has; targets are numbered from 1."""
    known = [name for names in classes for name in names]
    known += [f"{number}.{name}" for number, names in enumerate(classes, 1) for name in names]
    for name in class_weights:
        if name not in known:
            raise mistake(
                "no target has a descriptor class of this name",
                parameter="class_weights",
                given=name,
                allowed=listed(dict.fromkeys(known)),
                hint=nearest(name, known),
            )


class Objective:
    """The weighted sum of the relative squared errors of one channel, as a function of a position.

    A position is the shaped difference to the start: the sound is start + H position, with H the shaping filter.

    Parameters
    ----------
    targets
        What to reach.
    analyses
        For each target the map from 1 × length samples to its coefficients.
    shares
        See `shares`.
    channel
        Which channel; targets of one channel serve every channel.
    start
        The sound at position 0: 1 × length.
    shaping
        Filter between position and sound.
    """

    def __init__(
        self,
        targets: Sequence[Representation],
        analyses: Sequence[Analysis],
        shares: Sequence[Mapping[str, float]],
        channel: int,
        start: torch.Tensor,
        shaping: Shaping,
    ) -> None:
        self._analyses, self._start, self._shaping = analyses, start, shaping
        self.terms: list[Term] = []
        for number, (target, share) in enumerate(zip(targets, shares, strict=True)):
            place = channel if target.channels > 1 else 0
            for name, values in target.coefficients().items() if any(share.values()) else ():
                wanted = torch.tensor(values[place : place + 1], dtype=start.dtype, device=start.device)
                self.terms.append(Term(number, name, wanted, share[name]))

    def origin(self) -> torch.Tensor:
        """Return the position of the start."""
        return torch.zeros_like(self._start)

    def sound(self, position: torch.Tensor) -> torch.Tensor:
        """Return the sound at a position: 1 × length."""
        return self._start + self._shaping(position)

    def __call__(self, position: torch.Tensor) -> Point:
        """Return loss, gradient and errors at a position."""
        sound = self.sound(position).requires_grad_()
        gradient, loss, errors = torch.zeros_like(sound), 0.0, []
        for number in sorted({term.target for term in self.terms}):
            found = self._analyses[number](sound)
            terms = [term for term in self.terms if term.target == number]
            each = [term.error(found[term.descriptor]) for term in terms]
            total = torch.stack([e * t.share for e, t in zip(each, terms, strict=True) if t.share]).sum()
            gradient += torch.autograd.grad(total, sound)[0]
            loss += float(total.detach())
            errors += [float(error.detach()) for error in each]
        return Point(position, loss, self._shaping(gradient), tuple(errors))
