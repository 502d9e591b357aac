"""A sound through the atoms of another one's book: `dbm_guide`."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field

from nodes.dictionaries.announcing import compile_first
from nodes.dictionaries.book import Book
from nodes.dictionaries.node.decomposing import Ratio
from nodes.dictionaries.operations.facts import form_of
from nodes.dictionaries.rooms import room_for
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit, decibels

Improvement = Annotated[float, BeforeValidator(decibels), Field(ge=0, le=20), Unit("dB")]


class Guided(NamedTuple):
    """A sound through given atoms, and what they leave."""

    book: Book
    residual: Audio


def _facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return rate, channels and duration of the sound, for its book and its residual."""
    return dict.fromkeys(Guided._fields, form_of(inputs["audio"]))


@node(facts=_facts)
def dbm_guide(
    book: Book,
    audio: Audio,
    *,
    passes: Annotated[int, Field(ge=1, le=50)] = 1,
    snr: Ratio | None = None,
    improvement: Improvement = 0.05,
    context: Context,
) -> Guided:
    """Give the atoms of a book the weights that they have in another sound: that sound in the words of the book.

    The atoms are gone through in the order of the book, and each takes as much out of what is left of the sound as it
    can. Further passes go over what is left, and bring the weights nearer to the best ones that there are for these
    atoms, but these cancel each other more and more, which is heard where they are moved. Book and residual together
    are the sound. Of a sound that is unlike the book's one little is heard in the book, and most in the residual.

    This is matching pursuit (Mallat and Zhang 1993) among given atoms in a given order. Collins and Sturm (ICMC 2011)
    made cross-synthesis of dictionary-based models; this node and its name are our own.

    Parameters
    ----------
    book
        Whose atoms are taken, in its order; any book, also an edited one. Its own weights, channels and length do not
        count.
    audio
        The sound that is weighed; it gives channels and length. An atom of which less than a hundredth lies within it
        has no weight.
    passes
        Most passes through the atoms.
    snr
        Energy of the sound over that of the residual from which on there is no further pass.
    improvement
        There is no further pass either after one that raised the SNR by less.

    Raises
    ------
    MistakeError
        Where the sample rates differ, or a sample is NaN or infinite.
    """
    if book.sample_rate != audio.sample_rate:
        raise mistake(
            "the sound has another sample rate than the book",
            parameter="audio",
            given=f"{audio.sample_rate} Hz",
            allowed=f"{book.sample_rate} Hz",
        )
    from nodes.dictionaries import guiding
    from nodes.dictionaries.pursuit.blocks import energy_in
    from nodes.values.blocks import require_finite_sound, spans

    require_finite_sound(audio.samples, audio.sample_rate)
    compile_first(context, guiding.compiled_at_hand, guiding.compile_all)
    room = room_for(context, audio)
    whole, left = energy_in(audio.samples), room(audio.samples.shape, np.float64)
    weights = np.zeros((audio.channels, book.count), np.complex64)
    ratios = [0.0]

    def enough(energy: float) -> bool:
        ratios.append(10 * math.log10(whole / energy) if energy else math.inf)
        context.log("snr", ratios[-1], len(ratios) - 1)
        there = energy == 0 or (snr is not None and ratios[-1] >= snr)
        return there or ratios[-1] - ratios[-2] < improvement

    guiding.guide(book, audio.samples, weights, left, passes, enough, heard=context.tally("atoms"))
    residual = room(audio.samples.shape, np.float32)
    for start, stop in spans(audio.length):
        residual[:, start:stop] = left[:, start:stop]
    return Guided(
        replace(book, weights=weights, samples=audio.length), Audio(residual, audio.sample_rate, audio.markers)
    )
