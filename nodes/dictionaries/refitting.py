"""Weights of a book fitted anew to a sound, all at once, by least squares on the atoms that it has.

So ends each step of orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad, 27th Asilomar Conference 1993):
here it is done once, at the end. Conjugate gradients on the normal equations (Hestenes and Stiefel 1952) begin at the
book's weights; what they need of the atoms are their sum and its adjoint, never a matrix.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from nodes.dictionaries.book import Book
from nodes.dictionaries.correlating import Correlated, Support, correlated, leave_rest, support_of
from pipelines.value import Array

SILENT = 1e-20
"""Energy, relative to that of the sound and the book, below which nothing is left to fit: -200 dB."""

FLAT = 1e-24
"""Energy of a slope, relative to that of the first one, below which it is rounding and leads nowhere."""


class Refitted(NamedTuple):
    """What a refit made.

    Parameters
    ----------
    book
        The book with new weights.
    before, after
        Dark energy of the book before and after, in dB; see `dark_energy`.
    gain
        dB that the last iteration brought, of the channel that gained most; 0 where there was none.
    """

    book: Book
    before: float
    after: float
    gain: float


class State(NamedTuple):
    """Where conjugate gradients are: channels × atoms, and numbers of each channel.

    Parameters
    ----------
    changes, slopes, directions
        What is added to the weights, the slope there, and where to go next; complex128.
    free
        Which weights may change.
    steepness
        Energy of the slope; 0 in channels that have ended.
    goal
        What is minimised.
    least, flat
        Goal and steepness at which a channel ends.
    """

    changes: Array
    slopes: Array
    directions: Array
    free: Array
    steepness: Array
    goal: Array
    least: Array
    flat: Array


def dark_energy(book: Book, rebuilt: float) -> float:
    """Return the energies of all atoms by themselves over that of their sum, in dB.

    Sturm, Shynk, Daudet and Roads (IEEE Transactions on Audio, Speech, and Language Processing 16, 2008) call dark
    energy what atoms have and their sum has not. Above 0 dB atoms on the whole cancel each other, which is heard once
    some of them are moved or left out; below it they share what one could do. A book as a pursuit leaves it has about
    0 dB: each of its atoms takes as much energy out of the sound as it has itself (Mallat and Zhang 1993). NaN where
    there is no sound.

    Parameters
    ----------
    book
        Any book.
    rebuilt
        Energy of its sound, over all channels.
    """
    alone = float(book.energies.sum())
    return 10 * math.log10(alone / rebuilt) if alone > 0 and rebuilt > 0 else math.nan


def refit(
    book: Book,
    sound: Array,
    residual: Array,
    iterations: int,
    tolerance: float,
    damping: float = 0.0,
    heard: Callable[[int, float], None] = lambda iteration, goal: None,
) -> Refitted:
    """Return the book with weights b + c that minimise |sound - rebuilt|² + damping Σ 2 |c|², and write what is left.

    2 |c|² is the energy by itself of what is added to an atom. Channels are fitted each by itself. Weights of exactly 0
    stay 0: those of an atom of one channel in all others.

    Parameters
    ----------
    book
        The atoms, and the weights b.
    sound
        channels × samples, finite.
    residual
        channels × samples: the sound without the new book is written here.
    iterations
        Most iterations.
    tolerance
        A channel ends where an iteration lowers what is minimised by no more than this, in dB.
    damping
        What it costs to change a weight, 0 or more. Changes that sound at less than `damping` of the energies that they
        have by themselves, as opposite ones of atoms that are nearly equal, are held back.
    heard
        Told the number of each iteration and what is then minimised, over all channels.
    """
    support = support_of(book)
    first = correlated(support, book.weights, sound)
    state, gain = _begun(book, first), 0.0
    for iteration in range(1, iterations + 1):
        active = np.flatnonzero(state.steepness)
        if not len(active):
            break
        gains = _step(state, support, damping, active)
        gain = float(gains.max())
        done = (gains <= tolerance) | (state.goal[active] <= state.least[active])
        done |= state.steepness[active] <= state.flat[active]
        state.steepness[active[done]] = 0.0
        heard(iteration, float(state.goal.sum()))
    new = replace(book, weights=(book.weights + state.changes).astype(np.complex64))
    loud = leave_rest(support, new.weights, sound, residual)
    return Refitted(new, dark_energy(book, float(first.rebuilt.sum())), dark_energy(new, float(loud.sum())), gain)


def _begun(book: Book, first: Correlated) -> State:
    free, least = book.weights != 0, SILENT * (first.energies + first.rebuilt)
    slopes = np.where(free, first.products, 0)
    steepness = np.where(first.energies > least, _energies(slopes), 0)
    changes, goal = np.zeros_like(slopes), first.energies.copy()
    return State(changes, slopes, slopes.copy(), free, steepness, goal, least, FLAT * steepness)


def _step(state: State, support: Support, damping: float, active: Array) -> Array:
    """Go to the least along the directions of active channels, turn them; return by how many dB that lowers the goal.

    As the energy of a change c is 2 |c|², the slope that damping adds is 2 damping c.
    """
    along, steep, before = state.directions[active], state.steepness[active], state.goal[active]
    found = correlated(support, along)
    step = steep / (found.energies + 2 * damping * _energies(along))
    across = np.where(state.free[active], found.products + 2 * damping * along, 0)
    slopes = state.slopes[active] - step[:, None] * across
    turned = _energies(slopes)
    state.changes[active] += step[:, None] * along
    state.slopes[active] = slopes
    state.directions[active] = slopes + (turned / steep)[:, None] * along
    state.steepness[active] = turned
    state.goal[active] = np.maximum(before - step * steep, state.least[active])
    return np.asarray(10 * np.log10(before / state.goal[active]))


def _energies(rows: Array) -> Array:
    """Return the sum of squares of each row, in an order that depends on its length only."""
    return np.asarray((np.square(rows.real) + np.square(rows.imag)).sum(1))
