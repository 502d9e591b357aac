"""The time-averaged statistics of a sound texture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from nodes.textures.erb import smoothed
from nodes.textures.model import TextureModel
from nodes.values.representation import Representation, refuse_too_short
from pipelines.value import Array

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure as MatplotlibFigure

    from nodes.textures.stretches import Layout

QUIET, SILENT = 1e-8, 1e-30
"""Energy of a stretch, relative to the most, and alone, below which it counts the less the quieter it is."""

SAME = 1e-3
"""Difference in the domain of a class, such as a logarithm, up to which statistics are the same to the ear."""

BAND, DETAIL = 2.0, 0.25
"""Equivalent rectangular bandwidths over which spectra are smoothed: as bands are; and such that pitches stay, and
little is copied."""


@dataclass(frozen=True, eq=False)
class TextureStatistics(Representation):
    """Averages over time that tell one texture from another; they do not depend on how long the sound is.

    Parameters
    ----------
    classes
        For each class channels × paths × points, float32. Between the points statistics go straight from one to the
        next, in the domain of the class; before the first and after the last they stay.
    weights
        For some classes channels × paths × points: how much each path counts beside the others; 1 where not given.
    deviations
        For each class channels × paths: block-jackknife standard deviation of the statistic in the analysed sound.
    times
        Place of each point in seconds of the sound to be made; [0] for statistics that stay.
    colours
        channels × bins: power spectrum of the analysed sound, as `Representation.colour`.
    model
        The front end.
    sample_rate
        Samples a second.
    samples
        Length of the sound that was analysed.
    """

    relative: ClassVar[bool] = True
    optimizer: ClassVar[str] = "lbfgs"

    classes: dict[str, Array]
    weights: dict[str, Array]
    deviations: dict[str, Array]
    times: Array
    colours: Array
    model: TextureModel
    sample_rate: int
    samples: int

    @property
    def any_length(self) -> bool:
        """Whether sounds of every length can be compared: yes, statistics are averages over time."""
        return True

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(next(iter(self.classes.values())).shape[0])

    @property
    def length(self) -> int:
        """Number of samples that were analysed."""
        return self.samples

    @property
    def count(self) -> int:
        """Number of statistics of one channel."""
        return sum(values.shape[1] for values in self.classes.values())

    def describe(self) -> str:
        """Return the number of statistics and what they were taken from."""
        points = f" at {len(self.times)} points" if len(self.times) > 1 else ""
        return (
            f"TextureStatistics, {self.channels} ch × {self.count} statistics in {len(self.classes)} classes{points}, "
            f"of {self.length / self.sample_rate:.3f} s"
        )

    def draw(self) -> MatplotlibFigure:
        """Return the statistics as small multiples."""
        from nodes.textures.drawing import draw_statistics

        return draw_statistics(self)

    def coefficients(self) -> dict[str, Array]:
        """Return the classes at their first point."""
        return {name: values[:, :, 0] for name, values in self.classes.items()}

    @property
    def moving(self) -> bool:
        """Whether the statistics change over the sound to be made."""
        return len(self.times) > 1

    def layout(self, length: int) -> Layout:
        """Return the stretches of a sound of this length in each of which it shall have the statistics."""
        from nodes.textures.stretches import MOVING, STRETCH, stretches_of

        return stretches_of(self.model, length, MOVING if self.moving else STRETCH, self.moving)

    def common(self, length: int) -> int:
        """Return the samples of an edge of the stretches of a loop: what fades in there has faded out at the end."""
        return self.layout(length + length // 4).edge

    def coefficients_for(self, length: int) -> dict[str, Array]:
        """Return for each class what a sound of this length shall have: channels × paths × stretches."""
        return self.at(self.layout(length).centres)

    def emphasis_for(self, length: int) -> dict[str, Array]:
        """Return the weights of paths, shaped as `coefficients_for`."""
        return self.emphasis_at(self.layout(length).centres, self.layout(length).samples)

    def emphasis_at(self, times: Array, samples: int) -> dict[str, Array]:
        """Return the weights of paths in stretches of so many samples, channels × paths × times."""
        found, goals = self.weights_at(times), self.at(times)
        few = [name for name in self.model.lacking(min(self.samples, samples)) if name in goals]
        found |= {name: np.zeros_like(goals[name]) for name in few}
        if self.moving:  # a quiet stretch counts as much as a loud one
            for name, values in goals.items():
                if self.model.domains[name] == "level":
                    energies = np.square(values, dtype=np.float64).mean(1, keepdims=True)
                    even = 1 / np.maximum(energies, QUIET * energies.max(2, keepdims=True) + SILENT)
                    found[name] = np.asarray(found.get(name, np.ones_like(values)) * even, np.float64)
        return found

    def at(self, times: Array) -> dict[str, Array]:
        """Return the statistics at other times: channels × paths × times."""
        from nodes.textures.domains import interpolated

        domains = self.model.domains
        return {name: interpolated(each, self.times, times, domains[name]) for name, each in self.classes.items()}

    def weights_at(self, times: Array) -> dict[str, Array]:
        """Return the weights of paths at other times: channels × paths × times."""
        from nodes.textures.domains import interpolated

        return {name: interpolated(values, self.times, times, "linear") for name, values in self.weights.items()}

    def closes(self, length: int) -> bool:
        """Return whether statistics that count and their weights end, in a sound of this length, as they begin."""
        from nodes.textures.domains import into

        ends = np.array([0.0, length / self.sample_rate])
        weights = self.weights_at(ends)
        goals = {name: values for name, values in self.at(ends).items() if name not in self.model.spans}
        each = [
            into(values, self.model.domains[name]) * (weights.get(name, np.ones((1, 1, 2))) > 0).any(-1, keepdims=True)
            for name, values in goals.items()
        ]
        each += [weights[name] for name in goals if name in weights]
        return all(np.allclose(values[..., 0], values[..., 1], rtol=0, atol=SAME) for values in each)

    def analysis(self, length: int, device: str) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
        """Return the map from samples of any length to statistics, stretch by stretch."""
        from nodes.textures.stretches import Stretches

        refuse_too_short(length, self.model.shortest(), self.sample_rate)
        return Stretches(self.model, self.layout(length), device)

    def class_emphasis(self) -> dict[str, float]:
        """Return how much each class counts unless its weight is given."""
        return {name: self.model.emphasis.get(name, 1.0) for name in self.classes}

    @property
    def linked(self) -> tuple[str, ...]:
        """Classes that compare channels with each other."""
        return tuple(name for name in self.model.linked if name in self.classes)

    @property
    def starts(self) -> Literal["statistics", "tonal"] | None:
        """Of which carriers first sounds are made: of lines where hardly anything moves, for noise always does."""
        if not self.model.imposed:
            return None
        still = self.model.still({name: values.mean(-1) for name, values in self.classes.items()}, self.weights)
        return "tonal" if still else "statistics"

    def first_sound(
        self,
        carriers: Array,
        rows: Sequence[int],
        shares: Mapping[str, float],
        paths: Mapping[str, Array],
        loop: bool,
        device: str,
        heard: Callable[[int, int], None],
    ) -> Array:
        """Return sounds that have these statistics nearly, with the fine structure of given carriers."""
        from nodes.textures.starting import first_sound

        return first_sound(self, carriers, rows, shares, paths, loop, device, heard)

    def floors(self) -> dict[str, float]:
        """Return for each class the size below which differences hardly count."""
        return {name: self.model.floors.get(name, 0.0) for name in self.classes}

    def axes(self) -> dict[str, dict[str, Array]]:
        """Return the frequency, and where there is one the rate, of each path."""
        return {name: axes for name, axes in self.model.axes().items() if name in self.classes}

    def spectrum(self) -> Array:
        """Return the power spectrum of the analysed sound, smoothed by bands of the ear."""
        return smoothed(self.colours, self.sample_rate, BAND)

    def fine(self) -> Array:
        """Return the power spectrum of the analysed sound with its pitches."""
        return smoothed(self.colours, self.sample_rate, DETAIL)

    def colour(self) -> Array:
        """Return the power spectrum of the analysed sound."""
        return self.colours
