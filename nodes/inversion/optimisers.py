"""Ways downhill. Each keeps all it knows in `state`, so that an interrupted descent goes on exactly as it was."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch

from nodes.inversion.checks import ACCELERATION, BRAKE, MOMENTUM
from nodes.inversion.line_search import strong_wolfe
from nodes.inversion.objective import Point
from nodes.inversion.shelf import Shelf

LEAST_CURVATURE = 1e-8
"""Least cosine between a step and the change of the gradient with which it is remembered: no level counts in it."""

Evaluate = Callable[[torch.Tensor], Point]


class Optimiser(ABC):
    """Takes one step at a time."""

    def __init__(self) -> None:
        self.state: dict[str, torch.Tensor] = {}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Go back to a state."""
        self.state = state

    @abstractmethod
    def step(self, at: Point, evaluate: Evaluate) -> Point | None:
        """Return the next iterate, or None where nothing is left to gain."""


class BoldDriver(Optimiser):
    """Momentum with a rate that grows with each success and falls with each failure.

    As in the author's code to Lostanlen and Hecker, "The shape of remixxxes to come" (DAFx 2019): update =
    momentum × last update - rate × gradient; where the loss falls, the step is taken and the rate grows by the
    acceleration; where it rises, the step is taken back, and rate and update are braked. The first rate is
    loss / |gradient|². After the fourth failure in a row the momentum is forgotten (there the step was taken all the
    same), so that the loss never rises.

    Parameters
    ----------
    momentum
        Part of the last update that goes on, from 0 to below 1.
    acceleration
        Factor of the rate after each success, from 1 on.
    brake
        Factor of rate and update after each failure, above 0 and below 1.
    """

    PATIENCE, MOST_FAILURES = 4, 40

    def __init__(self, momentum: float = MOMENTUM, acceleration: float = ACCELERATION, brake: float = BRAKE) -> None:
        super().__init__()
        self._momentum, self._acceleration, self._brake = momentum, acceleration, brake

    def step(self, at: Point, evaluate: Evaluate) -> Point | None:
        """Return the next iterate, with a loss that is not above the last."""
        slope = _square(at.gradient)
        if not slope > 0:
            return None
        rate = float(self.state.get("rate", at.loss / slope))
        update = self.state.get("update", torch.zeros_like(at.position))
        for failures in range(1, self.MOST_FAILURES + 1):
            tried = self._momentum * update - rate * at.gradient
            point = evaluate(at.position + self._move(tried, rate * at.gradient))
            if point.loss <= at.loss:
                self.state = {"rate": _scalar(rate * self._acceleration), "update": tried}
                return point
            rate *= self._brake
            update = torch.zeros_like(update) if failures == self.PATIENCE else update * self._brake
        return None

    def _move(self, update: torch.Tensor, downhill: torch.Tensor) -> torch.Tensor:
        """Return by how much the position changes."""
        return update


class Nesterov(BoldDriver):
    """The bold driver with Nesterov's momentum (1983): the gradient is taken where the momentum will lead to.

    In the form of Sutskever et al., "On the importance of initialization and momentum" (ICML 2013), with the point
    ahead as the iterate. On most sounds it is nearer than the bold driver after 10 to 25 iterations, up to three times.
    """

    def _move(self, update: torch.Tensor, downhill: torch.Tensor) -> torch.Tensor:
        return self._momentum * update - downhill


class Adam(Optimiser):
    """Adam (Kingma and Ba 2015) with a rate that falls to zero along half a cosine.

    Parameters
    ----------
    rate
        First rate: the change of a sample in one step.
    iterations
        Number of steps until the rate is zero.
    """

    MEAN, SQUARE = 0.9, 0.999

    def __init__(self, rate: float, iterations: int) -> None:
        super().__init__()
        self._rate, self._iterations = rate, iterations

    def step(self, at: Point, evaluate: Evaluate) -> Point | None:
        """Return the next iterate, whose loss may be higher, but is a finite number."""
        if not _square(at.gradient) > 0:
            return None
        zeros = torch.zeros_like(at.position)
        done = int(self.state.get("done", 0))
        mean = self.MEAN * self.state.get("mean", zeros) + (1 - self.MEAN) * at.gradient
        square = self.SQUARE * self.state.get("square", zeros) + (1 - self.SQUARE) * at.gradient.square()
        rate = self._rate * 0.5 * (1 + math.cos(math.pi * done / self._iterations))
        rate *= math.sqrt(1 - self.SQUARE ** (done + 1)) / (1 - self.MEAN ** (done + 1))
        self.state = {"done": torch.tensor(done + 1), "mean": mean, "square": square}
        root = square.sqrt()
        point = evaluate(at.position - rate * mean / (root + root.max() * 1e-8))
        return point if math.isfinite(point.loss) else None


class LBFGS(Optimiser):
    """Limited-memory BFGS (Nocedal and Wright, "Numerical optimization", 2006, algorithm 7.5).

    Parameters
    ----------
    shelf
        Where the last steps and changes of the gradient are kept, twenty times the size of the sound.
    """

    MEMORY = 10

    def __init__(self, shelf: Shelf | None = None) -> None:
        super().__init__()
        self._shelf = shelf or Shelf()

    def step(self, at: Point, evaluate: Evaluate) -> Point | None:
        """Return the next iterate, with a loss below the last."""
        if not _square(at.gradient) > 0:
            return None
        direction, first = self._direction(at.gradient), 1.0
        if not self.state or float((direction * at.gradient).sum()) >= 0:
            self.state = {}
            direction, first = -at.gradient, at.loss / _square(at.gradient)
        point = strong_wolfe(at, direction, first, evaluate)
        if point is None:
            forgotten, self.state = bool(self.state), {}
            return self.step(at, evaluate) if forgotten else None
        self._remember(point.position - at.position, point.gradient - at.gradient)
        return point

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Go back to a state."""
        self.state = {name: each if name == "pairs" else self._shelf.keep(name, each) for name, each in state.items()}

    def _remember(self, step: torch.Tensor, change: torch.Tensor) -> None:
        if float((step * change).sum()) <= LEAST_CURVATURE * math.sqrt(_square(step) * _square(change)):
            return
        number = int(self.state.get("pairs", 0))
        for name, value in (("step", step), ("change", change)):
            place = f"{name}.{number % self.MEMORY}"
            self.state[place] = self._shelf.keep(place, value)
        self.state["pairs"] = torch.tensor(number + 1)

    def _direction(self, gradient: torch.Tensor) -> torch.Tensor:
        """Return -H g by the two-loop recursion, H the estimate of the inverse Hessian."""
        q, newest = gradient[0].clone(), int(self.state.get("pairs", 0))
        places = [number % self.MEMORY for number in range(max(0, newest - self.MEMORY), newest)]
        factors: list[tuple[torch.Tensor, torch.Tensor]] = []
        scale = torch.ones((), dtype=q.dtype, device=q.device)
        for place in reversed(places):
            with self._shelf.taken(self.state, place) as (s, y):
                curvature = s @ y
                factors.append(((s @ q) / curvature, curvature))
                q -= factors[-1][0] * y
                if len(factors) == 1:
                    scale = curvature / (y @ y)
        q *= scale
        for place, (factor, curvature) in zip(places, reversed(factors), strict=True):
            with self._shelf.taken(self.state, place) as (s, y):
                q += (factor - (y @ q) / curvature) * s
        return -q[None]


def descended(loss: Callable[[torch.Tensor], torch.Tensor], position: torch.Tensor, steps: int) -> torch.Tensor:
    """Return where steps of L-BFGS lead from a position (1 × numbers), or fewer where nothing is left to gain."""

    def evaluate(position: torch.Tensor) -> Point:
        place = position.detach().requires_grad_()
        total = loss(place)
        (gradient,) = torch.autograd.grad(total, place)
        return Point(position, float(total.detach()), gradient, ())

    optimiser, point = LBFGS(), evaluate(position)
    for _ in range(steps):
        following = optimiser.step(point, evaluate)
        if following is None:
            break
        point = following
    return point.position


def _square(values: torch.Tensor) -> float:
    """Return |values|², in float64: the gradient of what is very quiet is very large."""
    return float(torch.linalg.vector_norm(values, dtype=torch.float64)) ** 2


def _scalar(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)
