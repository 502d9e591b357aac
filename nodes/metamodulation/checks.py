"""What the edits need of the scatterings that they are made on; refused in a plan where the plan knows, else later."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from nodes.metamodulation.parameters import REGION
from nodes.scattering.value import Scattering
from nodes.values.regions import Axes, no_path, ranges_of, reached
from pipelines.mistakes import mistake, shown
from pipelines.node import Facts
from pipelines.quantities import Envelope

SIGNED = ("transpose_scale", "spin")
"""Parameters that need scales."""

SECOND = ("transpose_rate", *SIGNED, "blur_order2", "hybrid")
"""Parameters that need a second order."""


def metamodulate_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse what cannot go together, as far as it is known; tell what is known of the scattering."""
    known, other = inputs["scattering"] or {}, inputs.get("other")
    refuse_lone_hybrid(other is not None, parameters["hybrid"], parameters["levels"])
    asked = [*asked_for(parameters), *(["hybrid"] if other is not None else [])]
    if "classes" in known and "order2" not in known["classes"]:
        refuse_missing_order(asked, parameters["gains"] or [])
    if known.get("scattering") == "time":
        refuse_missing_scales(asked, parameters["gains"] or [])
    for name, unit in (("sample_rate", " Hz"), ("scattering", "")):
        both = known.get(name), (other or {}).get(name)
        if None not in both and both[0] != both[1]:
            raise _different("kind" if name == "scattering" else name, f"{both[0]}{unit}", f"{both[1]}{unit}")
    if known.get("channels") and (other or {}).get("channels"):
        _refuse_other_channels(known["channels"], (other or {})["channels"])
    lengths = [round(each["duration"] * each["sample_rate"]) for each in (known, other or {}) if "duration" in each]
    if len(lengths) == 2:
        _refuse_other_length(lengths[0], lengths[1], known["sample_rate"])
    for region in parameters["gains"] or [] if "axes" in known else []:
        refuse_unreached(region, known["axes"])
    return {"value": {name: value for name, value in known.items() if name != "kind"}}


def asked_for(parameters: Mapping[str, Any]) -> list[str]:
    """Return the names of the envelopes that change something."""
    neutral = {"spin": 1.0}
    given = {name: value for name, value in parameters.items() if isinstance(value, Envelope)}
    return [n for n, v in given.items() if not (v.constant and v.points[0][1] == neutral.get(n, 0.0))]


def refuse_lone_hybrid(other: bool, hybrid: Envelope | None, levels: str | None) -> None:
    """Refuse parameters of a hybrid where there is no second scattering."""
    for name, value in (("hybrid", hybrid), ("levels", levels)):
        if value is not None and not other:
            raise mistake(
                "a hybrid needs a second scattering",
                parameter=name,
                given=shown(value),
                allowed="only with the port other",
                hint=f"name the step whose modulations are wanted as other, or leave {name} out",
            )


def refuse_missing_order(asked: Collection[str], gains: Sequence[Mapping[str, Any]]) -> None:
    """Refuse edits of a second order that a scattering does not have."""
    for name in [name for name in SECOND if name in asked] + ["gains"] * any("rate" in region for region in gains):
        raise mistake(
            "the scattering has no second order, and so no modulations",
            parameter=name,
            allowed="a scattering with order 2",
            hint="give scatter `orders: 2`, and rates that are slower than the bands are wide",
        )


def refuse_missing_scales(asked: Collection[str], gains: Sequence[Mapping[str, Any]]) -> None:
    """Refuse edits of scales and of their sign where a scattering has none."""
    for name in [name for name in SIGNED if name in asked] + ["gains"] * any("scale" in region for region in gains):
        raise mistake(
            "the scattering has no scales, in which rising and falling sounds differ",
            parameter=name,
            allowed="a scattering along time and log-frequency",
            hint="give scatter `kind: joint`, and scales above 0",
        )


def refuse_impossible(scattering: Scattering, asked: Collection[str], gains: Sequence[Mapping[str, Any]]) -> None:
    """Refuse edits for which a scattering has no paths."""
    if not scattering.order2.shape[1]:
        refuse_missing_order(asked, gains)
    if not (np.abs(scattering.scales2) > 0).any():
        told = any("scale" in axes for axes in scattering.axes().values())
        refuse_missing_scales(asked, [] if told else gains)


def refuse_other(scattering: Scattering, other: Scattering, levels: str | None) -> None:
    """Refuse a second scattering whose paths or frames are others, naming the first difference; or missing bands."""
    if levels == "ratio" and scattering.design.band_scales:
        raise mistake(
            "levels can be compared band by band only where the first order is of bands",
            parameter="levels",
            given="ratio",
            allowed="absolute",
            hint="give scatter `order1: bands`",
        )
    if scattering.sample_rate != other.sample_rate:
        raise _different("sample_rate", f"{scattering.sample_rate} Hz", f"{other.sample_rate} Hz")
    for field in dataclasses.fields(scattering.design):
        both = [getattr(each.design, field.name) for each in (scattering, other)]
        if both[0] != both[1]:
            raise _different(field.name, str(both[0]), str(both[1]))
    if scattering.design.averaging:
        _refuse_other_length(scattering.samples, other.samples, scattering.sample_rate)
    if scattering.order1.shape[1:] != other.order1.shape[1:]:
        raise _different("chunk", str(scattering.chunk), str(other.chunk))
    _refuse_other_channels(scattering.channels, other.channels)


def refuse_unreached(region: Mapping[str, Any], axes: Mapping[str, Axes]) -> None:
    """Refuse a region in which no path can lie, knowing for each order only what values an axis has."""
    ranges = ranges_of(region)
    able = [told for told in axes.values() if ranges.keys() <= told.keys()]
    if able and not reached(able, ranges):
        raise no_path(REGION, "gains", region, able)


def _refuse_other_length(own: int, others: int, rate: int) -> None:
    if own != others:
        lengths = [f"{samples} samples ({samples / rate:.3f} s)" for samples in (own, others)]
        raise _different("length", lengths[0], lengths[1], hint="cut both sounds to one duration before the analysis")


def _refuse_other_channels(count: int, other: int) -> None:
    if other not in (1, count):
        raise mistake(
            "the second scattering has another number of channels",
            parameter="other",
            given=str(other),
            allowed=f"{count}, or 1 for all" if count > 1 else "1",
        )


def _different(what: str, own: str, others: str, hint: str = "") -> Exception:
    return mistake(
        f"the two scatterings differ in their {what.replace('_', ' ')}",
        parameter="other",
        given=others,
        allowed=f"{own}, as scattering has",
        hint=hint or "make both with the same parameters of scatter, from sounds of one sample rate",
    )
