"""All edits of statistics, in the order in which they are written."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nodes.textures.domains import into
from nodes.textures.editing.checks import flippable
from nodes.textures.editing.classes import COLOUR, COMPLEX, MEAN, has_sign, named
from nodes.textures.editing.natural import natural, statistic
from nodes.textures.editing.noise import noise_statistics
from nodes.textures.editing.parameters import EDIT
from nodes.textures.editing.points import moves, refined, resampled, united
from nodes.textures.editing.reach import touched
from nodes.textures.editing.realisable import realised
from nodes.textures.value import TextureStatistics
from pipelines.quantities import Envelope
from pipelines.value import Array

Knobs = Mapping[str, Any]


class Editing:
    """Statistics under the knife, in natural coordinates; each edit changes `values` and `weights`.

    Parameters
    ----------
    statistics
        What is edited.
    edits
        All edits, as `read_edit` returns them: their envelopes tell at which points statistics are needed.
    device
        Where noise is measured.
    """

    def __init__(self, statistics: TextureStatistics, edits: Sequence[Knobs], device: str) -> None:
        self._statistics, self._device = statistics, device
        self.domains = {n: d for n, d in statistics.model.domains.items() if n in statistics.classes}
        self.times = _points(statistics, edits)
        self._before = {
            name: resampled(values, statistics.times, self.times, self.domains[name])
            for name, values in statistics.classes.items()
        }
        self._weights = {
            name: resampled(values, statistics.times, self.times, "linear")
            for name, values in statistics.weights.items()
        }
        self._start: dict[str, Array] = {}
        self._values: dict[str, Array] = {}
        self._noise: dict[str, Array] | None = None

    def apply(self, edit: Knobs) -> None:
        """Make one edit: structure or amount, then flip, then weight."""
        classes = named(edit.get("class", ()), self.domains, "edits")
        paths = touched(self._statistics, classes, edit, EDIT, "edits")
        spared = () if "class" in edit else (COLOUR,)
        shaped = {name: chosen for name, chosen in paths.items() if name not in spared}
        if "structure" in edit:
            self._become_noise(shaped)
        if not _neutral(edit.get("amount")):
            self._scale(shaped, edit["amount"].at(self.times))
        if edit.get("flip"):
            self._flip(paths, edit)
        if not _neutral(edit.get("weight")):
            self._weigh(paths, edit["weight"].at(self.times))

    def result(self) -> tuple[TextureStatistics, list[str]]:
        """Return the edited statistics, made such as some sound can have, and notes of what was changed for it."""
        before, found = self._statistics, dict(self._before)
        self._follow()
        for name, values in self._values.items():
            same = (values == self._start[name]).all(axis=2, keepdims=True)
            found[name] = np.where(same, self._before[name], statistic(name, values, self.domains[name]))
        classes, notes = realised(found, [self._before], before)
        deviations = {name: self._deviations(name, values) for name, values in before.deviations.items()}
        after = dataclasses.replace(
            before,
            classes=classes,
            weights=self._weights,
            deviations=deviations,
            times=self.times,
            colours=self._colours(),
        )
        return after, notes

    def _become_noise(self, paths: Mapping[str, Array]) -> None:
        for name, chosen in paths.items():
            self._natural(name)[:, chosen] = self._noise_of(name)[:, chosen]

    def _scale(self, paths: Mapping[str, Array], amount: Array) -> None:
        for name, chosen in paths.items():
            values, zero = self._natural(name), np.broadcast_to(self._zero(name), self._before[name].shape)[:, chosen]
            values[:, chosen] = np.where(amount == 1, values[:, chosen], zero + amount * (values[:, chosen] - zero))

    def _flip(self, paths: Mapping[str, Array], edit: Knobs) -> None:
        """Change the sign, of both parts or of one."""
        which = edit["flip"]
        for name in flippable(edit, paths, self.domains):
            chosen = paths[name]
            if isinstance(which, str):
                chosen = chosen & (np.arange(len(chosen)) % 2 == ("real", "imaginary").index(which))
            self._natural(name)[:, chosen] *= -1

    def _weigh(self, paths: Mapping[str, Array], weight: Array) -> None:
        for name, chosen in paths.items():
            values = self._weights.get(name, np.ones(self._before[name].shape, np.float32)).copy()
            values[:, chosen] *= weight.astype(np.float32)
            self._weights[name] = values

    def _natural(self, name: str) -> Array:
        """Return a class in its natural coordinates, to be changed."""
        if name not in self._values:
            self._start[name] = natural(name, self._before[name], self.domains[name])
            self._values[name] = self._start[name].copy()
        return self._values[name]

    def _zero(self, name: str) -> Array:
        """Return what an amount of 0 makes of a class, in natural coordinates."""
        domain = self.domains[name]
        if name == COLOUR:
            return into(np.asarray(self._before[name], np.float64).mean(1, keepdims=True), domain)
        if has_sign(name, domain):
            return np.zeros((1, 1, 1))
        return self._noise_of(name)

    def _noise_of(self, name: str) -> Array:
        """Return a class of noise in natural coordinates: channels × paths × 1."""
        if self._noise is None:
            self._noise = noise_statistics(self._statistics, self._device)
        return natural(name, self._noise[name][:, :, None], self.domains[name])

    def _follow(self) -> None:
        """Let the mean of compressed envelopes go with the power of their bands."""
        compression = getattr(self._statistics.model, "compression", None)
        if compression and COLOUR in self._values and MEAN in self.domains:
            self._natural(MEAN)[:] += compression / 2 * (self._values[COLOUR] - self._start[COLOUR])

    def _deviations(self, name: str, values: Array) -> Array:
        """Return deviations; those of levels stay in proportion to the level."""
        if name not in self._values or self.domains[name] != "level":
            return values
        ratio = np.exp(np.clip((self._values[name] - self._start[name]).mean(2), -80.0, 80.0))
        return np.asarray(values * ratio, np.float32)

    def _colours(self) -> Array:
        """Return the spectrum, which follows the powers of bands."""
        colours, axes = self._statistics.colours, self._statistics.axes().get(COLOUR, {})
        if COLOUR not in self._values or "frequency" not in axes:
            return colours
        gains = (self._values[COLOUR] - self._start[COLOUR]).mean(2)
        bins = np.linspace(0, self._statistics.sample_rate / 2, colours.shape[1])
        factors = np.stack([np.exp(np.interp(bins, axes["frequency"], channel)) for channel in gains])
        return np.asarray(colours * factors, colours.dtype)


def edited(
    statistics: TextureStatistics, edits: Sequence[Knobs], device: str = "cpu"
) -> tuple[TextureStatistics, list[str]]:
    """Return edited statistics, and notes of what had to be changed so that some sound can have them.

    Raises
    ------
    MistakeError
        Where an edit is of nothing that there is.
    """
    editing = Editing(statistics, edits, device)
    for edit in edits:
        editing.apply(edit)
    found, notes = editing.result()
    asked = {name for edit in edits for name in edit.get("class", ())}
    if found.moving and asked & {*found.model.spans, "swells"}:
        notes.append("edits of swells are not heard: what moves is held in stretches too short for them")
    return found, notes


def _neutral(envelope: Envelope | None) -> bool:
    """Return whether an envelope changes nothing."""
    return envelope is None or (envelope.constant and envelope.points[0][1] == 1.0)


def _points(statistics: TextureStatistics, edits: Sequence[Knobs]) -> Array:
    """Return the points of edited statistics: more of them where several things move at once, or complex ones do."""
    envelopes = [edit[name] for edit in edits for name in ("amount", "weight") if name in edit]
    bends = any(not _neutral(edit.get("amount")) for edit in edits) and any(n in statistics.classes for n in COMPLEX)
    times = united([statistics.times], envelopes)
    own = statistics.times

    def curved(low: float, high: float) -> bool:
        within = any(a < high and b > low for a, b in itertools.pairwise(own))
        moving = within + sum(moves(envelope, low, high) for envelope in envelopes)
        return moving > 1 or (bends and moving > 0)

    return refined(times, curved)
