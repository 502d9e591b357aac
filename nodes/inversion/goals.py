"""What the channels of a sound shall reach, and which of them must be descended on together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from nodes.inversion.bands import path_weights
from nodes.inversion.terms import Term, emphases_of, shares, terms_of
from nodes.values.representation import Representation
from pipelines.value import Array


class Goals:
    """The coefficients of all targets for a sound of one length, and how much each counts.

    Parameters
    ----------
    targets, weights
        What to reach, and how much each counts.
    class_weights, bands
        As `invert` has them: of classes and of regions of paths.
    length
        Samples of the sound.
    """

    def __init__(
        self,
        targets: Sequence[Representation],
        weights: Sequence[float],
        class_weights: Mapping[str, float],
        bands: Sequence[Mapping[str, Any]],
        length: int,
    ) -> None:
        self._targets, self._weights, self._class_weights = targets, weights, class_weights
        self._coefficients = [target.coefficients_for(length) for target in targets]
        self._paths = path_weights(targets, [list(goal) for goal in self._coefficients], bands)
        own = [target.emphasis_for(length) for target in targets]
        self._emphases = emphases_of(self._coefficients, self._paths, own)

    @cached_property
    def _shares(self) -> list[dict[str, float]]:
        usual = [target.class_emphasis() for target in self._targets]
        return shares(self._coefficients, self._weights, self._class_weights, self._emphases, usual)

    @property
    def together(self) -> bool:
        """Whether anything that counts compares channels with each other."""
        each = zip(self._targets, self._shares, strict=True)
        return any(share[name] > 0 for target, share in each for name in target.linked)

    @property
    def leading(self) -> tuple[Representation, dict[str, float], dict[str, Array]]:
        """The first target that counts, and within it the shares of classes and the weights of paths of some."""
        number = next(number for number, share in enumerate(self._shares) if any(share.values()))
        return self._targets[number], self._shares[number], self._paths[number]

    def groups(self, count: int) -> list[list[int]]:
        """Return which of `count` channels are descended on together."""
        return [list(range(count))] if self.together else [[channel] for channel in range(count)]

    def terms(self, groups: Sequence[Sequence[int]], device: str) -> list[list[Term]]:
        """Return the terms of the loss of each group; single channels towards targets of one channel share them."""
        if not self.together and all(target.channels == 1 for target in self._targets):
            return [self._terms([0], device)] * len(groups)
        return [self._terms(list(rows), device) for rows in groups]

    def _terms(self, rows: list[int], device: str) -> list[Term]:
        floors = [target.floors() for target in self._targets]
        return terms_of(
            [self._of(rows, target, goal) for target, goal in zip(self._targets, self._coefficients, strict=True)],
            self._shares,
            [self._of(rows, target, each) for target, each in zip(self._targets, self._emphases, strict=True)],
            device,
            floors,
        )

    def _of(self, rows: list[int], target: Representation, classes: Mapping[str, Array]) -> dict[str, Array]:
        """Return those channels; what has but one serves all, and what compares channels is of those together only."""
        left_out = () if self.together else target.linked
        return {
            name: values[rows] if len(values) > 1 else np.repeat(values, len(rows), axis=0)
            for name, values in classes.items()
            if name not in left_out
        }
