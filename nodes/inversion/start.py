"""Initial sounds: random phases under the spectrum and envelope of the targets, or noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from nodes.inversion.checks import refuse_no_start
from nodes.inversion.goals import Goals
from nodes.inversion.spectra import mean_power, resampled, stretched, told
from nodes.values.representation import Representation
from pipelines.mistakes import mistake
from pipelines.value import Array
from pipelines.workers import spread

Initial = Literal["coloured", "envelope", "energies", "white", "pink", "statistics", "tonal"]
Phases = Literal["independent", "shared"]

UNKNOWN_LEVEL = 0.1
"""Root-mean-square of noise where no target tells its level: -20 dBFS."""

LOWEST_PINK = 20.0
"""Frequency in Hz below which pink noise does not become louder."""


def first_sounds(
    targets: Sequence[Representation],
    weights: Sequence[float],
    count: int,
    length: int,
    initial: Initial,
    phases: Phases,
    seed: int,
) -> Array:
    """Return noise as iterate 0.

    Parameters
    ----------
    targets, weights
        What to reach, and how much each counts.
    count, length
        Channels and samples to make; the end goes on into the beginning.
    initial
        'coloured': the magnitudes of `colour()` with random phases; 'envelope': that times `envelope()`; 'energies':
        Gaussian noise with the power of `spectrum()`; 'white' and 'pink': Gaussian noise at the level of `colour()`.
        Where no target tells a spectrum, white noise stands for it.
    phases
        'independent': each channel has random numbers of its own; 'shared': all have the same.
    seed
        The same seed gives the same bits.

    Returns
    -------
    count × length, float32.

    Raises
    ------
    MistakeError
        Where an envelope is asked for that no target tells.
    """
    spectra = told(targets, weights, lambda target: target.spectrum() if initial == "energies" else target.colour())
    envelopes = told(targets, weights, lambda target: target.envelope()) if initial == "envelope" else []
    if initial == "envelope" and not envelopes:
        raise mistake(
            "no target tells the envelope of its sound",
            parameter="initial",
            given="envelope",
            allowed="coloured, energies, white or pink, or a target that keeps time such as a scattering",
        )
    squares = [(weight, np.square(values, dtype=np.float64)) for weight, values in envelopes]
    made = np.empty((count, length), np.float32)
    for channel in range(count):
        random = np.random.default_rng([seed, 0 if phases == "shared" else channel])
        spectrum = mean_power(spectra, channel, lambda values: resampled(values, length))
        sound = noise(initial, spectrum, length, targets[0].sample_rate, random)
        power = mean_power(squares, channel, lambda values: stretched(values, length))
        made[channel] = sound if power is None else enveloped(sound, np.sqrt(power))
    return made


def own_first_sounds(
    goals: Goals,
    groups: Sequence[Sequence[int]],
    length: int,
    initial: Initial,
    phases: Phases,
    seed: int,
    loop: bool,
    device: str,
    heard: Callable[[int, int], None],
) -> Array:
    """Return what the first target that counts makes of noise, as iterate 0.

    Parameters
    ----------
    goals
        The targets.
    groups, length
        Channels, by those that are descended on together, and samples to make.
    initial
        'statistics': of Gaussian noise with the power of `fine()`; 'tonal': as 'coloured'.
    phases, seed
        As `first_sounds`; channels that are descended on together are always independent, for the target tells what
        they have in common.
    loop
        Whether the end shall go on into the beginning.
    device
        'cpu' or 'cuda'.
    heard
        Called with how many parts of the work are done since the last call, and how many there are.

    Returns
    -------
    channels × length, float32.

    Raises
    ------
    MistakeError
        Where that target makes no first sounds.
    """
    target, shares, paths = goals.leading
    refuse_no_start(initial, bool(target.starts))
    kind: Initial = "coloured" if initial == "tonal" else "energies"
    spectrum = target.colour() if initial == "tonal" else target.fine()

    def carrier(channel: int, alone: bool) -> Array:
        random = np.random.default_rng([seed, 0 if phases == "shared" and alone else channel])
        power = None if spectrum is None else resampled(spectrum[channel % len(spectrum)], length)
        return noise(kind, power, length, target.sample_rate, random).astype(np.float32)

    def made(group: Sequence[int]) -> Array:
        rows = [channel % target.channels for channel in group]
        carriers = np.stack([carrier(channel, len(group) == 1) for channel in group])
        return target.first_sound(carriers, rows, shares, paths, loop, device, of_all)

    def of_all(more: int, parts: int) -> None:
        heard(more, parts * len(groups))

    return np.concatenate(spread(made, groups))


def noise(
    initial: Initial, spectrum: Array | None, length: int, sample_rate: int, random: np.random.Generator
) -> Array:
    """Return the initial sound of one channel, before any envelope: `length` samples, float64.

    Parameters
    ----------
    initial
        See `first_sounds`.
    spectrum
        Power at the bins of the real transform of `length` samples, 1 for white noise of variance 1; None where it
        is not known.
    length, sample_rate
        Samples, and samples a second.
    random
        Source of phases or noise.
    """
    if spectrum is not None and initial in ("coloured", "envelope"):
        return phase_randomised(spectrum, length, random)
    power = float(np.mean(spectrum)) if spectrum is not None else UNKNOWN_LEVEL**2
    shape = np.full(length // 2 + 1, power)
    if initial == "pink":
        frequencies = np.arange(length // 2 + 1) * sample_rate / max(length, 1)
        shape = 1 / np.maximum(frequencies, LOWEST_PINK)
        shape *= power / shape.mean()
    elif initial == "energies" and spectrum is not None:
        shape = spectrum
    return np.fft.irfft(np.fft.rfft(random.standard_normal(length)) * np.sqrt(shape), n=length)


def phase_randomised(power: Array, length: int, random: np.random.Generator) -> Array:
    """Return a sound of exactly this power spectrum, |X|² / length, whose phases are uniformly random.

    What has no phase, 0 Hz and half the sample rate, keeps its magnitude with a random sign.
    """
    turns = np.exp(2j * np.pi * random.random(len(power)))
    for real in {0} | ({length // 2} if length % 2 == 0 else set()):
        turns[real] = 1.0 if turns[real].real >= 0 else -1.0
    return np.fft.irfft(np.sqrt(power * length) * turns, n=length)


def enveloped(sound: Array, envelope: Array) -> Array:
    """Return a sound times an envelope, at the mean square of the sound; as it is where nothing of it is left."""
    shaped = sound * envelope
    level = float(np.mean(np.square(shaped)))
    return shaped * np.sqrt(np.mean(np.square(sound)) / level) if level > 0 else sound
