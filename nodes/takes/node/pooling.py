"""Every iterate of every segment."""

from typing import Annotated

from pydantic import Field

from nodes.mixing.node.sequencing import Label
from nodes.takes.cutting import one_way, whole_samples
from nodes.takes.facts import pool_facts
from nodes.takes.pool import Pool
from nodes.takes.pooling import PoolRest, common_iterates, common_rate, pooled, refuse_repeated
from nodes.values.audio import Takes
from pipelines.context import Context
from pipelines.node import node
from pipelines.quantities import Seconds, Unit


@node(facts=pool_facts)
def takes_pool(
    takes: list[Takes],
    *,
    duration: Seconds | None = None,
    samples: Annotated[int, Field(ge=1), Unit("samples")] | None = None,
    iterates: list[Label] | None = None,
    rest: PoolRest = "keep",
    context: Context,
) -> Pool:
    """Gather the iterates of inversions in a pool, segments × iterates, for `assign` to draw from.

    As in the pieces of Hecker and Lostanlen: 72 segments × 51 iterates in *FAVN*, 288 × 51 for each channel in
    *Experimental Palimpsest*. The takes of each inversion are one segment; where `duration` or `samples` is
    given, each inversion, such as one of a whole sound, is cut into segments of that length. Segments count from 1
    through all inversions. Nothing is copied: the pool points to the takes as they are stored. The picture shows
    the level of every take.

    Parameters
    ----------
    takes
        The iterates of each inversion, with the same labels, of one sample rate and number of channels.
    duration
        Length of the segments into which each inversion is cut, to the nearest sample.
    samples
        The same in samples.
    iterates
        Labels of those that the pool is to have, in this order, which is that from early to late; all unless
        given.
    rest
        What becomes of less than a segment at the end of an inversion: 'keep' makes it a shorter segment, 'drop'
        leaves it out.

    Raises
    ------
    MistakeError
        Where an iterate is missing in one of the inversions, their takes do not go together, the length is given
        in both ways, or a sample is NaN or infinite.
    """
    rate = common_rate(takes)
    one_way({"duration": duration, "samples": samples}, needed=False)
    size = samples if duration is None else whole_samples(duration, rate, "duration")
    wanted = common_iterates([inversion.labels for inversion in takes]) if iterates is None else iterates
    refuse_repeated(wanted)
    return pooled(takes, wanted, size, rest, context)
