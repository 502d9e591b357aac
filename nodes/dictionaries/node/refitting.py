"""Weights fitted anew: `dbm_refit`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field

from nodes.dictionaries.announcing import compile_first
from nodes.dictionaries.book import Book
from nodes.dictionaries.operations.facts import form_of
from nodes.dictionaries.rooms import room_for
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.mistakes import MistakeError, mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit, decibels
from pipelines.value import Array

if TYPE_CHECKING:
    from nodes.dictionaries.refitting import Refitted

CLOSE = 0.01
"""Seconds by which durations that are known beforehand may differ; samples are counted when it runs."""

ITERATIONS, TOLERANCE = 100, 0.01
"""Most steps of conjugate gradients, and dB that a step must bring, unless told otherwise."""

Gain = Annotated[float, BeforeValidator(decibels), Field(ge=0, le=60), Unit("dB")]


class Refit(NamedTuple):
    """A book with new weights, and what it leaves of the sound."""

    book: Book
    residual: Audio


def _facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse a sound of another form than the book's; both results are of that form."""
    book, audio = form_of(inputs["book"]), form_of(inputs["audio"])
    for name in ("channels", "duration"):
        if name in book and name in audio and abs(book[name] - audio[name]) > (CLOSE if name == "duration" else 0):
            raise _other(*(f"{name} {each[name]:g}" for each in (audio, book)))
    known = {**book, **audio}
    return {"book": known, "residual": known}


@node(facts=_facts)
def dbm_refit(
    book: Book,
    audio: Audio,
    *,
    iterations: Annotated[int, Field(ge=1, le=10_000)] = ITERATIONS,
    tolerance: Gain = TOLERANCE,
    damping: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = 0.0,
    context: Context,
) -> Refit:
    """Fit the weights of a book to a sound anew, all at once, so that its atoms leave as little as they can.

    A pursuit gives an atom its weight when it is found and never looks back. Least squares on the atoms that it has
    found are the last step of orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad, Asilomar Conference
    1993): the same atoms, in the same order, with other weights and a higher SNR. Atoms that were moved, quantised or
    found in another sound can be fitted as well. Book and residual together are the sound.

    Nearly equal atoms can get large, opposite weights that cancel: "dark energy" (Sturm, Shynk, Daudet and Roads, IEEE
    Transactions on Audio, Speech, and Language Processing 2008), heard as soon as some of them are moved or left out.
    Its level before and after is logged: energies of all atoms over that of their sum, about 0 dB after a pursuit.

    Parameters
    ----------
    book
        The atoms, and the weights to begin with. In a channel in which an atom has a weight of exactly 0 it keeps that.
    audio
        The sound; its form is that of the book.
    iterations
        Most steps of conjugate gradients.
    tolerance
        It ends where a step brings no more than this.
    damping
        What it costs to change a weight: 0 is least squares, 0.01 to 0.1 give up a little of the SNR for much of
        what cancels, and large values leave the book as it is. SNR never falls.

    Raises
    ------
    MistakeError
        Where the sound is not of the book's form, or a sample is NaN or infinite.
    """
    from nodes.dictionaries.pursuit.books import signal_to_noise
    from nodes.values.blocks import require_finite_sound

    own, other = (book.channels, book.samples, book.sample_rate), (*audio.samples.shape, audio.sample_rate)
    if own != other:
        raise _other(*(f"{width} ch × {length} samples at {rate} Hz" for width, length, rate in (other, own)))
    require_finite_sound(audio.samples, audio.sample_rate)
    residual = room_for(context, audio)(audio.samples.shape, np.float32)
    made = refitted(book, audio, residual, context, iterations, tolerance, damping)
    context.log("snr", signal_to_noise(audio.samples, residual))
    for at, level in enumerate((made.before, made.after)):
        if np.isfinite(level):
            context.log("dark_energy", level, at)
    if made.gain > tolerance:
        context.note(f"stopped after {iterations} iterations, the last of which brought {made.gain:.2g} dB")
    return Refit(made.book, Audio(residual, audio.sample_rate, audio.markers))


def refitted(
    book: Book,
    audio: Audio,
    residual: Array,
    context: Context,
    iterations: int = ITERATIONS,
    tolerance: float = TOLERANCE,
    damping: float = 0.0,
) -> "Refitted":
    """Return a book with weights fitted to its sound, and write what is left; shows how it goes on."""
    from nodes.dictionaries.correlating import compile_correlating, correlating_at_hand
    from nodes.dictionaries.refitting import refit

    compile_first(context, correlating_at_hand, compile_correlating)
    show = context.tally("iterations")
    return refit(book, audio.samples, residual, iterations, tolerance, damping, heard=lambda *_: show(1, iterations))


def _other(given: str, allowed: str) -> MistakeError:
    return mistake("the sound is not of this book's form", parameter="audio", given=given, allowed=allowed)
