"""What can be read off a scattering, as nodes: lists of its paths, and pictures."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema

from nodes.scattering.maps import no_map
from nodes.scattering.paths import ordered
from nodes.scattering.value import Scattering
from nodes.values.pages import PAGE
from nodes.values.plain import Figure, Text
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Hertz, Seconds, Unit, decibels

Order = Literal[1, 2, "both"]
Sort = Literal["norm", "frequency", "rate", "scale"]
Colours = Literal["magma_r", "magma", "inferno_r", "inferno", "viridis_r", "viridis", "cividis", "gray_r", "gray"]
Floor = Annotated[
    float,
    BeforeValidator(decibels),
    Field(ge=-160, le=-6),
    Unit("dB"),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": -160, "maximum": -6}, {"type": "string"}]}),
]
Band = Annotated[list[Hertz], Field(min_length=2, max_length=2)]
Times = Annotated[list[Seconds], Field(min_length=2, max_length=2)]
Width = Annotated[int, Field(ge=400, le=8000), Unit("pixels")]


def reading_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse a second order that a scattering is known not to have, and ranges that are upside down."""
    refuse_missing_order(inputs["scattering"] or {}, parameters["order"])
    _refuse_upside_down(parameters)
    return {}


def map_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse to map a scattering that is known to have no rates or scales, and ranges that are upside down."""
    refuse_missing_scales(inputs["scattering"] or {})
    _refuse_upside_down(parameters)
    return {}


def refuse_missing_order(known: Facts, order: Order) -> None:
    """Refuse the second order of a scattering that is known to have none."""
    if order == 2 and "order2" not in known.get("classes", ("order2",)):
        raise mistake("this scattering has no second order", parameter="order", allowed="a scattering with orders: 2")


def refuse_missing_scales(known: Facts) -> None:
    """Refuse to map a scattering that is known to have no rates, or no scales."""
    if "order2" not in known.get("classes", ("order2",)):
        raise no_map("no second order")
    if known.get("scattering") == "time":
        raise no_map("kind time")


def _refuse_upside_down(parameters: Mapping[str, Any]) -> None:
    for name, unit in (("frequencies", "Hz"), ("times", "s")):
        ordered(parameters.get(name), name, unit)


class Reading(NamedTuple):
    """The list of paths as a text in columns, and as CSV."""

    text: Text
    csv: Text


@node(facts=reading_facts)
def scatter_to_text(
    scattering: Scattering,
    *,
    lines: Annotated[int, Field(ge=1), Unit("lines")] | None = 2134,
    order: Order = "both",
    share: Literal["whole", "order"] = "whole",
    minimum: Annotated[float, Field(ge=0, le=1e6), Unit("ppm")] = 0.0,
) -> Reading:
    """Write down the paths of a scattering from the strongest to the weakest, one a line.

    After Hecker and Lostanlen, *Scattering to Text* (Kunsthalle Wien), a book of such lines: energy in parts per
    million, frequency in Hz, rate in Hz, and scale in cycles per octave, positive where the sound rises. The energy of
    a path is the sum of its squared coefficients over time and channels, without logarithm and normalisation. What a
    path does not have is left empty: the rate and the scale in order 1 (but it has scales where scatter was given
    `order1: scales`), the scale in scattering in time, the frequency in a mean over all octaves. Paths of equal energy
    go by rising frequency.

    Energy is rounded to whole ppm (paths under half a ppm read 0), the others to three significant digits. The
    text has a line of titles and columns aligned at the decimal point; the CSV a header (energy_ppm, frequency_hz,
    rate_hz, scale_cycles_per_octave) and plain numbers. Of silence the text says so, and the CSV has its header alone.
    The book has quality 6 and an averaging of 2^16 samples.

    Parameters
    ----------
    scattering
        A scattering of any kind.
    lines
        Most lines, 2134 as in the book; null for all.
    order
        1, 2, or 'both'.
    share
        'whole': parts per million of the energy of all paths that are listed or cut off; 'order': of those of the same
        order, so that both orders, of which the first is much the stronger, are heard alike.
    minimum
        Least energy of a line.

    Raises
    ------
    MistakeError
        Where order 2 is asked for and there is none.
    """
    from nodes.scattering.text import as_csv, as_text, columns_of, cut, listing

    found = cut(listing(scattering, _orders(scattering, order), share), lines, minimum)
    columns = columns_of(scattering)
    return Reading(Text(as_text(found, columns)), Text(as_csv(found, columns), "csv"))


@node(facts=reading_facts)
def scattergram(
    scattering: Scattering,
    *,
    order: Order = "both",
    sort: Sort = "norm",
    frequencies: Band | None = None,
    times: Times | None = None,
    colours: Colours = "magma_r",
    floor: Floor = -60.0,
    width: Width = 1650,
) -> Figure:
    """Draw the coefficients as an image of paths × time, the strongest path at the top.

    Shown is log(1 + S/ε) of the mean of the channels, with ε at `floor` below the largest coefficient of the order;
    the colours are numbered in dB below it. Each order is a picture; beside the paths stand frequency, rate and scale.
    A mean over the whole sound, which has one frame, is drawn as bars in dB.

    Parameters
    ----------
    scattering
        A scattering of any kind.
    order
        1, 2, or 'both', one below the other.
    sort
        'norm': by the l1 norm, as in the published scattergrams; 'frequency', 'rate' and 'scale' rise from the bottom.
        By rate, each rate is a small scattergram by frequency. Paths that have no rate or scale go by frequency.
    frequencies
        [low, high] in Hz of the paths that are shown.
    times
        [from, to] in seconds.
    colours
        Scale of colours; those with _r are dark where it is loud.
    floor
        Level of ε: the lower, the more of what is quiet is seen.
    width
        Width of the picture.

    Raises
    ------
    MistakeError
        Where nothing lies in a range, or order 2 is asked for and there is none.
    """
    from nodes.scattering.drawing import Shades, draw_page
    from nodes.scattering.multiples import own_style, pixels_of
    from nodes.scattering.scattergrams import scattergram_of

    grams = [scattergram_of(scattering, each, sort, frequencies, times) for each in _orders(scattering, order)]
    with own_style():
        return Figure(pixels_of(draw_page(grams, None, Shades(colours, floor)), width / PAGE))


@node(facts=map_facts)
def rate_scale_map(
    scattering: Scattering,
    *,
    frequencies: Band | None = None,
    times: Times | None = None,
    colours: Colours = "magma_r",
    floor: Floor = -40.0,
    width: Width = 1650,
) -> Figure:
    """Draw the energy of the modulations by rate, to the right, and by signed scale: rising above 0, falling below.

    The energy is summed over bands and is its mean over time and channels, in dB below the strongest rate and scale. It
    does not depend on how densely the scales are sampled. What has no path in the range of frequencies is grey.

    Parameters
    ----------
    scattering
        A joint scattering with orders: 2.
    frequencies
        [low, high] in Hz: which part of the spectrum is modulated; all of it unless given.
    times
        [from, to] in seconds; the whole sound unless given.
    colours
        Scale of colours.
    floor
        Level at which colours end.
    width
        Width of the picture.

    Raises
    ------
    MistakeError
        Where there are no rates and scales, or nothing lies in a range.
    """
    from nodes.scattering.drawing import Shades, draw_page
    from nodes.scattering.maps import rate_scale_energy
    from nodes.scattering.multiples import own_style, pixels_of

    found = rate_scale_energy(scattering, frequencies, times)
    shades = Shades(colours, floor, compressed=False)
    with own_style():
        return Figure(pixels_of(draw_page([], found, Shades(), shades), width / PAGE))


def _orders(scattering: Scattering, order: Order) -> list[str]:
    from nodes.scattering.scattergrams import require_order

    if order == "both":
        return list(scattering.raw())
    require_order(scattering, order)
    return [f"order{order}"]
