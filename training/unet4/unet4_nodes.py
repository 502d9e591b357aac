"""Nodes that make the network of `separate backend=unet4`: stems of music, training, evaluation.

    resynthesis render --nodes training/unet4/unet4_nodes.py --config-dir training/unet4/conf piece=unet4

They need the Debian packages freedoom, fluidsynth, fluid-soundfont-gm, espeak-ng and flite, and from PyPI what stands
in requirements.txt beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from nodes.values.plain import Text
from pipelines.context import Context, release
from pipelines.mistakes import mistake
from pipelines.node import node
from pipelines.quantities import AudioFiles, Seconds, Unit
from pipelines.value import Array, Value

FULL_SCALE = 32767
MEAN = 50
"""Iterations whose mean loss is one point of the curve."""

EVERY = 500
"""Iterations from one checkpoint to the next; then the network is tried on what it is not trained with."""


@dataclass(frozen=True, eq=False)
class StemSet(Value):
    """Excerpts of music with their stems.

    Parameters
    ----------
    name
        Name of the piece.
    samples
        excerpts × stems × 2 × samples, int16: vocals, drums, bass, other.
    sample_rate
        Samples a second.
    """

    name: str
    samples: Array
    sample_rate: int

    def describe(self) -> str:
        """Return name, number and length."""
        return f"StemSet, {self.name}, {len(self.samples)} × {self.samples.shape[-1] / self.sample_rate:.0f} s"

    def excerpts(self) -> list[Array]:
        """Return the excerpts as floating-point numbers, each stems × 2 × samples."""
        return [each.astype(np.float32) / FULL_SCALE for each in self.samples]


@dataclass(frozen=True, eq=False)
class Network(Value):
    """Weights of a network by name."""

    tensors: dict[str, Array]

    def describe(self) -> str:
        """Return how many numbers there are."""
        return f"Network, {sum(each.size for each in self.tensors.values())} numbers"

    def write(self, folder: Path, name: str) -> list[Path]:
        """Write the weights as .safetensors."""
        from nodes.separation.unet4.weights import file_of

        path = folder / f"{name}.safetensors"
        path.write_bytes(file_of(self.tensors))
        return [path]


class Scores(NamedTuple):
    """What was measured, as CSV and as a text."""

    csv: Text
    text: Text


@node
def render_stems(
    *,
    piece: str,
    variations: Annotated[int, Field(ge=0, le=50)] = 0,
    length: Annotated[Seconds, Field(gt=4, le=600)] = 24.0,
    archives: AudioFiles,
    font: AudioFiles,
    context: Context,
) -> StemSet:
    """Render excerpts of a piece of Freedoom's music with exact stems, and a voice that sings its melody or speaks.

    Parameters
    ----------
    piece
        Name of the piece in the archives, such as d_e1m1.
    variations
        How many excerpts, each with other instruments, keys, tempi, places and voices; 0 for one as it is written.
    length
        Length of an excerpt.
    archives
        Freedoom's .wad files.
    font
        A sound font for FluidSynth.
    """
    import midi_music
    import rendered_stems

    try:
        events = midi_music.read(archives.paths, piece)
    except LookupError as error:
        raise mistake(
            str(error), parameter="piece", given=piece, allowed=", ".join(midi_music.names(archives.paths))
        ) from error
    generator = context.generator
    shape = (max(1, variations), len(rendered_stems.STEMS), 2, round(length * midi_music.RATE))
    found = context.array(shape, np.int16)
    for excerpt in context.progress(range(len(found))):
        made = rendered_stems.varied(events, length, generator, font.paths[0]) if variations else None
        made = made or rendered_stems.made(events, length, generator, font.paths[0])
        for number, stem in enumerate(rendered_stems.STEMS):
            found[excerpt, number] = np.clip(np.round(made[stem] * FULL_SCALE), -FULL_SCALE, FULL_SCALE)
        release(found)
    return StemSet(piece, found, midi_music.RATE)


@node
def train_unet4(
    music: list[StemSet],
    trial: list[StemSet],
    start: Network | None = None,
    *,
    iterations: Annotated[int, Field(ge=1)] = 10000,
    batch: Annotated[int, Field(ge=1, le=64), Unit("examples")] = 4,
    rate: Annotated[float, Field(gt=0, le=0.1)] = 3e-3,
    emphasis: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]] | None = None,
    context: Context,
) -> Network:
    """Train the network of `separate backend=unet4`; it goes on where it was stopped.

    Parameters
    ----------
    music
        What it learns from; stems are mixed anew for each example.
    trial
        What it is tried on now and then; nothing is learnt from it, and nothing is chosen by it.
    iterations
        Batches.
    batch
        Examples of 3 s in one batch.
    start
        What it goes on from, as a training of its own; weights by chance unless given.
    rate
        Largest step size of Adam.
    emphasis
        How much vocals, drums, bass and other count in the loss; all alike unless given.
    """
    from mask_learning import EVEN, Training
    from training_trial import median_ratios

    from nodes.separation.unet4.network import STEMS
    from nodes.separation.unet4.weights import network_of, stored

    if emphasis is not None and len(emphasis) != len(STEMS):
        raise mistake("each stem counts", parameter="emphasis", given=str(emphasis), allowed=f"{len(STEMS)} numbers")
    first = network_of(start.tensors) if start is not None else None
    pieces = [excerpt for each in music for excerpt in each.samples]
    training = Training(pieces, iterations, batch, rate, context.seed, emphasis or EVEN, first)
    if (kept := context.load_checkpoint()) is not None:
        training.restore(kept)
    losses: list[float] = []
    for iteration in context.progress(range(iterations)):
        if iteration < training.done:
            continue
        losses.append(training.step())
        if iteration % MEAN == MEAN - 1:
            context.log("loss", float(np.mean(losses)), iteration)
            losses.clear()
        if iteration % EVERY == EVERY - 1:
            context.save_checkpoint(training.state())
            ratios = median_ratios(training.network(), _excerpts(trial))
            for stem, ratio in zip(STEMS, ratios, strict=True):
                context.log(f"uSDR {stem}", ratio, iteration)
    return Network(stored(training.network()))


@node
def load_unet4(*, weights: AudioFiles) -> Network:
    """Read a network that was trained before, to go on from it or to evaluate it.

    Parameters
    ----------
    weights
        A .safetensors file that a training made.
    """
    from nodes.separation.unet4.weights import load_network, stored

    return Network(stored(load_network(weights.paths[0])))


@node
def evaluate_unet4(network: Network, music: list[StemSet]) -> Scores:
    """Separate music that the network was not trained with, and tell uSDR in dB: the ratio of stem and error.

    Parameters
    ----------
    network
        What `train_unet4` made.
    music
        Pieces with exact stems.
    """
    from training_trial import table_of

    from nodes.separation.unet4.weights import network_of

    csv, text = table_of(
        network_of(network.tensors), [(each.name, excerpt) for each in music for excerpt in each.excerpts()]
    )
    return Scores(Text(csv, "csv"), Text(text))


def _excerpts(music: Sequence[StemSet]) -> list[Array]:
    return [excerpt for each in music for excerpt in each.excerpts()]
