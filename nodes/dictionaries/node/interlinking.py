"""Two sounds as the same atoms: `dbm_interlink`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from nodes.dictionaries.announcing import compile_first
from nodes.dictionaries.book import Book
from nodes.dictionaries.node.decomposing import (
    Atoms,
    Grid,
    Overlap,
    Oversampling,
    Rate,
    Ratio,
    Scales,
    limits_of,
    refuse_scales,
)
from nodes.dictionaries.operations.facts import form_of
from nodes.dictionaries.rooms import room_for
from nodes.dictionaries.windows import Window
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit

Balance = Annotated[float, Field(ge=0, le=1), Unit("0 to 1")]


class Interlinking(NamedTuple):
    """Two sounds as the same atoms, and what these leave of each."""

    a: Book
    b: Book
    residual_a: Audio
    residual_b: Audio


def _facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse what does not work; each book and residual has rate, channels and duration of its sound."""
    refuse_scales(*(parameters[name] for name in ("scales", "overlap", "window", "oversampling")))
    _refuse_balance(parameters["mode"], parameters["balance"])
    known = {name: form_of(inputs[name]) for name in "ab"}
    return {**known, **{f"residual_{name}": form for name, form in known.items()}}


@node(facts=_facts)
def dbm_interlink(
    a: Audio,
    b: Audio,
    *,
    mode: Literal["lead", "alternate", "joint"] = "alternate",
    balance: Balance | None = None,
    scales: Scales = [512, 1024, 2048, 4096, 8192],  # noqa: B006
    window: Window = "blackman",
    overlap: Overlap = 4,
    oversampling: Oversampling = 1,
    grid: Grid | None = None,
    snr: Ratio | None = None,
    atoms: Atoms | None = None,
    rate: Rate | None = None,
    context: Context,
) -> Interlinking:
    """Decompose two sounds into the same atoms, in the same order, each with weights of its own.

    Each atom is chosen by one sound or by both, and taken out of both: of each as much as it has of it. So the books
    can lend each other their weights, atom by atom, and each with its residual is its sound. The shorter sound counts
    as silent after its end.

    Matching pursuit is by Mallat and Zhang (1993). One atom for several signals with a weight for each is simultaneous
    matching pursuit, as in the literature (Gribonval 2002 for stereo; Tropp, Gilbert and Strauss 2006). Collins and
    Sturm (ICMC 2011) made cross-synthesis of dictionary-based models; this node, its modes and their names are our own.

    Parameters
    ----------
    a, b
        Two sounds of one sample rate; their channels and lengths may differ.
    mode
        Who chooses. 'alternate': sweeps take turns, in one of them a chooses, in the next b; the books that serve both
        sounds. 'lead': a alone, and b is heard through the atoms of a, as through a filter. 'joint': both at once, by
        the energy that an atom takes from each, as a share of the energy of that sound; these serve both as well.
    balance
        How much a counts beside b: of 'alternate' the share of sweeps in which a chooses, of 'joint' its weight. At 1
        only a counts, at 0 only b; 0.5 unless given. Not for 'lead'.
    scales, window, overlap, oversampling, grid
        Those of `dbm_decompose`.
    snr
        Energy of a sound over that of its residual: of a for 'lead', of each for 'alternate', and one that is there
        leaves the choice to the other; for 'joint' that of both together, by their balance.
    atoms
        Atoms in all.
    rate
        Atoms for each second of the longer sound.

    Raises
    ------
    MistakeError
        Where the sample rates differ, 'lead' is given a balance, a scale does not work as in `dbm_decompose`, or a
        sample is NaN or infinite.
    """
    refuse_scales(scales, overlap, window, oversampling)
    _refuse_balance(mode, balance)
    _refuse_rates(a, b)
    from nodes.dictionaries import interlinking
    from nodes.dictionaries.pursuit.books import signal_to_noise
    from nodes.dictionaries.pursuit.dictionary import dictionary_of
    from nodes.dictionaries.pursuit.searching import course_of
    from nodes.dictionaries.pursuit.sizes import THRESHOLD
    from nodes.values.blocks import require_finite_sound

    for name, audio in (("a", a), ("b", b)):
        require_finite_sound(audio.samples, audio.sample_rate, f"the sound {name}")
    compile_first(context, interlinking.compiled_at_hand, interlinking.compile_all)
    limits = limits_of(max(a.duration, b.duration), snr, atoms, rate)
    made = interlinking.interlinked(
        a.samples,
        b.samples,
        a.sample_rate,
        dictionary_of(tuple(sorted(scales)), window, overlap, THRESHOLD, oversampling),
        limits,
        mode,
        0.5 if balance is None else balance,
        course_of(grid),
        heard=context.tally("atoms"),
        room=room_for(context, a, b),
    )
    pairs = (("a", a.samples, made.residual_a), ("b", b.samples, made.residual_b))
    reached = {name: signal_to_noise(samples, residual) for name, samples, residual in pairs}
    for name, ratio in reached.items():
        context.log(f"snr_{name}", ratio)
    text = f"stopped at {made.a.count} atoms, " + ", ".join(f"{name} {ratio:.1f} dB" for name, ratio in reached.items())
    if made.stalled:
        context.note(f"more atoms did not take more energy away: {text}")
    elif snr is None and atoms is None and rate is None and made.a.count >= limits[0]:
        context.note(f"{text}: give snr, atoms or rate for more")
    residuals = [
        Audio(residual, audio.sample_rate, audio.markers)
        for residual, audio in ((made.residual_a, a), (made.residual_b, b))
    ]
    return Interlinking(made.a, made.b, *residuals)


def _refuse_balance(mode: str, balance: float | None) -> None:
    if mode == "lead" and balance is not None:
        raise mistake(
            "where a leads, nothing is balanced",
            parameter="balance",
            given=f"{balance:g}",
            hint="leave it out, or take mode: joint",
        )


def _refuse_rates(a: Audio, b: Audio) -> None:
    if a.sample_rate != b.sample_rate:
        raise mistake(
            "the sounds have several sample rates",
            parameter="b",
            given=f"{a.sample_rate} Hz, {b.sample_rate} Hz",
            allowed="one sample rate",
        )
