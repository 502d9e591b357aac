"""Atoms that move in time, as nodes."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from nodes.dictionaries.book import Book
from nodes.dictionaries.node.pitching import told
from nodes.dictionaries.operations.facts import pad_facts, same_form, scrub_duration, scrub_facts, stretch_facts
from nodes.dictionaries.operations.moving import Distribution, jittered, padded, reversed_book, scrubbed, stretched
from nodes.dictionaries.operations.parameters import (
    NONE,
    DelayEnvelope,
    Phases,
    PositionEnvelope,
    StretchEnvelope,
    WidthEnvelope,
)
from nodes.dictionaries.operations.pitching import shifted
from pipelines.context import Context
from pipelines.node import node
from pipelines.quantities import Seconds, Unit

BEYOND = 0.05
"""Part of a scrub beyond the end of a book from which on a note says so."""


@node(facts=stretch_facts)
def dbm_stretch(
    book: Book,
    *,
    factor: StretchEnvelope,
    atoms: Literal["stretched", "kept"] = "stretched",
    phases: Phases = "advanced",
) -> Book:
    """Make a book last longer or shorter without a change of pitch.

    The loudest moment of each atom moves to where the time before it lasts that much longer. A book of few atoms
    stretched by much falls into grains where their lengths are kept.

    Parameters
    ----------
    book
        The atoms.
    factor
        How many times as long it lasts: 2, 1/3, or over the seconds of the book as it is. The result lasts as long as
        the area under it.
    atoms
        'stretched': atoms become longer with the factor at their middle, at the same amplitude, so that tones stay
        whole and attacks are smeared; 'kept': atoms stay as long as they are, and their density changes.
    phases
        'advanced': by 2πf times the way, so that tones at the frequency of atoms go on; 'kept': each atom is the same
        waveform elsewhere, so that what began together is less blurred and tones beat.
    """
    return stretched(book, factor, atoms == "stretched", phases == "advanced")


@node(facts=pad_facts)
def dbm_pad(book: Book, *, before: Seconds = 0.0, after: Seconds = 0.0) -> Book:
    """Make room before a book and after it, for atoms that bleed or are scattered beyond its ends.

    Parameters
    ----------
    book
        The atoms.
    before, after
        Duration of the silence; rounded to the nearest sample. Atoms that reach beyond the ends of the book are heard
        in it.
    """
    return padded(book, round(before * book.sample_rate), round(after * book.sample_rate))


@node(facts=same_form)
def dbm_reverse(
    book: Book, *, atoms: Literal["reversed", "forwards"] = "reversed", phases: Phases = "advanced"
) -> Book:
    """Play a book from the end to the beginning.

    Parameters
    ----------
    book
        The atoms.
    atoms
        'reversed': as a tape that runs backwards; 'forwards': each atom runs forwards where the tape would have it, so
        that the order of events turns and short ones keep their attack, of gamma atoms above all.
    phases
        forwards: 'advanced' by 2πf times the way, so that the atoms of a tone go on being one, or 'kept'.
    """
    return reversed_book(book, atoms == "reversed", phases == "advanced")


@node(facts=scrub_facts)
def dbm_scrub(
    book: Book,
    *,
    position: PositionEnvelope,
    duration: Seconds | None = None,
    hop: Annotated[float, Field(ge=1 / 64, le=1), Unit("of an atom's length")] = 0.25,
    phases: Phases = "advanced",
    context: Context,
) -> Book:
    """Move through a book at any speed, forwards, backwards or standing still, as a finger on a tape that never stops.

    At every hop the atoms around the position sound: of each length those within half a hop of it. So there are as many
    at any speed; where the position stands still they are repeated, where it runs some are left out. At its own speed
    it is the book as it is. (`dbm_stretch` has every atom once.)

    Parameters
    ----------
    book
        The atoms.
    position
        Seconds of the book over the seconds of the result: [[0, 0], [0:04, 0:02], [0:08, 0:02], [0:10, 0]].
    duration
        How long the result lasts; up to the last point of the position unless given.
    hop
        Time from hop to hop. As in the decomposition, or a fraction of it: larger ones scatter in other orders what
        follows in short time.
    phases
        'advanced': by 2πf times the way, so that the atoms of a tone go on being one, or 'kept'.

    Raises
    ------
    MistakeError
        Where it is not known how long the result lasts.
    """
    seconds = scrub_duration(position, duration)
    samples = round(seconds * book.sample_rate)
    places = position.at(np.linspace(0, seconds, 1001))
    if (beyond := float(np.mean(places > book.duration))) > BEYOND:
        context.note(f"{beyond:.0%} of the result are beyond the end of the book ({book.duration:.3g} s): silence")
    return scrubbed(book, position, samples, hop, phases == "advanced")


@node(facts=same_form)
def dbm_jitter(
    book: Book,
    *,
    time: DelayEnvelope = NONE,
    frequency: WidthEnvelope = NONE,
    distribution: Distribution = "uniform",
    context: Context,
) -> Book:
    """Scatter atoms in time and frequency, each by its own random way; the seed gives the same every time.

    Each atom keeps its two random numbers whatever the widths are, so that a sound that is scattered more is scattered
    the same way. Its waveform is the same elsewhere, or that around its middle transposed. What is scattered beyond the
    ends of the sound is not heard; atoms beyond half the sample rate are left out, and a note says how many.

    Parameters
    ----------
    book
        The atoms.
    time
        Width in time, over the seconds of the book.
    frequency
        Width in frequency, over the seconds of the book.
    distribution
        'uniform', as far as the width either way, or 'normal', with the width as its standard deviation.
    """
    scattered, semitones = jittered(book, time, frequency, distribution, context.generator)
    return told(shifted(scattered, semitones), book, context)
