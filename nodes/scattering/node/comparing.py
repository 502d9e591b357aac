"""Pictures of several iterates of an inversion, as a node."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, WithJsonSchema

from nodes.mixing.node.sequencing import Label
from nodes.scattering.node.reading import (
    Colours,
    Floor,
    Sort,
    Width,
    refuse_missing_order,
    refuse_missing_scales,
)
from nodes.scattering.value import Scattering
from nodes.takes.labels import indices_of
from nodes.values.audio import Takes
from nodes.values.pages import PAGE
from nodes.values.plain import Figure, Files
from pipelines import quantities
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node

MOST_TAKES = 12
"""Takes that are shown unasked."""

Stand = Annotated[
    float,
    BeforeValidator(quantities.seconds),
    Field(ge=0.02, le=60),
    quantities.Unit("s"),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0.02, "maximum": 60}, {"type": "string"}]}),
]


class Multiples(NamedTuple):
    """All pictures on one page, and one after another as an animated file."""

    figure: Figure
    animation: Files


def _comparing_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse iterates that the takes are known not to have, and what `like` is known not to have."""
    takes: Facts = inputs["takes"] or {}
    if takes.get("labels") is not None and parameters["iterates"]:
        indices_of(parameters["iterates"], takes["labels"])
    like: Facts = inputs["like"] or {}
    if parameters["picture"] == "rate_scale_map":
        refuse_missing_scales(like)
    else:
        refuse_missing_order(like, parameters["order"])
    return {}


@node(facts=_comparing_facts)
def scattergrams(
    takes: Takes,
    like: Scattering,
    *,
    iterates: list[Label] | None = None,
    picture: Literal["scattergram", "rate_scale_map"] = "scattergram",
    order: Literal[1, 2] = 1,
    sort: Sort = "frequency",
    target: bool = True,
    columns: Annotated[int, Field(ge=1, le=12)] | None = None,
    colours: Colours = "magma_r",
    floor: Floor | None = None,
    width: Width = 1650,
    seconds: Stand = 0.5,
    format: Literal["gif", "png"] = "gif",
    context: Context,
) -> Multiples:
    """Draw the same picture of several iterates of an inversion: side by side, and as an animation.

    Each take is scattered as `like` was, which is usually the target of the inversion; its paths, in its order, are
    the rows of all pictures, and the colours have one scale, up to the loudest of all.

    Parameters
    ----------
    takes
        The iterates.
    like
        The scattering that says how; the last picture, unless `target` is false.
    iterates
        Labels of the takes that are shown; up to 12, evenly chosen, unless given.
    picture
        'scattergram', or 'rate_scale_map': the energy by rate and scale.
    order
        Order of the scattergrams.
    sort
        Order of the paths, as in `scattergram`.
    target
        Whether `like` is shown too.
    columns
        Pictures side by side; chosen to suit their number unless given.
    colours
        Scale of colours.
    floor
        Level of ε, -60 dB unless given; where colours end in maps, -40 dB unless given.
    width
        Width of the page; that of the animation is 8/11 of it.
    seconds
        How long a picture stands in the animation.
    format
        'gif', which everything opens, or 'png', animated too, in all colours.

    Raises
    ------
    MistakeError
        Where there are no takes, a label is not among them, a take cannot be scattered, order 2 is asked for and there
        is none, or sample rates differ.
    """
    from nodes.scattering.drawing import Shades
    from nodes.scattering.multiples import animation, columns_for, draw_multiples, own_style, pixels_of
    from nodes.scattering.pictures import frames_of

    mapped = picture == "rate_scale_map"
    frames = frames_of(takes, like, _shown(takes, iterates), None if mapped else order, sort, target, context)
    shades = Shades(colours, floor or (-40.0 if mapped else -60.0), compressed=not mapped)
    with own_style():
        pixels = pixels_of(draw_multiples(frames, columns or columns_for(len(frames)), shades), width / PAGE)
        moving = animation(frames, seconds, format, shades, width / PAGE)
    return Multiples(Figure(pixels), Files({f".{format}": np.frombuffer(moving, np.uint8)}))


def _shown(takes: Takes, iterates: list[str] | None) -> list[int]:
    if not len(takes):
        raise mistake("there are no takes to draw", parameter="takes", allowed="one take or more")
    if iterates:
        return indices_of(iterates, takes.labels)
    return [int(i) for i in np.linspace(0, len(takes) - 1, min(MOST_TAKES, len(takes))).round()]
