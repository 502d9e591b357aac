"""How good separated sounds are: `evaluate_separation`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, WithJsonSchema

from nodes.separation_quality.value import SeparationQuality
from nodes.values.audio import Audio, Takes, flatten
from nodes.values.plain import Text
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit, seconds

LARGEST = 8192
"""Most unknowns of a filter: sources × channels × taps. A matrix of that many rows and columns is 0.5 GB."""

Window = Annotated[
    float,
    BeforeValidator(seconds),
    Field(gt=0, allow_inf_nan=False),
    Unit("s"),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]


class Evaluation(NamedTuple):
    """The ratios, and the same as CSV and as a text."""

    value: SeparationQuality
    csv: Text
    text: Text


def _facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse sounds that cannot be compared, as far as they are known."""
    estimates, references = (inputs[name] or [] for name in ("estimates", "references"))
    if all(known.get("kind") == "Audio" for known in [*estimates, *references]):
        _refuse_counts(len(estimates), len(references), parameters["names"])
    channels = {known["channels"] for known in [*estimates, *references] if known.get("channels")}
    if len(channels) > 1:
        raise _other_form("channels", channels)
    if channels and len(references):
        _refuse_filters(len(references), min(channels), parameters["taps"])
    return {}


@node(facts=_facts)
def evaluate_separation(
    estimates: list[Audio | Takes],
    references: list[Audio | Takes],
    *,
    names: list[str] | None = None,
    window: Window = 1.0,
    hop: Window | None = None,
    taps: Annotated[int, Field(ge=1, le=4096), Unit("samples")] = 512,
    context: Context,
) -> Evaluation:
    """Compare separated sounds with the true ones: SDR, ISR, SIR and SAR (BSS Eval 4), SI-SDR, and gains over the mix.

    The first estimate is of the first reference, and so on. BSS Eval (Vincent, Gribonval and Févotte, IEEE TASLP 14,
    2006; version 4: Stöter, Liutkus and Ito, "The 2018 signal separation evaluation campaign", LVA/ICA 2018) fits
    filters over all of the sound which make of the reference alone, and of all references, what is nearest to an
    estimate:

    - SDR, source to distortion: everything that differs from the reference is wrong.
    - ISR, image to spatial distortion: what filters made of the reference is wrong.
    - SIR, source to interference: what comes from other references is wrong.
    - SAR, sources to artefacts: what comes from no reference is wrong.

    Ratios are taken over windows that lie whole in the sound; campaigns report the median. A window in which any
    reference or estimate is silent counts for none of them. SI-SDR (Le Roux, Wisdom, Erdogan and Hershey, ICASSP 2019)
    allows for a wrong level. Over all of the sound uSDR is the plain ratio of signal to error (Mitsufuji et al., "Music
    demixing challenge 2021"). Gains say how much better estimates are than the mix, the sum of the references.

    Parameters
    ----------
    estimates
        What was separated; takes count as that many sounds.
    references
        The true sounds, as many as estimates, of the same rate, channels and length.
    names
        What the sources are called; labels of takes, or numbers, unless given.
    window
        Length of a window.
    hop
        Distance of windows; their length unless given.
    taps
        Length of the filters.

    Raises
    ------
    MistakeError
        Where the sounds do not go together, are empty, hold NaN or infinity, or there are too many channels.
    """
    from nodes.separation_quality.scoring import scores_of, whole_scores, windows_of
    from nodes.separation_quality.table import as_csv, as_text

    given, wanted = flatten(estimates), flatten(references)
    _refuse_counts(len(given), len(wanted), names)
    _refuse_forms(given, wanted)
    _refuse_filters(len(wanted), wanted[0].channels, taps)
    rate, length = wanted[0].sample_rate, wanted[0].length
    size = max(1, round(window * rate))
    windows = windows_of(length, size, size if hop is None else max(1, round(hop * rate)))
    sounds = [each.samples for each in wanted], [each.samples for each in given]
    over_windows = scores_of(*sounds, windows, taps, context.tally("windows"))
    times = np.mean(windows, axis=1) / rate
    value = SeparationQuality(_names(names, references), over_windows, whole_scores(*sounds), times)
    return Evaluation(value, Text(as_csv(value), "csv"), Text(as_text(value)))


def _names(names: list[str] | None, references: list[Audio | Takes]) -> tuple[str, ...]:
    if names is not None:
        return tuple(names)
    labels = [label for each in references for label in (each.labels if isinstance(each, Takes) else ("",))]
    return tuple(label or str(number) for number, label in enumerate(labels, 1))


def _refuse_counts(estimates: int, references: int, names: list[str] | None) -> None:
    if estimates != references or not references:
        raise mistake(
            "each estimate needs its reference",
            parameter="estimates",
            given=f"{estimates} estimates and {references} references",
            allowed="as many of one as of the other, in the same order",
        )
    if names is not None and len(names) != references:
        raise mistake(
            "each source needs its name",
            parameter="names",
            given=f"{len(names)} names of {references} sources",
            allowed=f"{references} names",
        )


def _refuse_forms(given: Sequence[Audio], wanted: Sequence[Audio]) -> None:
    """Refuse sounds of different forms, and samples that are no numbers."""
    from nodes.values.blocks import require_finite_sound

    sounds = [*wanted, *given]
    for what in ("sample_rate", "channels", "length"):
        found = {getattr(sound, what) for sound in sounds}
        if len(found) > 1:
            raise _other_form(what, found)
    if not wanted[0].length:
        raise mistake("the sounds are empty", parameter="references", given="0 samples", allowed="1 or more")
    for name, each in (("a reference", wanted), ("an estimate", given)):
        for sound in each:
            require_finite_sound(sound.samples, sound.sample_rate, name)


def _other_form(what: str, found: set[int]) -> Exception:
    return mistake(
        "the sounds cannot be compared sample by sample",
        parameter="estimates",
        given=f"{what.replace('_', ' ')}: {', '.join(map(str, sorted(found)))}",
        allowed="one for all estimates and references",
    )


def _refuse_filters(sources: int, channels: int, taps: int) -> None:
    if sources * channels * taps > LARGEST:
        raise mistake(
            "there are too many filters to be fitted at once",
            parameter="taps",
            given=f"{sources} sources × {channels} channels × {taps} taps",
            allowed=f"{LARGEST // (sources * channels)} taps with these sounds",
            hint="shorter filters, or fewer channels",
        )
