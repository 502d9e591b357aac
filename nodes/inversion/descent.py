"""The loop of an inversion: all its parts in step, with iterates kept and checkpoints written."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from nodes.inversion.objective import Objective, Point
from nodes.inversion.optimisers import Optimiser
from pipelines.context import Context, release
from pipelines.value import Array
from pipelines.workers import spread

CHECKPOINT_SECONDS = 10.0
"""Least time between checkpoints."""

CHECKPOINT_SHARE = 0.05
"""Greatest part of the time that is spent on writing them."""


@dataclass
class Part:
    """The descent of one channel, or of several together; `ended` says that nothing is left to gain."""

    objective: Objective
    optimiser: Optimiser
    point: Point
    ended: bool = False

    def step(self) -> None:
        """Take one step, or none where the descent has ended."""
        point = None if self.ended else self.optimiser.step(self.point, self.objective)
        self.ended = point is None
        self.point = point or self.point

    def samples(self) -> Array:
        """Return the sound of this iterate: channels × samples, float32."""
        return np.asarray(self.objective.heard(self.point.position).cpu().numpy(), np.float32)

    def arrays(self) -> dict[str, Array]:
        """Return all that the next step depends on."""
        kept = {f"state.{name}": value.cpu().numpy() for name, value in self.optimiser.state.items()}
        return kept | {
            "position": self.point.position.cpu().numpy(),
            "gradient": self.point.gradient.cpu().numpy(),
            "loss": np.array(self.point.loss),
            "terms": np.array([self.point.errors, self.point.distances]),
            "ended": np.array(self.ended),
        }

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Go back to what `arrays` returned."""
        device = self.point.position.device
        state = {name: torch.tensor(value, device=device) for name, value in _below(arrays, "state.").items()}
        position, gradient = (torch.tensor(arrays[name], device=device) for name in ("position", "gradient"))
        errors, distances = arrays["terms"].tolist()
        self.point = Point(position, float(arrays["loss"]), gradient, tuple(errors), tuple(distances))
        self.ended = bool(arrays["ended"])
        self.optimiser.restore(state)


@dataclass
class Descent:
    """An inversion that is under way.

    Parameters
    ----------
    parts
        The descents, which have all channels in order.
    keep
        Numbers of the iterates that are kept; 0 is the start.
    context
        Hears progress and errors, and keeps checkpoints.
    """

    parts: Sequence[Part]
    keep: frozenset[int]
    context: Context
    takes: dict[int, Array] = field(default_factory=dict)
    _done: int = -1
    _history: list[list[float]] = field(default_factory=list)

    def run(self, iterations: int) -> dict[int, Array]:
        """Descend and return the kept iterates (channels × samples, float32) by number.

        Where all parts have ended early, the later iterates are the last one that was reached.
        """
        self._resume()
        if self._done < 0:
            self._finish(0)
        saved, cost = time.monotonic(), 0.0
        for iteration in self.context.progress(range(1, iterations + 1)):
            if iteration <= self._done:
                continue
            spread(lambda part: part.step(), self.parts)
            self._finish(iteration)
            if time.monotonic() - saved >= max(CHECKPOINT_SECONDS, cost / CHECKPOINT_SHARE):
                began = time.monotonic()
                self._save()
                saved = time.monotonic()
                cost = saved - began
        return self.takes

    def _finish(self, iteration: int) -> None:
        """Note that an iterate is reached: log its errors, keep it if asked."""
        self._done = iteration
        numbers = np.array([[part.point.loss, *part.point.errors] for part in self.parts]).mean(0)
        self._history.append([*numbers.tolist(), *self._percent().values()])
        self._log(iteration, self._history[-1])
        if iteration in self.keep:
            self.takes[iteration] = self._disk_array(np.concatenate([part.samples() for part in self.parts]))

    def _percent(self) -> dict[int, float]:
        """Return 100 |S - S*| / |S*| of each target, over all its classes and all channels."""
        found: dict[int, list[float]] = {}
        for part in self.parts:
            for term, distance in zip(part.objective.terms, part.point.distances, strict=True):
                sums = found.setdefault(term.target, [0.0, 0.0])
                sums[0] += distance
                sums[1] += term.energy
        return {target: 100 * math.sqrt(distance / energy) for target, (distance, energy) in found.items()}

    def _log(self, iteration: int, numbers: Sequence[float]) -> None:
        terms = self.parts[0].objective.terms
        targets = dict.fromkeys(term.target for term in terms)
        self.context.log("loss", numbers[0], iteration)
        for term, error in zip(terms, numbers[1:], strict=False):
            self.context.log(term.name, 10 * math.log10(max(error, 1e-30)), iteration)
        for target, percent in zip(targets, numbers[1 + len(terms) :], strict=True):
            self.context.log(f"error.{target + 1}", percent, iteration)

    def _disk_array(self, samples: Array) -> Array:
        array = self.context.array(samples.shape, np.float32)
        array[...] = samples
        release(array)
        return array

    def _save(self) -> None:
        arrays: dict[str, Any] = {"done": np.array(self._done), "history": np.array(self._history)}
        for number, part in enumerate(self.parts):
            arrays |= {f"part.{number}.{name}": value for name, value in part.arrays().items()}
        arrays |= {f"take.{number}": samples for number, samples in self.takes.items()}
        self.context.save_checkpoint(arrays)

    def _resume(self) -> None:
        """Go on from the checkpoint, where there is one; say again what was logged before."""
        kept = self.context.load_checkpoint()
        if kept is None:
            return
        self._done, self._history = int(kept["done"]), kept["history"].tolist()
        for number, part in enumerate(self.parts):
            part.restore(_below(kept, f"part.{number}."))
        self.takes = {int(n): self._disk_array(samples) for n, samples in _below(kept, "take.").items()}
        for iteration, numbers in enumerate(self._history):
            self._log(iteration, numbers)


def _below(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
