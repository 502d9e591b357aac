"""What each loudspeaker plays of a pool."""

from typing import Annotated, NamedTuple

from pydantic import Field

from nodes.mixing.gains import FadeShape
from nodes.mixing.node.sequencing import Label
from nodes.takes.drifting import Drift, Order, drawn_slots
from nodes.takes.facts import assign_facts
from nodes.takes.labels import indices_of
from nodes.takes.pool import Pool
from nodes.takes.seating import Mode, loudspeakers, refuse_other_mode, seats
from nodes.takes.slots import fixed_slots, refuse_short, score_text, slot_markers, slot_part, whole_length
from nodes.takes.writing import written
from nodes.values.audio import Audio
from nodes.values.envelopes import AsEnvelope
from nodes.values.plain import Text
from pipelines.context import Context
from pipelines.node import node
from pipelines.quantities import Envelope, Seconds, Unit, envelope_of, plain

CentreEnvelope = Annotated[Envelope, envelope_of(plain, 0.0, 1.0, ""), Unit("0 first … 1 last, envelope"), AsEnvelope]
SpreadEnvelope = Annotated[Envelope, envelope_of(plain, 0.0, 100.0, ""), Unit("of all iterates, envelope"), AsEnvelope]
NARROW = Envelope(((0.0, 0.1),))
PoolChannel = Annotated[int, Field(ge=1)]


class Assignment(NamedTuple):
    """The sound, and what was drawn as CSV: channel, start, segment, iterate, duration."""

    audio: Audio
    score: Text


@node(facts=assign_facts)
def assign(
    pool: Pool,
    *,
    mode: Mode = "drift",
    iterates: list[Label] | None = None,
    duration: Seconds | None = None,
    channels: Annotated[int, Field(ge=1, le=1024)] | None = None,
    pool_channels: list[PoolChannel] | None = None,
    centre: CentreEnvelope | None = None,
    spread: SpreadEnvelope | None = None,
    order: Order | None = None,
    crossfade: Seconds = 0.0,
    shape: FadeShape = "equal_power",
    context: Context,
) -> Assignment:
    """Give each loudspeaker a sequence of takes from a pool: drawn at weights that drift, or fixed.

    'drift', after *FAVN* (2016) and *Experimental Palimpsest* by Hecker and Lostanlen: each channel draws, for one
    slot after another, a segment and one of its iterates. The probability of an iterate is a normal curve over
    all iterates, from 0, the first, to 1, the last, evenly; its centre and its width are envelopes, taken at the
    beginning of each slot. A slot lasts as long as its segment. Each channel has random numbers of its own: more
    channels leave what the others play as it is, and another centre or spread leaves the segments as they are.

    'fixed', after *Modulator*: each loudspeaker plays one iterate throughout; all play the segments in order and
    in step.

    The step's seed gives the same draw every time. The score has a line for each slot; both it and the markers,
    one wherever slots begin, name channel, segment and iterate, channels and segments counted from 1. Where slots
    begin at more than 500 places there are no markers.

    Parameters
    ----------
    pool
        The takes.
    mode
        'drift' or 'fixed'.
    iterates
        fixed: the label of each loudspeaker's iterate, as in [0, 1, 7, 9, 11, 15, 20, 30, 50]; drift: those to draw
        from, from early to late, all unless given.
    duration
        Duration of the whole, where the last takes are cut off; that of all segments once unless given. fixed
        begins again with the first segment after the last.
    channels
        drift: number of loudspeakers; as many as the pool has channels unless given.
    pool_channels
        Which channel of the pool, from 1, each loudspeaker plays; in turns unless given.
    centre
        drift: where the probability is highest; straight from 0 at the beginning to 1 at the end unless given.
    spread
        drift: standard deviation of the normal curve as a fraction of all iterates, 0.1 unless given; 0 plays the
        iterate at the centre, above 1 all are nearly as probable.
    order
        drift: 'random' draws each segment from all, unless given; 'shuffled' plays each once before any comes
        again; 'in_order' one after another.
    crossfade
        In how much time a take goes over into the next one, which begins earlier by as much; at most half of the
        shortest segment. The beginning and the end of the whole are not faded.
    shape
        'equal_power', sin(πx/2), which keeps the power of unrelated sounds, or 'linear'.

    Raises
    ------
    MistakeError
        Where an iterate is not in the pool, a list does not fit the loudspeakers, a parameter belongs to the other
        mode, or the segments are too short for the crossfade.
    """
    settings = {"centre": centre, "spread": spread, "order": order}
    refuse_other_mode(mode, iterates, settings)
    outputs = loudspeakers(mode, iterates, channels, pool.channels)
    sources = seats(pool_channels, outputs, pool.channels)
    labels = pool.iterates if iterates is None else iterates
    chosen = indices_of(labels, pool.iterates, "the pool's segments")
    rate, lengths = pool.sample_rate, pool.lengths
    overlap = round(crossfade * rate)
    length = whole_length(lengths, duration, overlap, rate)
    refuse_short(lengths, overlap, length, outputs, rate)
    if mode == "fixed":
        slots = fixed_slots(pool, chosen, length, overlap)
    else:
        ramp = Envelope(((0.0, 0.0), (length / rate, 1.0)))
        drift = Drift(centre or ramp, spread or NARROW, order or "random")
        slots = [
            slot
            for channel in range(outputs)
            for slot in drawn_slots(pool, chosen, channel, length, overlap, drift, context.seed)
        ]
    parts = [slot_part(pool, slot, sources[slot.channel], length, overlap, shape) for slot in slots]
    audio = Audio(written(parts, outputs, length, context), rate, slot_markers(pool, slots))
    return Assignment(audio, Text(score_text(pool, slots, length), "csv"))
