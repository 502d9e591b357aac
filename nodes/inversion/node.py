"""From any representation back to sound: `invert`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from nodes.inversion.checks import channel_count, kept_iterates, refuse_weights
from nodes.values.audio import Audio, Takes
from nodes.values.representation import Representation
from pipelines.context import Context
from pipelines.node import Facts, node
from pipelines.quantities import Seconds, Unit

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Inversion(NamedTuple):
    """The last iterate, and the iterates that were asked for."""

    audio: Audio
    takes: Takes


def _invert_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Check before anything runs what spans several arguments; tell channels and sample rate."""
    targets: Sequence[Facts] = inputs["targets"] or []
    start: Facts | None = inputs.get("start")
    refuse_weights(len(targets), parameters["weights"])
    kept_iterates(parameters["keep"], parameters["iterations"])
    known: dict[str, Any] = {}
    for facts in (*targets, start or {}):
        known |= {name: value for name, value in facts.items() if name == "sample_rate"}
    counts = [fact.get("channels") for fact in targets]
    from_start = start.get("channels") if start is not None else None
    if all(counts) and (start is None or from_start):
        known["channels"] = channel_count([int(count or 0) for count in counts], from_start, parameters["channels"])
    return {"audio": known, "takes": known}


@node(facts=_invert_facts)
def invert(
    targets: list[Representation],
    start: Audio | None = None,
    *,
    weights: list[Weight] | None = None,
    class_weights: dict[str, Weight] | None = None,
    iterations: Annotated[int, Field(ge=0, le=100_000), Unit("iterations")] = 50,
    optimizer: Literal["bold_driver", "lbfgs", "adam"] = "bold_driver",
    initial: Literal["coloured", "white", "pink"] = "coloured",
    duration: Seconds | None = None,
    channels: Annotated[int, Field(ge=1, le=1024)] | None = None,
    keep: Literal["last", "all"] | list[Annotated[int, Field(ge=0)]] = "last",
    context: Context,
) -> Inversion:
    """Return a sound whose coefficients are those of the targets, found by gradient descent from a first sound.

    The loss is the weighted mean, over targets and their descriptor classes, of |S - S*|² / |S*|². Several
    targets make a hybrid: the statistics of one sound with the modulations of another. Each channel is descended
    on its own: target channel by channel, or every channel towards a target of one channel. The level is what
    the targets demand and is never normalised. Logged for each iteration are `loss`, and for each class of each
    target (counted from 1) `loss.1.order2`, its relative squared error in dB. An interrupted inversion goes on
    from its last checkpoint and ends bit-identical, with every optimiser.

    Parameters
    ----------
    targets
        What to reach: scatterings, texture statistics, spectrograms, in any mixture.
    start
        The first sound, iterate 0. Where it is longer than what is to be made, its beginning is used.
    weights
        How much each target counts; 1 each unless given.
    class_weights
        How much a descriptor class counts within its target, as {order1: 1, order2: 4}; 1 unless given, 0 leaves
        it free. `2.order2` names the class of the second target only.
    iterations
        Number of steps.
    optimizer
        'bold_driver': momentum with a rate that adapts itself, whose iterates form a smooth rise; 'lbfgs' gets
        further in few iterations, at 1 to 2 evaluations each; 'adam' may let the loss rise. The loss of the other
        two never rises.
    initial
        First sound where no start is given: noise with the spectrum of the targets, white noise or pink noise at
        their level. Colouring is worth more than any optimiser.
    duration
        Length of the result, where the targets leave it free; unless given that of the start, else of the first
        target.
    channels
        Number of channels where no start is given; unless given that of the targets.
    keep
        Which iterates to keep as takes: the last, all, or those of a list. Once nothing is left to gain, the
        iterates repeat.

    Raises
    ------
    MistakeError
        Where targets, start and parameters do not go together, or a sample is NaN or infinite.
    """
    from nodes.inversion.running import run

    refuse_weights(len(targets), weights)
    takes = run(
        targets,
        start,
        weights=weights or [1.0] * len(targets),
        class_weights=class_weights or {},
        iterations=iterations,
        optimizer=optimizer,
        initial=initial,
        duration=duration,
        channels=channels,
        keep=kept_iterates(keep, iterations) | {iterations},
        context=context,
    )
    asked = sorted(kept_iterates(keep, iterations))
    rate = targets[0].sample_rate
    kept = Takes(tuple(takes[number] for number in asked), rate, tuple(str(number) for number in asked))
    return Inversion(Audio(takes[iterations], rate), kept)
