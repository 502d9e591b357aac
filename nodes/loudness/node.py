"""How loud a sound is: `loudness`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from nodes.loudness.value import Loudness
from nodes.values import Audio
from pipelines.mistakes import mistake
from pipelines.node import node

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _refuse_other_count(weights: list[float] | None, channels: int | None) -> None:
    if weights is not None and channels is not None and len(weights) != channels:
        raise mistake(
            "there must be one weight for each channel",
            parameter="weights",
            given=f"{len(weights)} weights",
            allowed=f"{channels}, for the sound has {channels} channels",
        )


def _loudness_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    _refuse_other_count(parameters["weights"], (inputs.get("audio") or {}).get("channels"))
    return {"value": {}}


@node(facts=_loudness_facts)
def loudness(audio: Audio, *, weights: list[Weight] | None = None) -> Loudness:
    """Measure loudness (ITU-R BS.1770-4), loudness range (EBU Tech 3342), true peak and sample peak.

    The sound itself is not changed. Silence is -inf LUFS with a range of 0 LU. A sound shorter than 0.4 s
    counts as one gating block; below 3 s the range is 0 LU.

    Parameters
    ----------
    audio
        The sound.
    weights
        Weight of each channel's power. Unless given: five and six channels are 5.0 and 5.1 (L R C LFE Ls
        Rs: surrounds 1.41, LFE 0), and all other channels count 1, each a loudspeaker of its own.

    Raises
    ------
    MistakeError
        Where there are not as many weights as channels, or the sound holds NaN or infinity.
    """
    from nodes.loudness.bs1770 import decibels, measure
    from nodes.loudness.peaks import peaks
    from nodes.values.blocks import require_finite_sound

    _refuse_other_count(weights, audio.channels)
    highest, true_peak = peaks(audio.samples, audio.sample_rate)
    if not math.isfinite(highest):
        require_finite_sound(audio.samples, audio.sample_rate)
    found = measure(audio.samples, audio.sample_rate, weights)
    curves = found.momentary.astype("float32"), found.short_term.astype("float32")
    return Loudness(found.integrated, found.range, decibels(true_peak), decibels(highest), *curves)
