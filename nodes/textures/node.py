"""Sound textures as nodes: `texture_correlate`."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit

FRAME_SECONDS = 0.0232
"""Length of a frame unless it is given: 1024 samples at 44100 Hz."""

MOST_STATISTICS = 8.0
"""Statistics a sample beyond which a resynthesis could only be a copy."""

Size = Annotated[int, Field(ge=1, le=1024)]
KERNELS: list[tuple[int, int]] = [(25, 2), (13, 3), (5, 5), (1, 51)]


def _usual_kernels(bands: int) -> list[tuple[int, int]]:
    return list(dict.fromkeys((min(height, bands), width) for height, width in KERNELS))


def _facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse kernels that do not fit before anything runs; the statistics know no more than the sound."""
    if parameters["kernels"] is not None:
        _refuse_kernels(parameters["kernels"], parameters["bands"])
    return {}


def _refuse_kernels(kernels: list[tuple[int, int]], bands: int) -> None:
    """Refuse kernels that are taller than the spectrogram, or given twice."""
    for kernel in kernels:
        if kernel[0] > bands:
            raise mistake(
                "a kernel is taller than there are bands",
                parameter="kernels",
                given=f"{list(kernel)} with {bands} bands",
                allowed=f"a height of 1 to {bands}",
            )
        if kernels.count(kernel) > 1:
            raise mistake("a kernel is given twice", parameter="kernels", given=str(list(kernel)))


@node(facts=_facts)
def texture_correlate(
    audio: Audio,
    *,
    bands: Annotated[int, Field(ge=2, le=512), Unit("bands")] = 64,
    kernels: Annotated[list[tuple[Size, Size]], Unit("bands × frames")] | None = None,
    filters: Annotated[int, Field(ge=1, le=256), Unit("filters per kernel")] = 16,
    network_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0,
    n_fft: Annotated[int, Field(ge=16, le=2**16), Unit("samples")] | None = None,
    hop: Annotated[int, Field(ge=1), Unit("samples")] | None = None,
    context: Context,
) -> TextureStatistics:
    """Return statistics of a sound from which another sound of the same texture can be made with `invert`.

    Classes: `mean` and `level` of each band, `covariance` of every two bands, and for each kernel
    `kernel_25x2`: at each frequency the products of every two of its random filters on the log spectrogram
    (Caracalla and Roebel, DAFx 2019 and ICASSP 2020). All are averages over time: the length of what is made
    from them is free. Magnitudes are relative to the level of their band. Logged as `statistics_per_sample` is
    how many there are; where they come near 1 and above a resynthesis begins to copy its source.

    Parameters
    ----------
    audio
        A sound that is alike everywhere, of some seconds.
    bands
        Number of frequency bands, spaced as the ear's.
    kernels
        Sizes [bands, frames] of the random filters: tall ones see how bands go together, long ones see rhythm.
        Unless given [25, 2], [13, 3], [5, 5] and [1, 51], no taller than there are bands.
    filters
        Number of filters of each kernel.
    network_seed
        Seed of the filters; statistics can be compared only at one seed.
    n_fft
        Length of a frame; the power of two nearest to 23 ms unless given.
    hop
        Distance of frames; a quarter of n_fft unless given.

    Raises
    ------
    MistakeError
        Where the sound is too short, bands, kernels or frames do not fit each other, there are far more
        statistics than samples, or a sample is NaN or infinite.
    """
    from nodes.textures.statistics import statistics_of
    from nodes.values.blocks import require_finite_sound

    n_fft = n_fft or max(16, 2 ** round(math.log2(FRAME_SECONDS * audio.sample_rate)))
    hop = hop or n_fft // 4
    kernels = _usual_kernels(bands) if kernels is None else kernels
    _refuse_kernels(kernels, bands)
    _refuse_frames(bands, n_fft, hop)
    require_finite_sound(audio.samples, audio.sample_rate)
    found = statistics_of(audio, n_fft, hop, bands, kernels, filters, network_seed, context.device)
    density = found.count / audio.length
    context.log("statistics_per_sample", density)
    if density > MOST_STATISTICS:
        raise mistake(
            "there are far more statistics than samples: a resynthesis could only be a copy",
            given=f"{found.count} statistics of {audio.length} samples",
            allowed=f"{MOST_STATISTICS:g} a sample; below 1 is wise",
            hint="take a longer sound, or fewer bands, kernels or filters",
        )
    return found


def _refuse_frames(bands: int, n_fft: int, hop: int) -> None:
    """Refuse frames with fewer bins than bands, and frames so far apart that they miss parts of the sound."""
    if bands > n_fft // 2 - 1:
        raise mistake(
            "there are more bands than bins",
            parameter="bands",
            given=f"{bands} with frames of {n_fft} samples",
            allowed=f"2 to {n_fft // 2 - 1}",
            hint="raise n_fft or lower bands",
        )
    if hop > n_fft // 2:
        raise mistake(
            "frames this far apart do not see all of the sound",
            parameter="hop",
            given=f"{hop} with frames of {n_fft} samples",
            allowed=f"1 to {n_fft // 2} samples",
            hint=f"leave hop out to get {n_fft // 4}",
        )
