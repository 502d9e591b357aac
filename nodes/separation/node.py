"""Taking a sound apart as nodes."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from nodes.factorisation.node import decompose_facts
from nodes.factorisation.value import Activations, Bases
from nodes.separation.backends import BACKENDS, by_nmf, hop_of
from nodes.separation.choosing import outputs_with, settled
from nodes.separation.showing import draw_stems, play_stems
from nodes.values.audio import Audio, Takes
from pipelines.context import Context
from pipelines.node import Facts, node
from pipelines.quantities import AudioFiles, Seconds, Unit


class Stems(NamedTuple):
    """The parts of a sound; those that the backend does not make are None."""

    vocals: Audio | None = None
    accompaniment: Audio | None = None
    drums: Audio | None = None
    bass: Audio | None = None
    piano: Audio | None = None
    guitar: Audio | None = None
    other: Audio | None = None
    harmonic: Audio | None = None
    percussive: Audio | None = None
    residual: Audio | None = None
    components: Takes | None = None
    bases: Bases | None = None
    activations: Activations | None = None


def _separate_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse a hop that is too large before anything runs; every part is like the input."""
    if parameters["backend"] == "nmf":
        return decompose_facts(inputs, parameters)
    if parameters["backend"] == "hpss":
        hop_of(parameters["n_fft"], parameters["hop"])
    return dict.fromkeys(outputs_with(parameters), inputs["audio"] or {})


@node(facts=_separate_facts, settle=settled, outputs=outputs_with, figure=draw_stems, page=play_stems)
def separate(
    audio: Audio,
    *,
    backend: Literal["spleeter", "unet4", "repet", "hpss", "nmf", "onnx", "demucs"] | None = None,
    stems: Annotated[int, Field(ge=2, le=512)] | None = None,
    weights: AudioFiles | None = None,
    model: AudioFiles | None = None,
    mask_extension: Literal["zeros", "average"] = "zeros",
    wiener: bool = False,
    to_16_khz: bool = False,
    similar: Annotated[int, Field(ge=3, le=201), Unit("frames")] = 25,
    reach: Annotated[Seconds, Field(gt=0, le=120)] = 15.0,
    distance: Annotated[Seconds, Field(le=60)] = 0.5,
    centre: Annotated[float, Field(ge=0, le=1)] = 0.5,
    harmonic_kernel: Annotated[int, Field(ge=1, le=1001), Unit("frames")] = 31,
    percussive_kernel: Annotated[int, Field(ge=1, le=1001), Unit("bins")] = 31,
    harmonic_margin: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0,
    percussive_margin: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0,
    power: Annotated[float, Field(gt=0)] = 2.0,
    divergence: Literal["kullback_leibler", "itakura_saito", "euclidean"] = "kullback_leibler",
    iterations: Annotated[int, Field(ge=1, le=10_000)] = 100,
    n_fft: Annotated[int, Field(ge=16, le=2**16), Unit("samples")] | None = None,
    hop: Annotated[int, Field(ge=1), Unit("samples")] | None = None,
    context: Context,
) -> Stems:
    """Take a sound apart: voice and instruments, or tones and strokes. Each stem is an output: `stems.vocals`.

    - 'spleeter' is the trained network of Hennequin, Khlif, Voituret and Moussallam ("Spleeter: a fast and efficient
      music source separation tool with pre-trained models", JOSS 2020), by its original weights: 2 stems, vocals and
      accompaniment; 4, vocals, drums, bass and other; 5, with piano. `resynthesis models` gets and keeps weights. It
      knows nothing above 11 kHz, so that its stems add up to less than the sound.
    - 'unet4' is a small network of the project's own, whose weights come with it: vocals, drums, bass and other, which
      add up to the sound up to 22 kHz. It has learnt from instruments of a sound font and voices of programs.
    - 'repet' needs no weights. What is found again in other places is accompaniment (REPET-SIM: Rafii and Pardo,
      "Music/voice separation using the similarity matrix", ISMIR 2012), and what is in the middle of a stereo sound
      is voice; in the rest drums are strokes, bass are low tones, and other is what remains. Stems are vocals, drums,
      bass and other, or 2, vocals and accompaniment. They add up to the sound.
    - 'hpss' gives the harmonic and the percussive part, and a residual that is neither, by median filtering of each
      channel's spectrogram (FitzGerald, "Harmonic/percussive separation using median filtering", DAFx 2010) as librosa
      does it. The three add up to the sound; the residual holds something where a margin is above 1 (Driedger, Müller
      and Disch, "Extending harmonic-percussive separation of audio", ISMIR 2014).
    - 'nmf' writes the sound as a sum of components, each a spectrum with a level over time, as `nmf_decompose` does,
      which says more of it: `components`, which add up to the sound, are takes; `bases` are their spectra and
      `activations` their levels.
    - 'onnx' has networks of yours in the place of Spleeter's, one .onnx file a stem, and needs the extra 'onnx'
      (ONNX Runtime). Their input x and output y are magnitudes, 2 × segments × 512 × 1024, as sherpa-onnx has them.
    - 'demucs' has a model of yours for Demucs (Défossez, "Hybrid spectrogram and waveform source separation", MDX
      Workshop 2021; Rouard, Massa and Défossez, "Hybrid transformers for music source separation", ICASSP 2023), and
      needs the extra 'demucs'. Stems are vocals, drums, bass and other, or 6, with guitar and piano. A model is read
      with no code in it run, and used without random shifts.

    Without a backend it is what a named model is for, else Spleeter where its weights are here, else 'repet'; plan and
    record say which, and why.
    Sounds of any length, sample rate and number of channels come out as they went in; parts lie on disk.

    Parameters
    ----------
    audio
        A sound of any length.
    backend
        How to separate.
    stems
        How many: 2, 4 or 5 by Spleeter, as many as its weights have unless given; 2 or 4, which is usual, by 'repet';
        4, which is usual, or 6 by 'demucs'; 2 to 512 components, 8 unless given, by 'nmf'.
    weights
        spleeter: a folder with a checkpoint, its .index, or a .safetensors file of `resynthesis models`; those that
        `resynthesis models` keeps unless given. unet4: a .safetensors file that its training made; those that come with
        it unless given.
    model
        onnx: a folder or a pattern with one file a stem: vocals.onnx, accompaniment.onnx. demucs: NAME.yaml with its
        networks beside it, SIGNATURE-CHECKSUM.th or SIGNATURE.safetensors, or a single network.
    mask_extension
        spleeter, onnx: what is done above what the network knows: 'zeros' drops it from all stems, 'average' shares it
        in proportion to what is below.
    wiener
        spleeter, onnx: multichannel Wiener filtering of the stems; cleaner in stereo, at half the speed.
    to_16_khz
        spleeter: let the network see up to 16 kHz instead of 11.
    similar
        repet: how many frames that are like one are compared, with itself.
    reach
        repet: how far around a frame these are sought.
    distance
        repet: least time between them.
    centre
        repet: how much it counts for voice to be in the middle; 0 for not at all.
    harmonic_kernel
        hpss: length of the median along time: longer asks for steadier tones.
    percussive_kernel
        hpss: length of the median along frequency: longer asks for broader strokes.
    harmonic_margin
        hpss: how many times the percussive estimate the harmonic one must reach.
    percussive_margin
        hpss: how many times the harmonic estimate the percussive one must reach.
    power
        hpss: exponent of the masks: 2 shares a bin between the parts, '.inf' gives it to the stronger one.
    divergence
        nmf: what is made small between spectrogram and sum.
    iterations
        nmf: how many updates.
    n_fft
        hpss, nmf: length of a frame; 2048 and 4096 unless given, for 'nmf' a multiple of 4.
    hop
        hpss: distance of frames, at most half of n_fft; a quarter of n_fft where it is not given.

    Raises
    ------
    MistakeError
        Where weights are missing, damaged or of another model, an extra is not installed, a parameter belongs to
        another backend, the hop is too large, or a sample is NaN, infinite or too loud.
    """
    given = {name: value for name, value in locals().items() if name not in ("audio", "context")}
    decided, _ = settled(given)  # nothing is left to decide where a plan was made
    if decided["backend"] == "nmf":
        return Stems(**by_nmf(audio, decided, context)._asdict())
    names = outputs_with(decided)
    parts = {name: context.array(audio.samples.shape, np.float32) for name in names}
    BACKENDS[decided["backend"]](audio, decided, parts, context)
    made: dict[str, Any] = {name: Audio(part, audio.sample_rate, audio.markers) for name, part in parts.items()}
    return Stems(**made)
