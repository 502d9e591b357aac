"""A sound as atoms: `dbm_decompose`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field

from nodes.dictionaries.announcing import compile_first
from nodes.dictionaries.book import Book
from nodes.dictionaries.operations.facts import FORM
from nodes.dictionaries.windows import Window
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit, decibels

SHORTEST, LONGEST = 32, 65536
"""Samples of a scale."""

SNR = 40.0
"""Where the pursuit stops unless told otherwise, in dB."""

RATE, FEWEST = 10_000.0, 1000
"""Most atoms a second unless told otherwise; no less than `FEWEST` in all."""

LARGE = 2**28
"""Bytes of a residual from which on it lies on disk."""

Scale = Annotated[int, Field(ge=SHORTEST, le=LONGEST)]
Scales = Annotated[list[Scale], Field(min_length=1, max_length=12), Unit("samples")]
Overlap = Literal[2, 4, 8, 16]
Ratio = Annotated[float, BeforeValidator(decibels), Field(gt=0, le=120), Unit("dB")]
Atoms = Annotated[int, Field(ge=0), Unit("atoms")]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False), Unit("atoms a second")]


class Decomposition(NamedTuple):
    """A sound as atoms, and what they leave."""

    book: Book
    residual: Audio


def _facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse scales that do not work; book and residual have the sound's rate, channels and duration."""
    refuse_scales(parameters["scales"], parameters["overlap"])
    known: Facts = inputs["audio"] or {}
    kept = {name: value for name, value in known.items() if name in FORM}
    return {"book": kept, "residual": kept}


@node(facts=_facts)
def dbm_decompose(
    audio: Audio,
    *,
    scales: Scales = [512, 1024, 2048, 4096, 8192],  # noqa: B006
    window: Window = "blackman",
    overlap: Overlap = 4,
    snr: Ratio | None = None,
    atoms: Atoms | None = None,
    rate: Rate | None = None,
    channels: Literal["together", "apart"] = "together",
    context: Context,
) -> Decomposition:
    """Decompose a sound into atoms, by matching pursuit: short windowed sinusoids, the strongest first.

    Each atom is a window of one of the scales with a sinusoid in it, and that one of all which takes most energy out
    of what is left of the sound (Mallat and Zhang, IEEE Transactions on Signal Processing 1993). Long scales find
    tones, short ones attacks. It stops at the first limit that is reached: `snr`, `atoms` or `rate`. Where none is
    given, at 40 dB or 10 000 atoms a second. Book and residual together are the sound.

    Atoms are found in the order of their energy, but for steps of 1 dB within which it goes by stretches of time; SNR
    at any number of atoms is that of the exact order within 0.1 dB. Sounds of more than a minute or so go block by
    block: limits then hold for each block by its share of the time.

    Parameters
    ----------
    audio
        A sound of any length, without NaN.
    scales
        Lengths of windows, powers of 2. Small ones follow attacks, large ones resolve tones.
    window
        Blackman and hann are fast and clean; gamma atoms begin at once and die away, as struck sounds do;
        reversed_gamma the other way round. Rectangular ones are slow to find.
    overlap
        Windows that cover each moment at each scale: more of them fit better and take longer.
    snr
        Energy of the sound over that of the residual; of each channel where channels are apart.
    atoms
        Atoms in all; in each channel where channels are apart.
    rate
        Atoms for each second of the sound; in each channel where channels are apart.
    channels
        'together' gives each atom a weight in every channel and chooses by the energy of all; 'apart' decomposes
        each channel by itself, and each atom is heard in one channel only.

    Raises
    ------
    MistakeError
        Where a scale is no power of 2 or given twice, is less than twice the overlap, or a sample is NaN or infinite.
    """
    refuse_scales(scales, overlap)
    from nodes.dictionaries.pursuit import books
    from nodes.dictionaries.pursuit.dictionary import dictionary_of
    from nodes.values.blocks import require_finite_sound

    require_finite_sound(audio.samples, audio.sample_rate)
    compile_first(context, books.compiled_at_hand, books.compile_all)
    most, ratio = limits_of(audio.duration, snr, atoms, rate)
    large = audio.samples.nbytes >= LARGE
    residual = context.array(audio.samples.shape, np.float32) if large else np.zeros_like(audio.samples)
    dictionary = dictionary_of(tuple(sorted(scales)), window, overlap, books.THRESHOLD)
    heard = context.tally("atoms")
    made = books.book_of(audio.samples, audio.sample_rate, dictionary, most, ratio, channels, residual, heard=heard)
    reached = books.signal_to_noise(audio.samples, residual)
    context.log("snr", reached)
    if made.stalled:
        context.note(f"more atoms did not take more energy away: stopped at {made.book.count}, {reached:.1f} dB")
    elif snr is None and atoms is None and rate is None and reached < SNR - 0.05:
        context.note(f"stopped at {made.book.count} atoms, {reached:.1f} dB: give snr, atoms or rate for more")
    return Decomposition(made.book, Audio(residual, audio.sample_rate, audio.markers))


def limits_of(duration: float, snr: float | None, atoms: int | None, rate: float | None) -> tuple[int, float]:
    """Return the most atoms, and the SNR in dB at which to stop though there are fewer."""
    if snr is None and atoms is None and rate is None:
        return max(FEWEST, round(RATE * duration)), SNR
    counts = [atoms] if atoms is not None else []
    counts += [round(rate * duration)] if rate is not None else []
    most = min(counts) if counts else 2**62
    return most, 200.0 if snr is None else snr


def refuse_scales(scales: list[int], overlap: int) -> None:
    """Refuse scales that are no powers of 2, too short for so many windows, or given twice."""
    for scale in scales:
        if scale & (scale - 1):
            raise mistake(
                "a scale must be a power of 2", parameter="scales", given=str(scale), allowed="32, 64, … 65536"
            )
        if scale < 2 * overlap:
            raise mistake(
                "a scale is too short for so many windows",
                parameter="scales",
                given=str(scale),
                allowed=f"{2 * overlap} or more",
            )
    if len(set(scales)) < len(scales):
        raise mistake("each scale counts once", parameter="scales", given=str(scales), allowed="scales that differ")
