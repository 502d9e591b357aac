"""What is known of a mix before it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import add
from typing import Any

from nodes.mixing.each import for_each, require_each
from nodes.mixing.looping import require_loop
from nodes.mixing.placing import fades_of, starts_of
from nodes.mixing.routing import output_count
from nodes.mixing.tracks import common_channels, stretch_of
from pipelines.node import Facts


def mix_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the number of channels of a mix, where it does not depend on a route; refuse lists of other lengths."""
    tracks = inputs["tracks"] or []
    if _all_single(tracks):
        for name in ("gains", "pans", "offsets", "fade_in", "fade_out", "route"):
            if parameters[name] is not None:
                for_each(parameters[name], [1] * len(tracks), name)
    widths = _channels(tracks)
    if parameters["channels"] is not None:
        return {"value": {"channels": parameters["channels"]}}
    if widths is None or parameters["route"] is not None:
        return {}
    return {"value": {"channels": output_count(widths, [1] * len(widths), parameters["pans"] is not None)}}


def sequence_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of a sequence; refuse clips that do not go together, or that are shorter than their fades."""
    clips = inputs["clips"] or []
    single = _all_single(clips)
    if single:
        for name in ("times", "labels"):
            if parameters[name] is not None:
                require_each(parameters[name], len(clips), name)
    widths = _channels(clips)
    form: dict[str, Any] = {} if widths is None else {"channels": common_channels(widths)}
    rates = {known.get("sample_rate") for known in clips}
    if single and len(rates) == 1 and None not in rates and all("duration" in known for known in clips):
        form |= _sequence_time(clips, rates.pop(), parameters)
    return {"value": form} if form else {}


def _sequence_time(clips: Sequence[Facts], rate: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
    times, gap, crossfade = (parameters[name] for name in ("times", "gap", "crossfade"))
    lengths = [round(known["duration"] * rate) for known in clips]
    starts = starts_of(lengths, times, gap, crossfade, rate)
    fades_of(starts, lengths, round(crossfade * rate), rate)
    if parameters["duration"] is not None:  # not compared: a damaged MP3 is shorter than it says
        return {"sample_rate": rate, "duration": parameters["duration"]}
    return {"sample_rate": rate, "duration": max(map(add, starts, lengths)) / rate}


def take_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the sample rate, the channels and the duration of a take, where all takes have the same."""
    known = inputs["takes"] or {}
    return {"value": {name: known[name] for name in ("sample_rate", "channels", "duration") if name in known}}


def cut_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of a stretch; refuse one that does not lie within a sound of known duration."""
    known: Facts = inputs["audio"] or {}
    whole, rate = known.get("duration"), known.get("sample_rate")
    if whole is None or rate is None:
        return {"value": _form(known)}
    first, last = stretch_of(round(whole * rate), rate, parameters["start"], parameters["duration"])
    return {"value": {**_form(known), "duration": (last - first) / rate}}


def loop_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of a loop and its duration; refuse a crossfade that a sound of known duration cannot hold."""
    known: Facts = inputs["audio"] or {}
    if {"duration", "sample_rate"} <= known.keys():
        rate = known["sample_rate"]
        require_loop(round(known["duration"] * rate), rate, parameters["duration"], parameters["crossfade"])
    return {"value": {**_form(inputs["audio"]), "duration": parameters["duration"]}}


def _all_single(facts: Sequence[Facts]) -> bool:
    """Return whether no input stands for several sounds, whose number shows only when they are made."""
    return all(known.get("kind") == "Audio" for known in facts)


def _form(known: Facts | None) -> dict[str, Any]:
    return {name: known[name] for name in ("sample_rate", "channels") if name in known} if known else {}


def _channels(facts: Sequence[Facts] | None) -> list[int] | None:
    """Return the channels of every input, or None where those of one are not known."""
    if not facts or not all(known.get("channels") for known in facts):
        return None
    return [int(known["channels"]) for known in facts]
