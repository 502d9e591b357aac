"""Sounds at once."""

from typing import Annotated

from pydantic import Field

from nodes.mixing.each import LevelEnvelopes, OutputChannels, PanEnvelopes, Times, for_each
from nodes.mixing.facts import mix_facts
from nodes.mixing.gains import FadeShape, PanLaw
from nodes.mixing.routing import CENTRE, output_count
from nodes.mixing.summing import common_rate, in_order, summed
from nodes.mixing.tracks import Settings, track_part
from nodes.values.audio import Audio, Takes, flatten
from pipelines.node import node
from pipelines.quantities import Envelope

UNITY = Envelope(((0.0, 0.0),))


@node(facts=mix_facts)
def mix(
    tracks: list[Audio | Takes],
    *,
    gains: LevelEnvelopes | None = None,
    pans: PanEnvelopes | None = None,
    offsets: Times = 0.0,
    fade_in: Times = 0.0,
    fade_out: Times = 0.0,
    fade_shape: FadeShape = "linear",
    channels: Annotated[int, Field(ge=1, le=1024)] | None = None,
    route: OutputChannels | None = None,
    law: PanLaw = "constant_power",
) -> Audio:
    """Add sounds up, each with its level, place, fades and outputs; the sum is never scaled.

    Takes count as that many tracks. Every setting is one value for all tracks, or a list with one for each of
    the inputs in their order, where takes share theirs, or a list with one for each of all the takes.
    Envelopes run in seconds from the beginning of their own track. Channel after channel, a track goes to
    the outputs from 1 on, or from where `route` puts it, unless it is panned:

    - a mono track with a pan goes to two neighbouring outputs; in a mix of two outputs without `pans` and
      `route`, every mono track goes to the middle (-3 dB on either side with the default law);
    - a stereo track with a pan is balanced: its far channel is turned down, its near one kept as it is;
    - a track with more channels cannot be panned.

    Parameters
    ----------
    tracks
        Sounds of one sample rate.
    gains
        Level of each track, straight in dB between points. -inf is silence, exactly 0 where it holds; on the
        way to a point at -inf, and from it, the level passes -120 dB.
    pans
        -1 left … 1 right.
    offsets
        Where each track begins; to the nearest sample.
    fade_in
        Duration of the fade at the beginning of each track.
    fade_out
        Duration of the fade at the end of each track.
    fade_shape
        'linear' in amplitude, or 'equal_power', sin(πx/2).
    channels
        Number of outputs; as many as the tracks need where it is not given.
    route
        Output of each track's first channel, from 1, as in `route: [1, 3, 14]` for feeds of loudspeakers.
    law
        How a mono track is shared at pan p with x = (p + 1) / 2: 'constant_power' cos(πx/2) and sin(πx/2),
        -3 dB in the middle; 'linear' 1 - x and x, -6 dB; 'compromise' the geometric mean of both, -4.5 dB.

    Raises
    ------
    MistakeError
        Where sample rates differ, a list does not fit the tracks, a track does not fit into the outputs, a
        fade is longer than its track, or a sample is NaN or infinite.
    """
    sounds = flatten(tracks)
    rate, widths = common_rate(sounds, "tracks", "track"), [sound.channels for sound in sounds]
    takes = [len(track) if isinstance(track, Takes) else 1 for track in tracks]
    firsts = for_each(1 if route is None else route, takes, "route")
    outputs = channels or output_count(widths, firsts, pans is not None)
    settings = zip(
        for_each(UNITY if gains is None else gains, takes, "gains"),
        _default_pans(widths, outputs, route) if pans is None else for_each(pans, takes, "pans"),
        for_each(offsets, takes, "offsets"),
        for_each(fade_in, takes, "fade_in"),
        for_each(fade_out, takes, "fade_out"),
        firsts,
        strict=True,
    )
    parts = [
        track_part(f"track {number}", sound, Settings(*own), fade_shape, law, outputs)
        for number, (sound, own) in enumerate(zip(sounds, settings, strict=True), 1)
    ]
    mixed = summed(parts, outputs, max(part.stop for part in parts))
    return Audio(mixed, rate, in_order([marker for part in parts for marker in part.markers()]))


def _default_pans(widths: list[int], outputs: int, route: int | list[int] | None) -> list[Envelope | None]:
    stereo = outputs == 2 and route is None
    return [CENTRE if stereo and width == 1 else None for width in widths]
