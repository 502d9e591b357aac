"""What edits and blends need of their statistics; refused in a plan where the plan knows, else later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.bins.model import BinModel
from nodes.textures.editing.classes import COMPLEX, has_sign, named, refuse_unknown
from nodes.textures.editing.models import refuse_channels, refuse_models
from nodes.textures.editing.parameters import BAND, EDIT, ONE
from nodes.textures.editing.reach import able_classes, refuse_unreached
from nodes.textures.model import Domain
from nodes.values.regions import ranges_of
from pipelines.mistakes import mistake, shown
from pipelines.node import Facts
from pipelines.quantities import Envelope

ZERO = Envelope(((0.0, 0.0),))

DOMAINS: Mapping[str, Mapping[str, Domain]] = {model.name: model.domains for model in (AuditoryModel, BinModel)}
"""For each front end the domains of its classes."""


def edit_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse edits of what there is not, as far as it is known; tell what is known of the statistics."""
    known: Facts = inputs["statistics"] or {}
    domains = {n: d for n, d in DOMAINS.get(known.get("model", ""), {}).items() if n in known.get("classes", ())}
    for edit in parameters["edits"]:
        if "classes" in known:
            refuse_unknown(edit.get("class", ()), known["classes"], "edits")
        classes = named(edit.get("class", ()), domains, "edits") if domains else []
        if "axes" in known and ranges_of(edit):
            axes = {name: known["axes"].get(name, {}) for name in classes or known["axes"]}
            refuse_unreached(axes, edit, EDIT, "edits")
            classes = list(able_classes(axes, edit, EDIT, "edits"))
        if domains and edit.get("flip"):
            flippable(edit, classes, domains)
    return {"value": {name: value for name, value in known.items() if name != "kind"}}


def flippable(edit: Mapping[str, Any], classes: Iterable[str], domains: Mapping[str, Domain]) -> list[str]:
    """Return those classes that an edit can flip: that have a sign, or the part that it names.

    Parameters
    ----------
    edit
        As `read_edit` returns it, with 'flip'.
    classes
        What the edit is of.
    domains
        Domain of each class that there is.

    Raises
    ------
    MistakeError
        Where there is none.
    """
    which = edit["flip"]
    able = [n for n, domain in domains.items() if (n in COMPLEX if isinstance(which, str) else has_sign(n, domain))]
    found = [name for name in classes if name in able]
    if not found:
        raise mistake(
            "nothing that this edit is of has a sign" if which is True else f"nothing here has an {which} part",
            parameter="edits",
            given=shown({name: value for name, value in edit.items() if name in ("class", "flip", "rate")}),
            allowed=", ".join(able) or "no class",
        )
    return found


def blend_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse what cannot be blended, as far as it is known; tell channels, classes and axes."""
    inputs_known: Sequence[Facts] = inputs["statistics"] or []
    count = len(inputs_known)
    shares_of(count, parameters["weights"], hybrid=bool(parameters["classes"] or parameters["bands"]))
    refuse_sources(count, parameters["classes"] or {}, parameters["bands"] or [])
    found: dict[str, Any] = {}
    if all("model" in known for known in inputs_known):
        refuse_models([known["model"] for known in inputs_known])
        found["model"] = inputs_known[0]["model"] if inputs_known else None
    channels = [known.get("channels") for known in inputs_known]
    if all(channels):
        refuse_channels([int(each or 0) for each in channels])
        found["channels"] = max(int(each or 0) for each in channels)
    if all("classes" in known for known in inputs_known):
        found["classes"] = max((known["classes"] for known in inputs_known), key=len)
        for name, number in (parameters["classes"] or {}).items():
            refuse_unknown([name], inputs_known[number - 1]["classes"], "classes")
    if all("axes" in known for known in inputs_known):
        found["axes"] = max((known["axes"] for known in inputs_known), key=len)
        for band in parameters["bands"] or []:
            refuse_unreached(found["axes"], band, BAND, "bands")
    return {"value": found}


def shares_of(count: int, weights: Sequence[Envelope] | None, *, hybrid: bool) -> list[Envelope]:
    """Return the share of each input: as given, else even, else, where parts are taken from others, all of the first.

    Raises
    ------
    MistakeError
        Where there is no input, not one weight for each, or a time at which all weights are 0.
    """
    if not count:
        raise mistake("there is nothing to blend", parameter="statistics", given="no input", allowed="one or more")
    if weights is None:
        return [ONE, *([ZERO if hybrid else ONE] * (count - 1))]
    if len(weights) != count:
        raise mistake(
            "there must be one weight for each input",
            parameter="weights",
            given=f"{len(weights)} for {count} inputs",
            allowed=f"{count}, each a number or an envelope",
        )
    places = sorted({time for weight in weights for time, _ in weight.points})
    totals = np.sum([weight.at(places) for weight in weights], axis=0)
    if not (totals > 0).all():
        raise mistake(
            "all weights are 0 at one time",
            parameter="weights",
            given=f"0 for every input at {places[int(np.argmin(totals))]:g} s",
            allowed="at least one above 0 at every time",
        )
    return list(weights)


def refuse_sources(count: int, classes: Mapping[str, int], bands: Iterable[Mapping[str, Any]]) -> None:
    """Refuse parts from an input that there is not."""
    named = [("classes", number) for number in classes.values()] + [("bands", band["from"]) for band in bands]
    for parameter, number in named:
        if not 1 <= number <= count:
            raise mistake(
                f"there is no input {number}",
                parameter=parameter,
                given=str(number),
                allowed=f"1 to {count}, in the order of statistics" if count > 1 else "1, the only input",
            )
