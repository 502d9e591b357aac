"""Statistics of several sounds: `blend`."""

from typing import Annotated

from pydantic import Field

from nodes.textures.editing import checks
from nodes.textures.editing.parameters import Bands, Shares
from nodes.textures.value import TextureStatistics
from pipelines.context import Context
from pipelines.node import node


@node(facts=checks.blend_facts)
def blend(
    statistics: list[TextureStatistics],
    *,
    weights: Shares | None = None,
    classes: dict[str, Annotated[int, Field(ge=1)]] | None = None,
    bands: Bands | None = None,
    context: Context,
) -> TextureStatistics:
    """Make one texture of the statistics of several sounds: an average, a morph along envelopes, a hybrid.

    Statistics are averaged as they are scaled by `texture_edit`: levels as logarithms, correlations as Fisher's z,
    moments as they are. First `weights` hold, then `classes` are taken from single inputs, then `bands`. Deviations are
    combined as the root of the mean of their squares, spectra as geometric means. The result has the length of the
    longest sound. What no sound can have, as the skewness of one with the kurtosis of another, is changed to the
    nearest that one can, and a note tells how much.

    Parameters
    ----------
    statistics
        Statistics of one front end, with the same parameters. Those of one channel go with any number of channels; what
        channels have in common (interaural) then comes from the others alone, whatever the weights.
    weights
        For each input its share beside the others, a number or an envelope over the seconds of the output:
        [[[0, 1], [60, 0]], [[0, 0], [60, 1]]] goes from the first to the second in a minute. All alike unless given;
        all of the first where `classes` or `bands` are given.
    classes
        Which input, counted from 1, a class comes from, as {correlations: 2}: the correlations of the second on the
        moments of the first. Names are those of classes, or levels, moments, modulations, swells, correlations,
        interaural and structure as in `texture_edit`. `band_power` and `envelope_mean` tell of one thing: take both,
        as levels.
    bands
        Which input a range of frequencies, rates or both comes from, as [{frequency: [0, 800], from: 2}]. A
        correlation of two bands comes from there where both lie in the range.

    Raises
    ------
    MistakeError
        Where the statistics are of different front ends (it says in which parameter they differ) or channels, there
        is not one weight for each, or a class, a band or an input does not exist.
    """
    from nodes.textures.editing.blending import blended
    from nodes.textures.editing.models import refuse_different

    hybrid = bool(classes or bands)
    shares = checks.shares_of(len(statistics), weights, hybrid=hybrid)
    checks.refuse_sources(len(statistics), classes or {}, bands or [])
    refuse_different(statistics)
    found, notes = blended(statistics, shares, classes or {}, bands or [])
    for text in notes:
        context.note(text)
    return found
