"""What is known of rises, pools and segments before they are made.

Takes and pools whose maker knows them have their labels among their facts, as `labels`. The `duration` of takes is
that of each, where all have one; the `shortest` of a pool is the most that its shortest segment can last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nodes.takes.courses import crossfade_samples, delays_of
from nodes.takes.cutting import asked_spans, asked_way, one_way, refuse_no_time
from nodes.takes.labels import indices_of
from nodes.takes.pooling import common_iterates, refuse_repeated
from nodes.takes.seating import channel_count, loudspeakers, refuse_other_mode, seats
from nodes.takes.slots import refuse_long_crossfade
from pipelines.mistakes import mistake
from pipelines.node import Facts


def rise_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the channels of a rise; refuse unknown iterates and lists of other lengths."""
    known: Facts = inputs["takes"] or {}
    if known.get("labels") is not None and parameters["iterates"]:
        indices_of(parameters["iterates"], known["labels"])
    if {"duration", "sample_rate"} <= known.keys():
        rate = known["sample_rate"]
        crossfade_samples(parameters["crossfade"], round(known["duration"] * rate), rate)
    if not known.get("channels"):
        _refuse_lags(parameters["lag"], parameters["channels"])
        return {}
    channels = channel_count(int(known["channels"]), parameters["channels"], parameters["lag"])
    return {"value": {"channels": channels}}


def _refuse_lags(lag: int | Sequence[int], channels: int | None) -> None:
    """Refuse a list of lags that does not fit the channels that are asked for, whatever the takes have."""
    if not isinstance(lag, int):
        delays_of(lag, channels or max(1, len(lag)))


def segments_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the labels of the segments of a sound whose duration is known; refuse lengths that do not fit."""
    asked_way(parameters)
    known: Facts = inputs["audio"] or {}
    refuse_no_time({name: parameters[name] for name in ("duration", "hop")}, known.get("sample_rate"))
    form = {name: known[name] for name in ("sample_rate", "channels") if name in known}
    if not {"duration", "sample_rate"} <= known.keys():
        return {"value": form}
    rate = known["sample_rate"]
    found = asked_spans(round(known["duration"] * rate), rate, parameters)
    sizes = {stop - start for start, stop in found}
    form |= {"duration": sizes.pop() / rate} if len(sizes) == 1 else {}
    return {"value": {**form, "labels": tuple(str(number) for number in range(1, len(found) + 1))}}


def pool_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the channels and the labels of a pool; refuse unknown iterates and takes that do not go together."""
    takes: Sequence[Facts] = inputs["takes"] or []
    rate = next((known["sample_rate"] for known in takes if "sample_rate" in known), None)
    one_way({name: parameters[name] for name in ("duration", "samples")}, needed=False)
    refuse_no_time({"duration": parameters["duration"]}, rate)
    labels = [known["labels"] for known in takes if known.get("labels") is not None]
    wanted = parameters["iterates"]
    for number, own in enumerate(labels, 1):
        if wanted is not None and len(labels) == len(takes):
            indices_of(wanted, own, f"takes {number}" if len(takes) > 1 else "the takes")
    if wanted is None and takes and len(labels) == len(takes):
        wanted = common_iterates(labels)
    if wanted is not None:
        refuse_repeated(wanted)
    channels = {int(known["channels"]) for known in takes if known.get("channels")}
    if len(channels) > 1:
        raise mistake(
            "the takes differ in channels",
            parameter="takes",
            given=", ".join(f"takes {number}: {known.get('channels', '?')}" for number, known in enumerate(takes, 1)),
            allowed="one number of channels for all",
        )
    form: dict[str, Any] = {"channels": channels.pop()} if channels else {}
    form |= _shortest(takes, parameters, rate)
    return {"value": form if wanted is None else {**form, "labels": tuple(wanted)}}


def _shortest(takes: Sequence[Facts], parameters: Mapping[str, Any], rate: int | None) -> dict[str, float]:
    """Return the most that the shortest segment of a pool can have: what is asked for, or the shortest take."""
    asked = parameters["samples"] / rate if parameters["samples"] and rate else parameters["duration"]
    known = [facts["duration"] for facts in takes if "duration" in facts] + ([] if asked is None else [asked])
    return {"shortest": min(known)} if known else {}


def assign_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the channels and the duration of what loudspeakers draw; refuse unknown iterates and other counts."""
    refuse_other_mode(parameters["mode"], parameters["iterates"], parameters)
    known: Facts = inputs["pool"] or {}
    if known.get("labels") is not None and parameters["iterates"]:
        indices_of(parameters["iterates"], known["labels"], "the pool's segments")
    rate = known.get("sample_rate")
    refuse_no_time({"duration": parameters["duration"]}, rate)
    if rate and "shortest" in known:
        shortest, crossfade = (round(seconds * rate) for seconds in (known["shortest"], parameters["crossfade"]))
        refuse_long_crossfade(shortest, crossfade, rate, "the shortest segment")
    found = {} if parameters["duration"] is None else {"duration": parameters["duration"]}
    asked = (parameters["mode"], parameters["iterates"], parameters["channels"])
    if known.get("channels") or parameters["mode"] == "fixed" or parameters["channels"]:
        found["channels"] = loudspeakers(*asked, int(known.get("channels") or 1))
    if known.get("channels"):
        seats(parameters["pool_channels"], found["channels"], int(known["channels"]))
    return {"audio": found}
