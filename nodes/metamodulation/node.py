"""Edits of modulations: `metamodulate`."""

from typing import Literal

from nodes.metamodulation import checks
from nodes.metamodulation.parameters import OctaveEnvelope, Regions, ShareEnvelope, SpinEnvelope, WidthEnvelope
from nodes.scattering.value import Scattering
from pipelines.context import Context
from pipelines.node import node
from pipelines.quantities import Envelope

NOTHING, AS_IT_IS = Envelope(((0.0, 0.0),)), Envelope(((0.0, 1.0),))


@node(facts=checks.metamodulate_facts)
def metamodulate(
    scattering: Scattering,
    other: Scattering | None = None,
    *,
    hybrid: ShareEnvelope | None = None,
    levels: Literal["absolute", "ratio"] | None = None,
    transpose_frequency: OctaveEnvelope = NOTHING,
    transpose_rate: OctaveEnvelope = NOTHING,
    transpose_scale: OctaveEnvelope = NOTHING,
    spin: SpinEnvelope = AS_IT_IS,
    blur: WidthEnvelope = NOTHING,
    blur_order2: WidthEnvelope = NOTHING,
    gains: Regions | None = None,
    context: Context,
) -> Scattering:
    """Change the modulations of a sound - their rate, scale and direction - as a target for `invert`.

    The phase vocoder can change pitch and duration; here the third level of time is changed: vibrato becomes faster
    while the melody keeps its tempo, rising sounds fall, roughness is filtered as frequencies are by an equaliser.
    Edits are made in this order, whatever the order in a piece: hybrid, transpose_frequency, transpose_rate,
    transpose_scale, spin, blur, blur_order2, gains. Envelopes run in seconds of the sound. Axes, frames and design
    stay as they are; where nothing is asked, so do the coefficients.

    What is moved is interpolated linearly between neighbouring filters, so that more `rates_per_octave` and
    `scales_per_octave` of the scattering make smaller steps than an octave more exact. What is moved beyond the last
    filter of the bank is lost, and from beyond it nothing comes: the rates at that end become empty. In scatterings
    with `logarithm` or `normalise` empty paths weigh as much as others; `path_weights` of invert leave them free. The
    spectrum of a coloured start of invert follows what `transpose_frequency`, `blur` and `gains` make of the bands. A
    note tells where next to nothing is left of an order, and which envelopes go on after the end of the sound.

    Parameters
    ----------
    scattering
        What is edited. Edits of scales and spin need `kind: joint`.
    other
        A second scattering, of the same design, sample rate and length: the modulations of a hybrid.
    hybrid
        Part of the second order that comes from `other`: 0 none, 1 all, as it is where `other` is given; the first
        order is always that of `scattering`.
    levels
        How loud modulations from `other` are: 'absolute', as they are there, or 'ratio', band by band in the same
        proportion to the first order of `scattering` as they have there to that of `other`. 'absolute' unless given.
    transpose_frequency
        Moves all bands, with their modulations.
    transpose_rate
        Makes modulations faster: 1 doubles the rate of a vibrato.
    transpose_scale
        Makes modulations finer along log-frequency: 1 brings patterns twice as close together. Scale 0, what all
        bands do at once, has no octave, and stays.
    spin
        s of (1 + s)/2 S2(scale) + (1 - s)/2 S2(-scale): 1 as it is, 0 rising and falling alike, -1 rising sounds fall
        and falling ones rise (Lostanlen and Hecker, DAFx 2019).
    blur
        Standard deviation in octaves of a blur of the first order along log-frequency: what is reversed by `spin`
        must not be contradicted by bands that are too sharp.
    blur_order2
        The same for the second order.
    gains
        Levels of regions, as [{rate: [4, 16], scale: [0.5, 4], frequency: [200, 2 kHz], gain: -12 dB}]: of all paths
        that lie in all ranges that a region has, ends included. The gain may be an envelope. Scales have a sign,
        rising sounds above 0. Where regions overlap, their gains add up. A region without a rate and a scale is of
        both orders, an equaliser; one with a rate is of the second alone.

    Raises
    ------
    MistakeError
        Where an edit needs paths that the scattering does not have, or the two scatterings do not go together.
    """
    from nodes.metamodulation.editing import edited, notes_of

    regions = gains or []
    envelopes = {
        "transpose_frequency": transpose_frequency,
        "transpose_rate": transpose_rate,
        "transpose_scale": transpose_scale,
        "spin": spin,
        "blur": blur,
        "blur_order2": blur_order2,
    }
    checks.refuse_lone_hybrid(other is not None, hybrid, levels)
    asked = checks.asked_for(envelopes)
    checks.refuse_impossible(scattering, [*asked, *(["hybrid"] if other else [])], regions)
    if other is not None:
        checks.refuse_other(scattering, other, levels)
    result = edited(
        scattering,
        other,
        hybrid=hybrid or AS_IT_IS,
        levels=levels or "absolute",
        envelopes={name: envelopes[name] for name in asked},
        gains=regions,
    )
    for text in notes_of(scattering, result, {name: envelopes[name] for name in asked}):
        context.note(text)
    return result
