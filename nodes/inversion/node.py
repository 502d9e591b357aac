"""From any representation back to sound: `invert`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema

from nodes.inversion import checks
from nodes.inversion.bands import Bands, refuse_unreached
from nodes.values.audio import Audio, Takes
from nodes.values.representation import Representation, refuse_too_short
from pipelines.context import Context
from pipelines.node import Facts, node
from pipelines.quantities import Seconds, Unit

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Every = Annotated[
    str,
    BeforeValidator(checks.read_every),
    Unit("every N"),
    WithJsonSchema({"type": "string", "pattern": "^every [0-9]+$"}),
]
Iterate = Annotated[int, Field(ge=0)]


class Inversion(NamedTuple):
    """The last iterate, and the iterates that were asked for."""

    audio: Audio
    takes: Takes


def _invert_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Check before anything runs what spans several arguments; tell channels and sample rate."""
    targets: Sequence[Facts] = inputs["targets"] or []
    start: Facts | None = inputs.get("start")
    _refuse_at_plan(targets, parameters)
    known: dict[str, Any] = {}
    for facts in (*targets, start or {}):
        known |= {name: value for name, value in facts.items() if name == "sample_rate"}
    counts = [fact.get("channels") for fact in targets]
    from_start = start.get("channels") if start is not None else None
    if all(counts) and (start is None or from_start):
        asked = parameters["channels"]
        known["channels"] = checks.channel_count([int(count or 0) for count in counts], from_start, asked)
    known |= _duration(targets, known.get("sample_rate"), parameters["duration"])
    kept = sorted(checks.kept_iterates(parameters["keep"], parameters["iterations"]))
    return {"audio": known, "takes": {**known, "labels": tuple(str(number) for number in kept)}}


def _duration(targets: Sequence[Facts], rate: int | None, asked: float | None) -> dict[str, float]:
    """Return the duration of the result where it is known; refuse one that a target cannot have."""
    if rate is None:
        return {}
    lengths = [round(fact["duration"] * rate) if "duration" in fact else None for fact in targets]
    length = checks.length_of(lengths, asked, rate)
    if length is None:
        return {}
    checks.refuse_other_lengths(lengths, length, rate, asked is not None)
    refuse_too_short(length, max([fact.get("shortest", 1) for fact in targets], default=1), rate)
    return {"duration": length / rate}


def _refuse_at_plan(targets: Sequence[Facts], parameters: Mapping[str, Any]) -> None:
    checks.refuse_weights(len(targets), parameters["weights"])
    classes = [fact.get("classes") for fact in targets]
    leading = targets[checks.leading(classes, parameters["weights"], parameters["class_weights"] or {})]
    checks.refuse_no_start(parameters["initial"], leading.get("kind", checks.STARTING) == checks.STARTING)
    checks.refuse_bound_loop(parameters["loop"], ["duration" not in fact for fact in targets])
    checks.kept_iterates(parameters["keep"], parameters["iterations"])
    driver = {name: parameters[name] for name in ("momentum", "acceleration", "brake")}
    checks.refuse_idle_driver(parameters["optimizer"] or "bold_driver", **driver)
    named: dict[str, Iterable[str]] = {
        "class_weights": parameters["class_weights"] or {},
        "path_weights": [band["class"] for band in parameters["path_weights"] or [] if "class" in band],
    }
    for parameter, names in named.items():
        checks.refuse_unknown_targets(len(targets), names, parameter)
        if all("classes" in fact for fact in targets):
            checks.refuse_unknown_classes([fact["classes"] for fact in targets], names, parameter)
    if all("axes" in fact for fact in targets):
        refuse_unreached([fact["axes"] for fact in targets], parameters["path_weights"] or [])


@node(facts=_invert_facts)
def invert(
    targets: list[Representation],
    start: Audio | None = None,
    *,
    weights: list[Weight] | None = None,
    class_weights: dict[str, Weight] | None = None,
    path_weights: Bands | None = None,
    iterations: Annotated[int, Field(ge=0, le=100_000), Unit("iterations")] = 50,
    optimizer: Literal["bold_driver", "nesterov", "lbfgs", "adam"] | None = None,
    momentum: Annotated[float, Field(ge=0, lt=1)] = checks.MOMENTUM,
    acceleration: Annotated[float, Field(ge=1, le=10)] = checks.ACCELERATION,
    brake: Annotated[float, Field(gt=0, lt=1)] = checks.BRAKE,
    initial: Literal["coloured", "envelope", "energies", "white", "pink", "statistics", "tonal"] | None = None,
    phases: Literal["independent", "shared"] = "independent",
    duration: Annotated[Seconds, Field(gt=0)] | None = None,
    channels: Annotated[int, Field(ge=1, le=1024)] | None = None,
    loop: bool = False,
    keep: Literal["last", "all"] | Every | list[Iterate] = "last",
    context: Context,
) -> Inversion:
    """Return a sound whose coefficients are those of the targets, found by gradient descent from a first sound.

    The loss is the weighted mean, over targets and their descriptor classes, of |S - S*|² / |S*|². Several
    targets make a hybrid: the statistics of one sound with the modulations of another. Each channel is descended
    on its own: target channel by channel, or every channel towards a target of one channel; channels run side by
    side, on as many cores as the setting `workers` allows. Channels that statistics compare with each other, as
    `interaural_coherence` does, are descended on together, unless these classes have a weight of 0. The level is what
    the targets demand and is never normalised; a class of coefficients that is 100 dB below the loudest of its target
    counts as silence. Logged for each iteration are `loss`; for each class of each target (counted from 1)
    `loss.1.order2`, its relative squared error in dB; and for each target `error.1`, its whole relative error
    |S - S*| / |S*| in percent, without any weights. An interrupted inversion goes on from its last checkpoint and ends
    bit-identical, with every optimiser.

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
    path_weights
        Regions that count more or less within their class, as [{rate: [8, 32], scale: [0.5, 4], weight: 3}]: the
        weight of every path that lies in all the ranges of a band is multiplied, and where bands overlap, by each.
        Ranges are closed, lower end first: frequency and rate in Hz (or '2 kHz'), scale in cycles per octave. A
        path that has no place on one of the axes is not in the band. Scale has a sign: [0.5, 4] is where sounds
        rise, [-4, -0.5] where they fall; for both write two bands. A weight of 0 leaves the region free. With
        `class: order2` (or `class: 2.order2`) a band holds paths of one class only. How much a class counts as a
        whole stays what class_weights says.
    iterations
        Number of steps.
    optimizer
        'bold_driver': momentum with a rate that adapts itself, whose iterates form a smooth rise; 'nesterov': the same
        with the gradient taken ahead, often nearer after 10 to 25 iterations; 'lbfgs' gets furthest in 50, at 1 to 2
        evaluations each; 'adam' may let the loss rise. The loss of the others never rises. Unless given, 'lbfgs' for
        texture statistics as the first target, else 'bold_driver'.
    momentum
        For bold_driver and nesterov: part of each update that goes on in the next. 0 makes plain gradient descent.
    acceleration
        For both: factor by which the rate grows after a step that lowers the loss.
    brake
        For both: factor by which rate and update shrink when a step would raise the loss, and is taken back.
    initial
        First sound where no start is given. 'coloured': the magnitudes of the spectrum of the targets' sound with
        random phases, which keeps pitches and loses time; 'envelope': that times the targets' envelope, which keeps
        the large course in time; 'energies': Gaussian noise with the spectrum that the coefficients alone imply;
        'white' and 'pink': such noise at the level of the targets. Colouring is worth more than any optimiser.
        'statistics': envelopes with the statistics of the first target (texture_statistics), found by a descent of
        their own, on carriers of noise; 'tonal': on carriers with the very lines of its spectrum, which brings steady
        pitches nearer and copies more. Unless given, 'statistics' for texture statistics as the first
        target that counts ('tonal' where hardly anything in them moves), else 'coloured'.
    phases
        'independent': each channel starts from random numbers of its own, and is as wide as can be; 'shared': all
        channels start from the same, each under its own spectrum, so that a stereo target keeps its image. Statistics
        that compare channels say themselves what these have in common.
    duration
        Length of the result, where the targets leave it free; unless given that of the start, else of the first
        target.
    channels
        Number of channels where no start is given; unless given that of the targets.
    loop
        Whether the end shall go on into the beginning, so that the result can be repeated without a seam; of statistics
        that are averages over time.
    keep
        Which iterates to keep as takes: the last, all, those of a list, or 'every 5': 0 (the start), 5, 10, … and
        the last. Once nothing is left to gain, the iterates repeat.

    Raises
    ------
    MistakeError
        Where targets, start and parameters do not go together, or a sample is NaN or infinite.
    """
    from nodes.inversion.running import run

    checks.refuse_weights(len(targets), weights)
    takes = run(
        targets,
        start,
        weights=weights or [1.0] * len(targets),
        class_weights=class_weights or {},
        bands=path_weights or [],
        iterations=iterations,
        optimizer=optimizer,
        driver={"momentum": momentum, "acceleration": acceleration, "brake": brake},
        initial=initial,
        phases=phases,
        duration=duration,
        channels=channels,
        loop=loop,
        keep=checks.kept_iterates(keep, iterations) | {iterations},
        context=context,
    )
    asked = sorted(checks.kept_iterates(keep, iterations))
    rate = targets[0].sample_rate
    kept = Takes(tuple(takes[number] for number in asked), rate, tuple(str(number) for number in asked))
    return Inversion(Audio(takes[iterations], rate), kept)
