"""What is known of books that operations make, before they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pipelines.mistakes import mistake
from pipelines.node import Facts
from pipelines.quantities import Envelope

FORM = ("sample_rate", "channels", "duration")


def form_of(known: Facts | None) -> Facts:
    """Return what is known of the sample rate, the channels and the duration of a book or a sound."""
    return {name: known[name] for name in FORM if name in known} if known else {}


def same_form(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the channels and the duration of a book, for a book or a sound of the same."""
    return {"value": _form(inputs)}


def parted_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the channels and the duration of both parts of a book."""
    return dict.fromkeys(("yes", "no"), _form(inputs))


def filter_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of both parts; refuse a filter without a range."""
    asked_ranges(parameters)
    return parted_facts(inputs, parameters)


def limit_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of both parts; refuse a limit without a number."""
    refuse_no_limit(parameters["atoms"], parameters["per_second"])
    return parted_facts(inputs, parameters)


def split_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of both parts; refuse edges that do not rise, and layers beyond them."""
    refuse_layers(parameters["edges"], parameters["layer"])
    return parted_facts(inputs, parameters)


def layers_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of takes; refuse edges that do not rise."""
    refuse_layers(parameters["edges"], None)
    return same_form(inputs, parameters)


def quantise_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of a book; refuse no aim, and several."""
    asked_aim({name: parameters[name] for name in ("multiples", "notes", "scale")})
    return same_form(inputs, parameters)


def scrub_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of a book that is scrubbed, and its duration."""
    return {"value": {**_form(inputs), "duration": scrub_duration(parameters["position"], parameters["duration"])}}


def stretch_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of a stretched book, without its duration where that takes an integral."""
    form, factor = dict(_form(inputs)), parameters["factor"]
    duration = form.pop("duration", None)
    if duration is not None and factor.constant:
        form["duration"] = duration * factor.points[0][1]
    return {"value": form}


def pad_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of a padded book."""
    form, rate = dict(_form(inputs)), (inputs["book"] or {}).get("sample_rate")
    if "duration" in form and rate:
        form["duration"] += sum(round(parameters[name] * rate) / rate for name in ("before", "after"))
    return {"value": form}


def _form(inputs: Mapping[str, Any]) -> Facts:
    return form_of(inputs["book"])


def asked_ranges(ranges: Mapping[str, Any]) -> dict[str, Sequence[float | None]]:
    """Return the ranges that were given.

    Raises
    ------
    MistakeError
        Where there is none.
    """
    names = ("scale", "samples", "time", "frequency", "energy", "rank", "order")
    found = {name: ranges[name] for name in names if ranges[name] is not None}
    if not found:
        raise mistake("a filter needs a range", allowed=", ".join(names), hint="frequency: [2 kHz, null]")
    return found


def refuse_no_limit(atoms: int | None, per_second: Envelope | None) -> None:
    """Refuse a limit without a number."""
    if atoms is None and per_second is None:
        raise mistake("a limit needs a number of atoms", allowed="atoms, per_second, or both")


def refuse_layers(edges: Sequence[int] | None, layer: int | None) -> None:
    """Refuse edges that do not rise, and a layer that edges do not make."""
    if edges is None:
        return
    if edges and edges[0] < 2:
        raise mistake(
            "the first layer would be empty", parameter="edges", given=str(edges), allowed="2 samples or more"
        )
    if any(after <= before for before, after in pairwise(edges)):
        raise mistake("the edges of layers must rise", parameter="edges", given=str(edges))
    if layer is not None and layer > len(edges) + 1:
        raise mistake("there are fewer layers", parameter="layer", given=str(layer), allowed=f"1 to {len(edges) + 1}")


def asked_aim(aims: Mapping[str, Any]) -> str:
    """Return the name of the one aim that was given.

    Raises
    ------
    MistakeError
        Where there is none, or more than one.
    """
    given = [name for name, aim in aims.items() if aim is not None]
    if len(given) != 1:
        text = "frequencies need something to go to" if not given else "frequencies can go to one thing"
        raise mistake(text, given=", ".join(given), allowed=f"one of {', '.join(aims)}")
    return given[0]


def scrub_duration(position: Envelope, duration: float | None) -> float:
    """Return the seconds of what is scrubbed: those asked for, or up to the last point of the position.

    Raises
    ------
    MistakeError
        Where there are none.
    """
    seconds = position.points[-1][0] if duration is None else duration
    if seconds <= 0:
        raise mistake(
            "it is not known how long this is to last",
            parameter="duration",
            hint="give a duration above 0, or a position with points, as [[0, 0], [0:10, 0:04]]",
        )
    return seconds
