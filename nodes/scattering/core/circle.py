"""How a sound is laid around the circle on which it is transformed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from nodes.scattering.core.averaging import Frames, frame_count
from nodes.scattering.core.design import Boundary, Design

PADDING = 4
"""Sound is mirrored at both ends over this many times the longest filter."""


@dataclass(frozen=True)
class Circle:
    """A sound of `length` samples, with `before` samples before it and others behind it, `total` in all.

    Parameters
    ----------
    frames
        Frames around the circle.
    averaging
        Length of φ in samples; 0 for one mean.
    boundary
        What stands beside the sound: the sound mirrored, or again.
    """

    length: int
    before: int
    total: int
    count: int
    averaging: int
    boundary: Boundary = "reflect"

    @property
    def depth(self) -> int:
        """How often the grid can be halved: down to one sample in a frame."""
        return max(0, math.ceil(math.log2(self.total / self.count)))

    def samples(self, halvings: int) -> int:
        """Return the number of samples around the circle at a rate that is halved so many times."""
        return self.count << max(0, self.depth - halvings)

    @property
    def frames(self) -> Frames:
        """Where coefficients are taken."""
        begin, end = self.before / self.total, (self.before + self.length) / self.total
        if not self.averaging:
            return Frames(self.count, slice(0, 1), None, (begin, end))
        kept = slice(self._first_frame(self.before), self._first_frame(self.before + self.length))
        return Frames(self.count, kept, self.averaging / self.total)

    def _first_frame(self, place: int) -> int:
        """Return the first frame that does not lie before a sample; rounded quotients would miss it now and then."""
        return -(-place * self.count // self.total)

    @property
    def times(self) -> np.ndarray:
        """Places of the kept frames, in samples of the sound."""
        if not self.averaging:
            return np.array([self.length / 2])
        kept = self.frames.kept
        return np.arange(kept.start, kept.stop) * self.total / self.count - self.before

    def origins(self, first: int, last: int) -> torch.Tensor:
        """Return for each place from `first` up to `last` on the circle the sample that stands there."""
        places = np.arange(first, last) - self.before
        if self.boundary == "circular":
            return torch.tensor(places % self.length)
        period = max(2 * (self.length - 1), 1)
        return torch.tensor(np.abs((places + self.length - 1) % period - self.length + 1))

    @cached_property
    def _origins(self) -> torch.Tensor:
        return self.origins(0, self.total)

    def around(self, samples: torch.Tensor) -> torch.Tensor:
        """Return … × total samples of … × length: continued at both ends."""
        return samples if self.total == self.length else samples[..., self._origins.to(samples.device)]

    def around_adjoint(self, gradient: torch.Tensor) -> torch.Tensor:
        """Return … × length of … × total: what the samples beside the sound get is added to where they came from."""
        if self.total == self.length:
            return gradient
        sound = gradient.new_zeros((*gradient.shape[:-1], self.length))
        return sound.index_add_(-1, self._origins.to(gradient.device), gradient)


def circle_of(length: int, design: Design) -> Circle:
    """Return the circle of a sound: the sound itself, or with mirrored samples for φ and the longest filters."""
    averaging = design.averaging or max(1, min(int(2**design.octaves), length))
    if design.boundary == "circular":
        return Circle(length, 0, length, frame_count(math.ceil(length / averaging)), design.averaging)
    padding = PADDING * design.unit
    count = frame_count(math.ceil((length + 2 * padding) / averaging))
    return Circle(length, padding, count * averaging, count, design.averaging)
