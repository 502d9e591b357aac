"""The same atoms for two sounds, each with weights of its own.

Matching pursuit is by Mallat and Zhang (IEEE Transactions on Signal Processing 1993). One atom for several signals with
a weight for each is simultaneous matching pursuit, as Gribonval (ICASSP 2002) has it for stereo and Tropp, Gilbert and
Strauss (Signal Processing 2006) in general. Collins and Sturm (ICMC 2011) made cross-synthesis and morphs of
dictionary-based models. The ways to choose here and their names are our own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.pursuit import books
from nodes.dictionaries.pursuit.blocks import Limits, Pursuing, decompose, energy_in
from nodes.dictionaries.pursuit.compiling import at_hand
from nodes.dictionaries.pursuit.decomposing import Pursuit, pursue
from nodes.dictionaries.pursuit.dictionary import Dictionary, dictionary_of
from nodes.dictionaries.pursuit.searching import Course
from nodes.dictionaries.pursuit.sizes import THRESHOLD
from nodes.dictionaries.pursuit.sweeping import follow
from nodes.dictionaries.pursuit.turns import Turns, pursue_in_turns
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.value import Array

Mode = Literal["lead", "alternate", "joint"]

FAINT = 1e-9
"""Balance from 0 or 1 below which the one sound does not count beside the other; its weights would lose digits."""


class Interlinked(NamedTuple):
    """Books of two sounds with the same atoms, what is left of each, and whether more atoms would not have helped."""

    a: Book
    b: Book
    residual_a: Array
    residual_b: Array
    stalled: bool


def interlinked(
    a: Array,
    b: Array,
    sample_rate: int,
    dictionary: Dictionary,
    limits: tuple[int, float],
    mode: Mode,
    balance: float,
    course: Course | None = None,
    heard: Callable[[int, int], None] = lambda new, most: None,
    room: Callable[[tuple[int, ...], Any], Array] = np.zeros,
) -> Interlinked:
    """Return books of two sounds with the same atoms in the same order.

    Parameters
    ----------
    a, b
        Channels × samples, finite; their numbers of either may differ.
    sample_rate
        Samples a second, of both.
    dictionary
        The atoms that there are.
    limits
        Most atoms, and energy of a sound over what may be left of it, in dB.
    mode, balance
        Those of the node `dbm_interlink`.
    course
        How the pursuit goes on.
    heard
        Told of new atoms, and the most that there may be.
    room
        Makes arrays as long as both sounds, as `Context.array` does on disk.
    """
    sounds = (a, b)
    stacked = _stacked(sounds, room)
    residual = room(stacked.shape, np.float32)
    energies = (energy_in(a), energy_in(b))
    pursuing, energy = _way(energies, (len(a), len(b)), mode, balance, 10 ** (-limits[1] / 10))
    found = decompose(stacked, dictionary, Limits(limits[0], energy), residual, course, heard, pursuing=pursuing)
    whole = books.book_from(found, dictionary, stacked.shape[1], sample_rate)
    rows = (slice(0, len(a)), slice(len(a), None))
    each = [
        replace(whole, weights=whole.weights[own], samples=sound.shape[1])
        for own, sound in zip(rows, sounds, strict=True)
    ]
    left = [residual[own, : sound.shape[1]] for own, sound in zip(rows, sounds, strict=True)]
    return Interlinked(each[0], each[1], left[0], left[1], found.stalled)


def compiled_at_hand() -> bool:
    """Return whether nothing has to be compiled."""
    return books.compiled_at_hand() and at_hand([follow])


def compile_all() -> None:
    """Compile what is not at hand, by a pursuit of two atoms."""
    sound = np.zeros((2, 256))
    sound[:, 100] = 1.0
    dictionary = dictionary_of((64,), "hann", 4, THRESHOLD)
    pursue_in_turns(Turns(1, 1.0, (True, False)), sound, dictionary, 2, 0.0, Course(), lambda new: None, 256)


def _way(
    energies: tuple[float, float], channels: tuple[int, int], mode: Mode, balance: float, ratio: float
) -> tuple[Pursuing, float]:
    """Return how a block is decomposed, and the energy that may be left as that counts it."""
    if mode == "lead" or (mode == "joint" and min(balance, 1 - balance) < FAINT):
        first = mode == "lead" or balance > 0.5
        turns = Turns(channels[0], float(first), (first, not first))
        return partial(pursue_in_turns, turns), ratio * energies[0 if first else 1]
    shares = (balance, 1 - balance) if mode == "joint" else (1.0, 1.0)
    parts = list(zip(shares, energies, strict=True))
    gains = np.repeat([math.sqrt(share / energy) if energy else 1.0 for share, energy in parts], channels)
    if mode == "joint":
        return partial(_scaled, pursue, gains), ratio * sum(share for share, energy in parts if energy)
    return partial(_scaled, partial(pursue_in_turns, Turns(channels[0], balance, (True, True))), gains), ratio


def _scaled(pursuing: Pursuing, gains: Array, sound: Array, *how: Any) -> Pursuit:
    """Return the pursuit of a sound in which each channel counts by the square of its gain."""
    found = pursuing(sound * gains[:, None], *how)
    weights = (found.weights / gains).astype(np.complex64)
    return found._replace(weights=weights, residual=found.residual / gains[:, None])


def _stacked(sounds: tuple[Array, Array], room: Callable[[tuple[int, ...], Any], Array]) -> Array:
    """Return the channels of both sounds, with silence after the shorter one."""
    stacked = room((sum(map(len, sounds)), max(sound.shape[1] for sound in sounds)), np.float32)
    first = 0
    for sound in sounds:
        for start, stop in spans(sound.shape[1]):
            stacked[first : first + len(sound), start:stop] = sound[:, start:stop]
            release(sound)
            release(stacked)
        first += len(sound)
    return stacked
