"""How far a sound is from its targets, and the gradient of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from nodes.inversion.shaping import Shaping
from nodes.inversion.terms import Term

Analysis = Callable[[torch.Tensor], dict[str, torch.Tensor]]


class Point(NamedTuple):
    """A place on the descent.

    Parameters
    ----------
    position, gradient
        1 × (channels samples), in the coordinates of the descent.
    loss
        What is descended on.
    errors
        Relative squared error of each of the objective's terms, with the weights of paths.
    distances
        |S - S*|² of each term, whatever its weights.
    """

    position: torch.Tensor
    loss: float
    gradient: torch.Tensor
    errors: tuple[float, ...]
    distances: tuple[float, ...] = ()


class Objective:
    """The weighted sum of the relative squared errors of a sound, as a function of a position.

    A position is the shaped difference to the start: the sound is start + H position, with H the shaping filter. The
    sound is one channel, or several where they are compared with each other; all of it is one row of a position.

    Parameters
    ----------
    terms
        What to reach.
    analyses
        For each target the map from channels × length samples to its coefficients.
    start
        The sound at position 0: channels × length.
    shaping
        Filter between position and sound.
    """

    def __init__(
        self, terms: Sequence[Term], analyses: Sequence[Analysis], start: torch.Tensor, shaping: Shaping
    ) -> None:
        self.terms, self._analyses, self._start, self._shaping = terms, analyses, start, shaping

    def origin(self) -> torch.Tensor:
        """Return the position of the start."""
        return torch.zeros_like(self._start).reshape(1, -1)

    def heard(self, position: torch.Tensor) -> torch.Tensor:
        """Return the sound at a position: channels × length."""
        return self._start + self._shaping(position.view_as(self._start))

    def __call__(self, position: torch.Tensor) -> Point:
        """Return loss, gradient and errors at a position."""
        sound = self.heard(position).requires_grad_()
        gradient, loss = torch.zeros_like(sound), 0.0
        errors: list[float] = []
        distances: list[float] = []
        for number in sorted({term.target for term in self.terms}):
            found = self._analyses[number](sound)
            terms = [term for term in self.terms if term.target == number]
            each = [term.compare(found[term.descriptor]) for term in terms]
            counted = [error * term.share for (error, _), term in zip(each, terms, strict=True) if term.share]
            if counted:
                total = torch.stack(counted).sum()
                gradient += torch.autograd.grad(total, sound)[0]
                loss += float(total.detach())
            errors += [float(error.detach()) for error, _ in each]
            distances += [float(plain.detach()) * t.energy for (_, plain), t in zip(each, terms, strict=True)]
        return Point(position, loss, self._shaping(gradient).reshape(1, -1), tuple(errors), tuple(distances))
