"""A sound as atoms: `dbm_decompose`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field

from nodes.dictionaries.announcing import compile_first
from nodes.dictionaries.book import Book
from nodes.dictionaries.node.refitting import refitted
from nodes.dictionaries.operations.facts import form_of
from nodes.dictionaries.rooms import room_for
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

MOST = 2 * 10**9
"""Bytes of memory in which products of atoms are made; that many take 5 to 10 s."""

Scale = Annotated[int, Field(ge=SHORTEST, le=LONGEST)]
Scales = Annotated[list[Scale], Field(min_length=1, max_length=12), Unit("samples")]
Overlap = Literal[2, 4, 8, 16]
Oversampling = Literal[1, 2, 4, 8]
Grid = Annotated[int, Field(ge=0, lt=2**63)]
Ratio = Annotated[float, BeforeValidator(decibels), Field(gt=0, le=120), Unit("dB")]
Floor = Annotated[float, BeforeValidator(decibels), Field(ge=-200, le=0), Unit("dB")]
Atoms = Annotated[int, Field(ge=0), Unit("atoms")]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False), Unit("atoms a second")]


class Decomposition(NamedTuple):
    """A sound as atoms, and what they leave."""

    book: Book
    residual: Audio


def _facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse scales that do not work; book and residual have the sound's rate, channels and duration."""
    refuse_scales(*(parameters[name] for name in ("scales", "overlap", "window", "oversampling")))
    return dict.fromkeys(Decomposition._fields, form_of(inputs["audio"]))


@node(facts=_facts)
def dbm_decompose(
    audio: Audio,
    *,
    scales: Scales = [512, 1024, 2048, 4096, 8192],  # noqa: B006
    window: Window = "blackman",
    overlap: Overlap = 4,
    oversampling: Oversampling = 1,
    grid: Grid | None = None,
    snr: Ratio | None = None,
    atoms: Atoms | None = None,
    rate: Rate | None = None,
    floor: Floor | None = None,
    channels: Literal["together", "apart"] = "together",
    refit: bool = False,
    context: Context,
) -> Decomposition:
    """Decompose a sound into atoms, by matching pursuit: short windowed sinusoids, the strongest first.

    Each atom is a window of one of the scales with a sinusoid in it, and that one of all which takes most energy out of
    what is left of the sound (Mallat and Zhang, IEEE Transactions on Signal Processing 1993). Long scales find tones,
    short ones attacks. It stops at the first limit that is reached: `snr`, `atoms`, `rate` or `floor`. Where none is
    given, at 40 dB or 10 000 atoms a second. Book and residual together are the sound.

    Atoms are found in the order of their energy, but for steps of 1 dB within which it goes by stretches of time; SNR
    at any number of atoms is that of the exact order within 0.1 dB. Long sounds go block by block, so that memory does
    not grow: of some 110 s at 44.1 kHz and the usual scales, divided by the number of channels. Blocks share the limits
    by their energies, about as if there were none.

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
    oversampling
        Frequencies of atoms for each sample of their windows: with 2, half-way between those of 1 there are others.
        With 2 mostly 0.1 to 1.7 dB more SNR in 1.5 to 2 times the time; with 4 or 8 a little more.
    grid
        Atoms of a scale begin on a grid, a window's length over `overlap` apart. With a number it moves at random as
        the residual falls, all scales together; each number gives another book of the same sound, about as good. After
        the random subdictionaries of Moussallam, Daudet and Richard (Signal Processing 2012).
    snr
        Energy of the sound over that of the residual; of each channel where channels are apart.
    atoms
        Atoms in all; in each channel where channels are apart.
    rate
        Atoms for each second of the sound, which need not be spread evenly; in each channel where channels are apart.
    floor
        Energy a second that may be left, as a level of the residual: -60 dB is 60 dB below a square wave at full scale.
    channels
        'together' gives each atom a weight in every channel and chooses by the energy of all; 'apart' decomposes
        each channel by itself, and each atom is heard in one channel only.
    refit
        Fit all weights again at the end as `dbm_refit` does: 0.1 to 2 dB more SNR, in about 4 to 8 times the time.

    Raises
    ------
    MistakeError
        Where a scale is no power of 2 or given twice, is less than twice the overlap, scales are too far apart, or a
        sample is NaN or infinite.
    """
    refuse_scales(scales, overlap, window, oversampling)
    from nodes.dictionaries.pursuit import books
    from nodes.dictionaries.pursuit.dictionary import dictionary_of
    from nodes.dictionaries.pursuit.searching import course_of
    from nodes.dictionaries.pursuit.sizes import THRESHOLD
    from nodes.values.blocks import require_finite_sound

    require_finite_sound(audio.samples, audio.sample_rate)
    compile_first(context, books.compiled_at_hand, books.compile_all)
    most, ratio = limits_of(audio.duration, snr, atoms, rate, floor)
    residual = room_for(context, audio)(audio.samples.shape, np.float32)
    dictionary = dictionary_of(tuple(sorted(scales)), window, overlap, THRESHOLD, oversampling)
    course, heard = course_of(grid), context.tally("atoms")
    least = 0.0 if floor is None else 10 ** (floor / 10)
    made = books.book_of(
        audio.samples, audio.sample_rate, dictionary, most, ratio, channels, residual, course, heard, least
    )
    reached = books.signal_to_noise(audio.samples, residual)
    context.log("snr", reached)
    if made.stalled:
        context.note(f"more atoms did not take more energy away: stopped at {made.book.count}, {reached:.1f} dB")
    elif snr is None and atoms is None and rate is None and floor is None and reached < SNR - 0.05:
        context.note(f"stopped at {made.book.count} atoms, {reached:.1f} dB: give snr, atoms or rate for more")
    book = made.book
    if refit:
        book = refitted(book, audio, residual, context).book
        context.log("snr", books.signal_to_noise(audio.samples, residual), 1)
    return Decomposition(book, Audio(residual, audio.sample_rate, audio.markers))


def limits_of(
    duration: float, snr: float | None, atoms: int | None, rate: float | None, floor: float | None = None
) -> tuple[int, float]:
    """Return the most atoms, and the SNR in dB at which to stop though there are fewer."""
    if snr is None and atoms is None and rate is None and floor is None:
        return max(FEWEST, round(RATE * duration)), SNR
    counts = [atoms] if atoms is not None else []
    counts += [round(rate * duration)] if rate is not None else []
    most = min(counts) if counts else 2**62
    return most, 200.0 if snr is None else snr


def refuse_scales(scales: list[int], overlap: int, window: str, oversampling: int) -> None:
    """Refuse scales that are no powers of 2, too short for so many windows, given twice, or too far apart."""
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
    from nodes.dictionaries.pursuit.sizes import kernel_bytes

    needed = kernel_bytes(scales, window, overlap, oversampling)
    if needed > MOST:
        raise mistake(
            "the scales are too far apart for so many atoms",
            parameter="scales",
            given=f"{min(scales)} to {max(scales)}: {needed / 1e9:.1f} GB of products of atoms",
            allowed=f"{MOST / 1e9:.0f} GB, of which 64 to 32768 take 1.7 with overlap 8 and oversampling 1",
            hint="leave out the shortest scale or the longest one, or take less overlap or oversampling",
        )
