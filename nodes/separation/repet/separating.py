"""Voice, drums, bass and the rest of a sound, chunk by chunk.

The voice is what does not repeat (REPET-SIM: Rafii and Pardo, "Music/voice separation using the similarity matrix",
ISMIR 2012), and of a stereo sound what lies in the middle too: the geometric mean of both masks. What is left is
divided into strokes, low tones and the rest. What a sample becomes depends on nothing farther away than the reach of
the search, half of the median along time and one frame, so that with this much around each chunk the seams are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from nodes.separation.finite import require_stems
from nodes.separation.repet.framing import frame_count, sound_of, spectra_of
from nodes.separation.repet.masks import central, share, tonal
from nodes.separation.repet.settings import Grid, Settings
from nodes.separation.repet.similarity import alike, repeating
from nodes.values.blocks import require_finite_sound, spans
from pipelines.context import release
from pipelines.value import Array
from pipelines.workers import spread

STEMS = ("vocals", "drums", "bass", "other")
DEFAULT = Settings()


def separate_into(
    samples: Array,
    sample_rate: int,
    outputs: Mapping[str, Array],
    *,
    settings: Settings = DEFAULT,
    heard: Callable[[int, int], None],
) -> None:
    """Write the stems of a sound; their sum is the sound up to rounding.

    One mask is for all channels. The centre counts where there are two channels, both sound, and they are not the same
    throughout; else repetition alone decides. Chunks are separated side by side; their number of threads changes
    nothing. Memory is bounded by the chunk and the reach, whatever the length.

    Parameters
    ----------
    samples
        channels × samples, float32; may be mapped from a file. Any number of channels, any length.
    sample_rate
        Samples a second.
    outputs
        Where to write 'vocals', 'drums', 'bass' and 'other', each shaped as `samples`, float32.
    settings
        How to separate.
    heard
        Called with how many chunks are done since the last call, and how many there are; threads may call it side by
        side.

    Raises
    ------
    MistakeError
        Where a sample is NaN or infinite, or so loud that the stems are.
    """
    require_finite_sound(samples, sample_rate)
    grid = settings.at(sample_rate)
    stereo = settings.centre > 0 and _has_centre(samples)
    chunks = list(spans(samples.shape[1], grid.chunk(len(samples))))

    def separate(chunk: tuple[int, int]) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # what is too loud is refused below
            parts = _stems(samples, grid, stereo, *chunk)
        for name, part in zip(STEMS, parts, strict=True):
            require_stems(part, samples[:, slice(*chunk)])
            outputs[name][:, slice(*chunk)] = part
            release(outputs[name])
        release(samples)
        heard(1, len(chunks))

    spread(separate, chunks)


def _has_centre(samples: Array) -> bool:
    """Return whether there are two channels that both sound and differ somewhere."""
    if len(samples) != 2:
        return False
    differ, sound = False, np.zeros(2, bool)
    for start, stop in spans(samples.shape[1]):
        block = samples[:, start:stop]
        differ, sound = differ or not np.array_equal(*block), sound | block.any(axis=1)
        release(samples)
    return differ and bool(sound.all())


def _stems(samples: Array, grid: Grid, stereo: bool, start: int, stop: int) -> tuple[Array, Array, Array, Array]:
    """Return the stems of samples `start` to `stop`."""
    first, last = start // grid.hop, frame_count(stop, grid.hop)
    total = frame_count(samples.shape[1], grid.hop)
    low, high = max(0, first - grid.steady), min(total, last + grid.steady)
    spectra = spectra_of(samples, grid.hop, low, high)
    voice = _voice(samples, grid, spectra, low, high, total)
    if stereo:
        weight = grid.settings.centre
        voice = np.power(voice, 1 - weight) * np.power(central(spectra[0], spectra[1], grid.settings.focus), weight)
    voice[:, : int(np.ceil(grid.settings.lowest / grid.width))] = 0
    accompaniment = np.abs(spectra).mean(axis=0) * (1 - voice)
    tones = tonal(accompaniment, first - low, high - last, grid.steady, grid.broad)
    inner = slice(first - low, last - low)
    spectra, voice = spectra[:, inner], voice[inner]
    masks = voice, (1 - voice) * (1 - tones), (1 - voice) * tones * _low_pass(grid, spectra.shape[2])
    sounds = [sound_of(spectra * mask, grid.hop)[:, : stop - start] for mask in masks]
    rest = samples[:, start:stop] - sounds[0] - sounds[1] - sounds[2]
    return sounds[0], sounds[1], sounds[2], rest


def _voice(samples: Array, grid: Grid, spectra: Array, low: int, high: int, total: int) -> Array:
    """Return the mask of what does not repeat, of frames `low` to `high`, whose spectra are known."""
    first, last = max(0, low - grid.reach), min(total, high + grid.reach)
    magnitudes = np.empty((last - first, grid.n_fft // 2 + 1), np.float32)
    magnitudes[low - first : high - first] = np.abs(spectra).mean(axis=0)
    for begin, end in ((first, low), (high, last)):
        for one, other in spans(end - begin, 256):
            around = spectra_of(samples, grid.hop, begin + one, begin + other)
            magnitudes[begin + one - first : begin + other - first] = np.abs(around).mean(axis=0)
    places = alike(magnitudes, low - first, high - first, grid.reach, grid.distance, grid.similar)
    inner = magnitudes[low - first : high - first]
    repeated = np.minimum(repeating(magnitudes, places), inner)
    return share(inner - repeated, repeated)


def _low_pass(grid: Grid, bins: int) -> Array:
    """Return a mask over bins that falls to half at the end of the bass, within a third of an octave at either side."""
    octaves = np.log2(np.maximum(np.arange(bins), 0.5) * grid.width / grid.settings.bass)
    return np.asarray(np.clip(0.5 - 1.5 * octaves, 0, 1), np.float32)
