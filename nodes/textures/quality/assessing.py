"""All scores of resynthesised textures together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nodes.textures.auditory.model import published
from nodes.textures.measuring import statistics_of
from nodes.textures.quality.copying import Likeness, likeness, likeness_of_halves, repetition
from nodes.textures.quality.held_out import HeldOut, Reference
from nodes.textures.quality.mel import level_distance
from nodes.textures.quality.scoring import Scores, scores_of, scores_of_halves
from nodes.textures.quality.value import TextureQuality
from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio
from pipelines.value import Array

WORK = 1.5e8
"""Snippets times samples that are compared at most, unless that would be fewer than `FEWEST` snippets."""

FEWEST = 12

Groups = dict[str, dict[str, float]]
Judged = tuple[Groups, Groups]
"""Scores by group and name, and those of the source alone."""

Diversity = tuple[dict[str, Array], dict[str, Array]]
"""Scores by name, one for each take, and those of the source alone."""


@dataclass(frozen=True)
class Settings:
    """How is judged.

    Parameters
    ----------
    size
        Samples of a snippet.
    most
        Snippets of a channel at most.
    cap
        Highest signal-to-noise ratio in dB.
    device
        'cpu' or 'cuda'.
    """

    size: int
    most: int
    cap: float
    device: str

    def affordable(self, length: int) -> int:
        """Return how many snippets are compared with a sound of this length."""
        return min(self.most, max(FEWEST, int(WORK // length)))


class _Channel(NamedTuple):
    """What one channel of the source gets when it is compared with itself."""

    samples: Array
    reference: Reference
    halves: Likeness
    repetition: Likeness
    level_distance: float


class Judge:
    """A source, to which results are compared.

    Parameters
    ----------
    source
        The source.
    statistics
        What the result should have; unless given those of the source in the auditory model.
    channels
        Channels of the source that sound.
    settings
        How is judged.
    """

    def __init__(
        self, source: Audio, statistics: TextureStatistics | None, channels: list[int], settings: Settings
    ) -> None:
        self._source, self._sounding, self._settings = source, channels, settings
        self._statistics = statistics or statistics_of(source, published(source.sample_rate), settings.device)
        self._natural = scores_of_halves(source.samples, self._statistics, channels, settings.cap, settings.device)
        self._channels = {channel: self._channel(source.samples[channel]) for channel in channels}

    def _channel(self, samples: Array) -> _Channel:
        size, device = self._settings.size, self._settings.device
        most = self._settings.affordable(len(samples))
        reference = Reference(samples, self._source.sample_rate, size / self._source.sample_rate, device)
        return _Channel(
            samples,
            reference,
            likeness_of_halves(samples, size, most, device),
            repetition(samples, size, most, device),
            reference.natural_level_distance(),
        )

    def scores(self, result: Audio) -> Judged:
        """Return the scores of a result by group and name, and the same numbers of the source alone."""
        pairs = self._pairs(result)
        wide = self._statistics.channels > 1
        each = [(own, own if wide else 0) for own, _ in pairs]
        classes = scores_of(result.samples, self._statistics, each, self._settings.cap, self._settings.device)
        groups = dict(zip(("snr", "deviations", "error"), classes, strict=True))
        natural = dict(zip(("snr", "deviations", "error"), _within(self._natural, classes), strict=True))
        found = [self._compared(result.samples[own], self._channels[theirs]) for own, theirs in pairs]
        for name, places in (("copying", (0, 1)), ("held_out", (2, 3))):
            groups[name], natural[name] = (_mean([one[place] for one in found]) for place in places)
        return groups, natural

    def _compared(self, samples: Array, channel: _Channel) -> tuple[dict[str, float], ...]:
        """Return copying, the same of the source, held-out measures, and the same of the source."""
        size, device = self._settings.size, self._settings.device
        copy = likeness(samples, channel.samples, size, self._settings.affordable(len(channel.samples)), device)
        again = repetition(samples, size, self._settings.affordable(len(samples)), device)
        apart: HeldOut = channel.reference(samples)
        return (
            _copying(copy, again),
            _copying(channel.halves, channel.repetition),
            {"frechet": apart.frechet, "moments": apart.moments},
            {"frechet": apart.frechet_natural, "moments": apart.moments_natural},
        )

    def diversity(self, results: list[Audio], most: int) -> Diversity:
        """Return how far each take is from the `most` following ones, and the same of the halves of the source."""
        count = len(results)
        found = {"level_distance": np.full(count, np.nan), "copy": np.full(count, np.nan)}
        natural = {name: values.copy() for name, values in found.items()}
        for first in range(count):
            others = [(first + step) % count for step in range(1, min(most, count - 1) + 1)]
            each = [self._between(results[first], results[other]) for other in others]
            values = np.array([pair for pairs in each for pair in pairs])
            found["level_distance"][first], found["copy"][first] = values.mean(0)
        natural["level_distance"][:] = np.mean([channel.level_distance for channel in self._channels.values()])
        natural["copy"][:] = np.mean([channel.halves.mean for channel in self._channels.values()])
        return found, natural

    def _between(self, first: Audio, second: Audio) -> list[tuple[float, float]]:
        """Return the log-mel distance and the likeness of two takes, channel by channel."""
        size, device = self._settings.size, self._settings.device
        most = self._settings.affordable(second.length)
        return [
            (
                level_distance(
                    *(self._channels[theirs].reference.levels(take.samples[own]) for take in (first, second))
                ),
                likeness(first.samples[own], second.samples[own], size, most, device).mean,
            )
            for own, theirs in self._pairs(first)
        ]

    def _pairs(self, result: Audio) -> list[tuple[int, int]]:
        """Return the channels of a result, each with that of the source which it is compared to."""
        if self._source.channels == 1:
            return [(channel, 0) for channel in range(result.channels)]
        return [(channel, channel) for channel in self._sounding]


def quality_of(labels: tuple[str, ...], each: list[Judged], diversity: Diversity | None, cap: float) -> TextureQuality:
    """Return the scores of all takes together."""
    scores, natural = (
        {
            group: {name: np.array([take[side][group][name] for take in each]) for name in names}
            for group, names in each[0][side].items()
        }
        for side in (0, 1)
    )
    if diversity is not None:
        scores["diversity"], natural["diversity"] = diversity
    return TextureQuality(labels, scores, natural, cap)


def _within(natural: Scores, classes: Scores) -> Scores:
    """Return natural scores of the classes that the result has."""
    return Scores(
        *({name: own.get(name, np.nan) for name in ratios} for own, ratios in zip(natural, classes, strict=True))
    )


def _copying(copy: Likeness, again: Likeness) -> dict[str, float]:
    return {
        "copy": copy.mean,
        "copy_highest": copy.highest,
        "repetition": again.mean,
        "repetition_highest": again.highest,
    }


def _mean(scores: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean over channels; the highest of what is a maximum. What is not known does not count."""

    def joined(name: str) -> float:
        known = [one[name] for one in scores if np.isfinite(one[name])]
        if not known:
            return float("nan")
        return float(max(known) if name.endswith("_highest") else np.mean(known))

    return {name: joined(name) for name in scores[0]}
