"""Atoms of other shapes, as nodes."""

from nodes.dictionaries.book import Book
from nodes.dictionaries.operations.facts import same_form
from nodes.dictionaries.operations.parameters import BleedEnvelope, Kept
from nodes.dictionaries.operations.shaping import bled, with_window
from nodes.dictionaries.windows import Window
from pipelines.node import node


@node(facts=same_form)
def dbm_bleed(book: Book, *, factor: BleedEnvelope, keep: Kept = "energy") -> Book:
    """Make atoms longer, so that they bleed into each other, or shorter, so that gaps open.

    The loudest moment of an atom stays in place: its middle, or that soon after the beginning of a gamma atom. What
    reaches beyond the ends of the sound is not heard: `dbm_pad` makes room first.

    Parameters
    ----------
    book
        The atoms.
    factor
        How many times as long they become: 4, 1/8, or over the seconds of the book.
    keep
        'energy': longer atoms are softer, by 3 dB when twice as long; 'amplitude': they are as loud, and overlap more.
    """
    return bled(book, factor, keep)


@node(facts=same_form)
def dbm_window(book: Book, *, window: Window, keep: Kept = "energy") -> Book:
    """Give all atoms another window: other attacks and decays, clearer or rougher tones.

    The loudest moment of an atom stays in place. 'gamma' begins at once and dies away, 'reversed_gamma' swells and
    breaks off, 'rectangular' clicks at both ends.

    Parameters
    ----------
    book
        The atoms.
    window
        The window.
    keep
        What each atom has as before: its 'energy', or the 'amplitude' of its peak.
    """
    return with_window(book, window, keep)
