"""Atoms that move in frequency, as nodes."""

from nodes.dictionaries.book import Book
from nodes.dictionaries.operations.facts import asked_aim, quantise_facts, same_form
from nodes.dictionaries.operations.parameters import (
    ONE,
    Note,
    Notes,
    Phases,
    PitchClasses,
    SemitoneEnvelope,
    ShareEnvelope,
)
from nodes.dictionaries.operations.pitching import Heard, drawn_to, octaves_of, to_multiples, to_notes, transposed
from pipelines.context import Context
from pipelines.node import node


@node(facts=same_form)
def dbm_transpose(book: Book, *, semitones: SemitoneEnvelope, phases: Phases = "advanced", context: Context) -> Book:
    """Transpose a book without a change of duration; a glissando where semitones change in time.

    Atoms keep their lengths and do not glide themselves: each has the pitch of its middle. Those that would lie beyond
    half the sample rate are left out, and a note says how many.

    Parameters
    ----------
    book
        The atoms.
    semitones
        How far up, or down below 0; over the seconds of the book.
    phases
        'advanced': with the tone, so that the atoms of a tone go on being one; 'kept': each atom keeps the phase of its
        middle, so that what began together is less blurred and tones beat.
    """
    return told(transposed(book, semitones, phases == "advanced"), book, context)


@node(facts=quantise_facts)
def dbm_quantise(
    book: Book,
    *,
    multiples: Note | None = None,
    notes: Notes | None = None,
    scale: PitchClasses | None = None,
    strength: ShareEnvelope = ONE,
    phases: Phases = "advanced",
    context: Context,
) -> Book:
    """Draw the frequencies of atoms to the harmonics of a note, to some notes, or to a scale: a vocoder's pitch.

    One of `multiples`, `notes` and `scale` says where they go. Atoms at 0 Hz stay there; those that would lie beyond
    half the sample rate are left out, and a note says how many.

    Parameters
    ----------
    book
        The atoms.
    multiples
        A note, as A2, 'midi 45' or 110 Hz (A4 is 440 Hz), to whose nearest multiple every atom goes.
    notes
        A list of such notes, to the nearest of which, in semitones, every atom goes.
    scale
        Notes in every octave, to the nearest of which every atom goes: [C, D, Eb, G], or semitones above C: [0, 3.5].
    strength
        Part of the way, in semitones, that they go, over the seconds of the book: 0 none, 1 all.
    phases
        'advanced': with the tone, so that atoms of one frequency go on being one tone; 'kept': each atom keeps the
        phase of its middle.

    Raises
    ------
    MistakeError
        Where there is nothing to go to, or several things.
    """
    asked_aim({"multiples": multiples, "notes": notes, "scale": scale})
    own = book.frequencies * book.sample_rate
    if multiples is not None:
        targets = to_multiples(own, multiples)
    else:
        targets = to_notes(own, octaves_of(scale, book.sample_rate / 2) if scale else notes or ())
    return told(drawn_to(book, targets, strength, phases == "advanced"), book, context)


def told(heard: Heard, before: Book, context: Context) -> Book:
    """Return the book that is left, and say how many atoms are not."""
    if heard.dropped:
        half = before.sample_rate / 2
        context.note(f"{heard.dropped} of {before.count} atoms would lie above {half:g} Hz and are left out")
    return heard.book
