"""The iterates of an inversion in their order."""

from typing import Annotated

from pydantic import Field

from nodes.mixing.gains import FadeShape
from nodes.mixing.node.sequencing import Label
from nodes.mixing.summing import Part
from nodes.takes.courses import (
    Entry,
    course_markers,
    course_parts,
    crossfade_samples,
    delayed,
    delays_of,
    loop_shape,
    spread_passes,
)
from nodes.takes.facts import rise_facts
from nodes.takes.labels import indices_of
from nodes.takes.seating import channel_count
from nodes.takes.writing import written
from nodes.values.audio import Audio, Takes
from pipelines.context import Context
from pipelines.node import node
from pipelines.quantities import Seconds, Unit

Passes = Annotated[int, Field(ge=1, le=100_000), Unit("passes")]
Lag = Annotated[int, Field(ge=-10_000, le=10_000), Unit("passes")]


@node(facts=rise_facts)
def rise(
    takes: Takes,
    *,
    iterates: list[Label] | None = None,
    passes: Passes | None = None,
    curve: Annotated[float, Field(gt=0, le=100), Unit("exponent")] = 1.0,
    hold: Annotated[int, Field(ge=0, le=100_000), Unit("passes")] = 0,
    crossfade: Seconds = 0.0,
    shape: FadeShape = "linear",
    lag: Lag | list[Lag] = 0,
    entry: Entry = "hold",
    channels: Annotated[int, Field(ge=1, le=1024)] | None = None,
    context: Context,
) -> Audio:
    """Play the iterates of a loop one after another, each a pass of the loop: from noise to rhythm.

    After the remix of Lorenzo Senni's *XAllegroX* (Hecker and Lostanlen 2018-19), which plays the successive
    iterates of an inversion as a riser. It stays in time: pass k begins at sample k × length of the loop, with
    and without a crossfade. Each iterate is a marker with its label, as the foremost channel plays it.

    Parameters
    ----------
    takes
        The iterates, of one length and one number of channels: one pass of the loop each.
    iterates
        Labels of those to play, in this order, some of them several times if wanted: [0, 5, 10, 5, 0]. All in
        their order unless given.
    passes
        Number of passes over which the iterates are spread; fewer than iterates skip some. The first pass is the
        first iterate, the last pass the last one. One pass for each iterate unless given.
    curve
        How: 1 gives every iterate as many passes, above 1 it stays longer in the early ones (the noise), below 1
        in the late ones.
    hold
        Further passes of the last iterate.
    crossfade
        In how much time at the end of a pass the sound goes over into the same place of the next iterate, where
        that is another one; at most the loop. The next pass begins untouched.
    shape
        'linear', which suits iterates that resemble each other, as neighbours do, or 'equal_power', sin(πx/2),
        for unrelated ones.
    lag
        How many passes each channel runs behind the one before it, or a list with the delay of each channel in
        passes: the rise travels through the loudspeakers. Negative ones make the last channel the first. The
        whole is longer by the longest delay.
    entry
        What a channel plays before its delay is over: 'hold' repeats the first iterate, 'silence' waits.
    channels
        Number of channels to which mono takes go; as many as a list of lags has, or those of the takes, unless
        given.

    Raises
    ------
    MistakeError
        Where an iterate is not there, the takes differ in length or channels, a crossfade is longer than the
        loop, lags or channels do not fit, or a sample is NaN or infinite.
    """
    wanted = range(len(takes)) if iterates is None else indices_of(iterates, takes.labels)
    rate = takes.sample_rate
    chosen = Takes(tuple(takes.samples[i] for i in wanted), rate, tuple(takes.labels[i] for i in wanted))
    own, length = loop_shape(chosen)
    overlap = crossfade_samples(crossfade, length, rate)
    outputs = channel_count(own, channels, lag)
    delays = delays_of(lag, outputs)
    order = spread_passes(len(chosen), passes or len(chosen), curve)
    total = len(order) + max(delays) + hold
    courses = {delay: delayed(order, delay, total, entry) for delay in sorted(set(delays))}
    parts: list[Part] = []
    for delay, course in courses.items():
        together = [channel for channel in range(outputs) if delays[channel] == delay]
        parts += course_parts(chosen, course, together, overlap, shape)
    samples = written(parts, outputs, total * length, context)
    return Audio(samples, rate, course_markers(chosen, courses[min(delays)]))
