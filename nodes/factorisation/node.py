"""Non-negative matrix factorisation as nodes: `nmf_decompose`, `nmf_cross`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from nodes.factorisation.value import Activations, Bases
from nodes.separation.showing import draw_stems, play_stems
from nodes.values.audio import Audio, Takes
from pipelines.context import Context, release
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit

FrameLength = Annotated[int, Field(ge=16, le=2**16, multiple_of=4), Unit("samples")]
Frames = Annotated[int, Field(ge=0, le=1000), Unit("frames")]

MOST_LEVELS = 2**30
"""Most levels of source frames in frames, 4 GB on disk twice."""

EVERY = 10
"""Iterations between two measurements of the divergence."""


class Components(NamedTuple):
    """Sounds that add up to the one that was decomposed, their spectra, and their levels over time."""

    components: Takes
    bases: Bases
    activations: Activations


def decompose_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Return the form of the sound for the components, its sample rate for the rest."""
    known = inputs["audio"] or {}
    rate = {"sample_rate": known["sample_rate"]} if "sample_rate" in known else {}
    return {"components": known, "bases": rate, "activations": rate}


@node(facts=decompose_facts, figure=draw_stems, page=play_stems)
def nmf_decompose(
    audio: Audio,
    bases: Bases | None = None,
    *,
    components: Annotated[int, Field(ge=1, le=512)] = 8,
    divergence: Literal["kullback_leibler", "itakura_saito", "euclidean"] = "kullback_leibler",
    iterations: Annotated[int, Field(ge=1, le=10_000)] = 100,
    learn: bool = True,
    n_fft: FrameLength = 4096,
    context: Context,
) -> Components:
    """Write a sound as a sum of components, each a spectrum that does not change with a level over time.

    Non-negative matrix factorisation of the spectrogram by multiplicative updates (Lee and Seung, "Algorithms for
    non-negative matrix factorization", NIPS 2000), from a random start by the step's seed. All channels share the
    spectra, and each has its own levels. A component is the sound through a mask: in each bin its share of the sum of
    all (Wiener's filter), so that components add up to the sound; the strongest is the first.

    With `bases` of another sound and `learn: false` the sound is heard through spectra that are known; with `learn:
    true` they are where it starts. Frames are n_fft / 4 apart. The components lie on disk; the levels, frames ×
    components, are in memory.

    Parameters
    ----------
    audio
        A sound of one sample or more.
    bases
        Spectra to begin with, of the same sample rate and n_fft; random ones unless given.
    components
        How many, unless bases are given.
    divergence
        What is made small between spectrogram and sum. 'kullback_leibler' of magnitudes is a good first choice.
        'itakura_saito' of powers (Févotte, Bertin and Durrieu 2009) does not depend on level: quiet parts count as
        much as loud ones. 'euclidean' of magnitudes listens to what is loud.
    iterations
        How many updates.
    learn
        Whether given bases change too; without bases they do in any case.
    n_fft
        Length of a frame.

    Raises
    ------
    MistakeError
        Where the sound is empty, holds NaN or infinity, or the bases are of another form.
    """
    from nodes.factorisation.spectra import by_energy, fill, frames_of, sounding
    from nodes.factorisation.updates import Factors, divergence_of, improve, power_of, started, started_levels

    _refuse_sound("audio", audio)
    hop, power = n_fft // 4, power_of(divergence)
    if bases is not None:
        _refuse_bases(bases, audio.sample_rate, n_fft, power)
    frames = frames_of(audio.samples, hop)
    matrix = context.array((audio.channels, frames, n_fft // 2 + 1), np.float32)
    fill(audio.samples, hop, power, matrix)
    rows = matrix.reshape(-1, n_fft // 2 + 1)
    if bases is None:
        factors = started(rows, components, context.generator)
    else:
        factors = Factors(started_levels(rows, len(bases), context.generator), np.array(bases.spectra))
    for iteration in context.progress(range(iterations)):
        factors = improve(rows, factors, divergence, learn or bases is None)
        if (iteration + 1) % EVERY == 0 or iteration + 1 == iterations:
            context.log("divergence", divergence_of(rows, factors, divergence) / rows.size, iteration + 1)
    factors = by_energy(factors) if bases is None else factors
    levels = factors.levels.reshape(audio.channels, frames, -1)
    count = len(factors.spectra)
    sounds = [context.array(audio.samples.shape, np.float32) for _ in range(count)]
    for component, start, stop, part in sounding(audio.samples, hop, levels, factors.spectra):
        sounds[component][:, start:stop] = part
        release(sounds[component])
    takes = Takes(tuple(sounds), audio.sample_rate, tuple(str(number) for number in range(1, count + 1)))
    found = np.ascontiguousarray(levels.transpose(0, 2, 1))
    return Components(
        takes,
        Bases(factors.spectra, audio.sample_rate, n_fft, power),
        Activations(found, audio.sample_rate, hop, power),
    )


def _cross_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse channels that do not go together; the result is like the sound."""
    known, source = inputs["audio"] or {}, inputs["source"] or {}
    if known.get("channels") and source.get("channels"):
        _refuse_channels(known["channels"], source["channels"])
    return {"value": known}


@node(facts=_cross_facts)
def nmf_cross(
    audio: Audio,
    source: Audio,
    *,
    iterations: Annotated[int, Field(ge=1, le=1000)] = 10,
    repetition: Frames = 3,
    polyphony: Annotated[int, Field(ge=1, le=1000), Unit("frames")] = 10,
    continuity: Frames = 3,
    n_fft: FrameLength = 4096,
    context: Context,
) -> Audio:
    """Make a sound of the spectra of another one: the first gives pitch and rhythm, the source the timbre.

    Non-negative matrix factorisation whose spectra are the frames of the source (Driedger, Prätzlich and Müller, "Let
    it bee: towards NMF-inspired audio mosaicing", ISMIR 2015): only their levels in the result's frames are learnt.
    Rules that grow harder with each iteration keep the source recognisable: a frame is not heard again soon, only a
    few at a time are, and runs of frames that follow each other in the source are preferred. The phases are those of
    the source's frames. Levels begin at random, by the step's seed, and are compared as they are heard, while in the
    paper they count in times of a source frame.

    Each channel is made of the same channel of the source, or of its only one. Time and memory on disk grow with the
    product of both lengths. Frames are n_fft / 4 apart.

    Parameters
    ----------
    audio
        The sound to be made again.
    source
        The sound it is made of; long and varied sources follow best.
    iterations
        How many updates.
    repetition
        Frames at either side within which a frame of the source is not heard again; 0 lets it stutter.
    polyphony
        How many frames of the source are heard at a time.
    continuity
        Frames at either side that are drawn along: larger keeps longer pieces of the source as they are, 0 none.
    n_fft
        Length of a frame.

    Raises
    ------
    MistakeError
        Where a sound is empty, silent throughout (the source), too long, or holds NaN or infinity, or where rates or
        channels differ.
    """
    from nodes.factorisation.crossing import Rules
    from nodes.factorisation.mosaic import Mosaic
    from nodes.factorisation.spectra import frames_of

    for name, sound in (("audio", audio), ("source", source)):
        _refuse_sound(name, sound)
    _refuse_channels(audio.channels, source.channels)
    _refuse_rate("source", source.sample_rate, audio.sample_rate)
    hop = n_fft // 4
    count, others = frames_of(audio.samples, hop), frames_of(source.samples, hop)
    if count * others > MOST_LEVELS:
        raise mistake(
            "the sounds are too long for each other",
            parameter="source",
            given=f"{audio.duration:.0f} s of {source.duration:.0f} s",
            allowed=f"{source.duration * MOST_LEVELS / (count * others):.0f} s of source for this sound",
            hint="cut the sound or the source, or make n_fft larger",
        )
    if not any(block.any() for block in source.samples):
        raise mistake("the source is silent", parameter="source", given=f"{source.duration:.3f} s of zeros")
    mosaic = Mosaic(hop, Rules(repetition, polyphony, continuity), iterations, context.array, context.tally("levels"))
    generator, made = context.generator, context.array(audio.samples.shape, np.float32)
    for channel in range(audio.channels):
        own = min(channel, source.channels - 1)
        sounds = audio.samples[channel : channel + 1], source.samples[own : own + 1]
        mosaic.make(*sounds, generator, made[channel])
        release(made)
    return Audio(made, audio.sample_rate, audio.markers)


def _refuse_sound(name: str, sound: Audio) -> None:
    from nodes.values.blocks import require_finite_sound

    if not sound.length:
        raise mistake("the sound is empty", parameter=name, given="0 samples", allowed="one sample or more")
    require_finite_sound(sound.samples, sound.sample_rate, f"the {name}")


def _refuse_bases(bases: Bases, sample_rate: int, n_fft: int, power: int) -> None:
    _refuse_rate("bases", bases.sample_rate, sample_rate)
    if bases.n_fft != n_fft or bases.power != power:
        kinds = {1: "magnitudes", 2: "powers"}
        raise mistake(
            "the bases are not of this analysis",
            parameter="bases",
            given=f"n_fft {bases.n_fft}, {kinds[bases.power]}",
            allowed=f"n_fft {n_fft}, {kinds[power]}",
            hint="decompose both sounds with the same n_fft; only 'itakura_saito' compares powers",
        )


def _refuse_rate(name: str, rate: int, wanted: int) -> None:
    if rate != wanted:
        raise mistake(
            "the sample rates differ",
            parameter=name,
            given=f"{rate} Hz",
            allowed=f"{wanted} Hz, as the sound has",
            hint="load both at one sample rate",
        )


def _refuse_channels(channels: int, source: int) -> None:
    if source not in (1, channels):
        raise mistake(
            "the channels do not go together",
            parameter="source",
            given=f"{source} channels beside a sound of {channels}",
            allowed=f"1 or {channels}" if channels > 1 else "1",
        )
