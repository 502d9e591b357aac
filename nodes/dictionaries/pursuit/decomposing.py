"""Matching pursuit: sweeps over stretches of time with a falling threshold, and a true residual every so often.

After Mallat and Zhang, Matching Pursuits with Time-Frequency Dictionaries (IEEE Transactions on Signal Processing
1993), with inner products of atoms as in `kernels`. Instead of the one best atom of the whole sound each sweep takes
all that count more than a threshold, best first within stretches that do not touch; then the threshold falls a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.pursuit.dictionary import Dictionary
from nodes.dictionaries.pursuit.searching import Course, Search
from pipelines.value import Array


class Pursuit(NamedTuple):
    """What was found.

    Parameters
    ----------
    atoms
        atoms × (scale, first sample, bin), int64, in the order in which they were found.
    weights
        atoms × channels, complex64.
    gains
        Energy that each took away.
    residual
        What is left: channels × samples, float64.
    stalled
        Whether it ended because more atoms did not take more energy away.
    """

    atoms: Array
    weights: Array
    gains: Array
    residual: Array
    stalled: bool


def pursue(
    sound: Array,
    dictionary: Dictionary,
    most: int,
    energy: float,
    course: Course,
    heard: Callable[[int], None] = lambda new: None,
    counted: int | None = None,
) -> Pursuit:
    """Return the atoms of a sound, until there are `most` or no more than `energy` is left of it.

    Parameters
    ----------
    sound
        channels × samples; frames begin up to the longest scale before its end. A multiple of the longest hop; not
        written to.
    heard
        Told after each refresh how many atoms are new.
    counted
        Samples from the start on that the limits are for, and for atoms that begin there; all unless given.
    """
    search = Search(np.array(sound, np.float64), dictionary, course, sound.shape[1] if counted is None else counted)
    stalled = False
    while search.count < most and search.left > energy and not stalled:
        whole, count = search.whole, search.count
        search.refresh()
        search.descend(most, energy)
        search.take_out()
        stalled = not search.whole < whole
        heard(search.count - count)
    return Pursuit(*search.book(), search.residual, stalled)
