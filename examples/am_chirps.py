"""Do distances between descriptors of chirps tell pitch, tremolo and speed of the chirp?

Muradeli et al., "Differentiable time-frequency scattering on GPU" (DAFx 2022), and the tutorial on Kymatio at
ISMIR 2023: tones that glide at a constant number of octaves a second, with a sinusoidal envelope. The parameters of a
chirp are estimated as the mean of those of the chirps nearest to it, and compared with the true ones. Their time
scattering has one filter an octave (Q 1), their cepstra are means over time.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence

import numpy as np
from descriptors import compressed, descriptors, rows_of, scattering, table

from nodes.scattering.core.design import Design
from pipelines.value import Array

PARAMETERS = ("carrier (Hz)", "modulation (Hz)", "chirp rate (octaves/s)")
RANGES = ((512.0, 1024.0), (4.0, 16.0), (0.5, 4.0))
PUBLISHED = ((0.75, 1.25), (0.75, 1.5), (0.75, 1.25))
"""Bounds of estimated / true that are published for modulation and chirp rate; of the carrier, 'close to 1'."""

QUANTILES = (0, 5, 25, 50, 75, 95, 100)
BANDWIDTH = 2.0
"""Octaves that a chirp covers: the envelope's standard deviation is a tenth of the time that it takes for them."""


def am_chirp(
    carrier: float, modulation: float, chirp_rate: float, duration: float = 4.0, sample_rate: int = 8192
) -> Array:
    """Return a chirp of unit energy that passes `carrier` in the middle of its duration.

    Parameters
    ----------
    carrier, modulation
        Frequency in the middle, and of the sine by which the amplitude is multiplied, in Hz.
    chirp_rate
        Octaves a second, above 0.
    duration, sample_rate
        Seconds; samples a second.
    """
    count = round(duration * sample_rate)
    t = (np.arange(count) - count // 2) / sample_rate
    phase = 2 * np.pi * carrier / (chirp_rate * np.log(2)) * np.expm1(chirp_rate * t * np.log(2))
    window = np.exp(-0.5 * (t / (0.1 * BANDWIDTH / chirp_rate)) ** 2)
    sound = np.sin(phase) * np.sin(2 * np.pi * modulation * t) * window
    return np.asarray(sound / np.linalg.norm(sound), np.float32)


def grid(steps: int) -> Array:
    """Return steps³ × 3: all combinations of so many values of each parameter, in geometric progression."""
    return np.array(list(itertools.product(*(np.geomspace(*limits, steps) for limits in RANGES))))


def nearest(rows: Array, neighbours: int) -> Array:
    """Return sounds × neighbours: which other rows are nearest to each row, by Euclidean distance."""
    centred = rows.astype(np.float64) - rows.mean(0, dtype=np.float64)
    squares = np.square(centred).sum(1)
    distances = squares[:, None] + squares - 2 * centred @ centred.T
    np.fill_diagonal(distances, np.inf)
    return np.argpartition(distances, neighbours - 1)[:, :neighbours]


def ratios(parameters: Array, found: Array) -> Array:
    """Return sounds × 3: geometric mean of the parameters of the neighbours, over the true parameters."""
    return np.asarray(np.exp(np.log(parameters)[found].mean(1)) / parameters)


def report(parameters: Array, described: dict[str, Array], neighbours: int) -> str:
    """Return a table for each parameter: quantiles of estimated / true, and the share within the published bounds."""
    span = np.log([high / low for low, high in RANGES])
    estimates = {name: ratios(parameters, nearest(rows, neighbours)) for name, rows in described.items()}
    estimates["(the parameters)"] = ratios(parameters, nearest(np.log(parameters) / span, neighbours))
    estimates["(a blind guess)"] = np.exp(np.log(parameters).mean(0)) / parameters
    parts = []
    for column, (name, (low, high)) in enumerate(zip(PARAMETERS, PUBLISHED, strict=True)):
        rows = []
        for kind, ratio in estimates.items():
            values = ratio[:, column]
            share = np.mean((values >= low) & (values <= high))
            rows.append([kind, *(f"{q:.2f}" for q in np.percentile(values, QUANTILES)), f"{100 * share:.1f}"])
        heads = ["neighbours by", *(f"{q} %" for q in QUANTILES), f"% within {low:g}–{high:g}"]
        parts.append(f"{name}, estimated / true\n\n{table(heads, rows)}\n")
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Describe all chirps in three ways, print the tables."""
    options = _options(arguments)
    parameters = grid(options.steps)
    if not 1 <= options.neighbours < len(parameters):
        raise SystemExit(f"--neighbours must be 1 or more and below the number of chirps, {len(parameters)}")
    print(f"{len(parameters)} chirps of 4 s at 8192 Hz, {options.neighbours} nearest neighbours\n")
    described = {}
    ways = descriptors(8192, options.octaves, options.quality, options.octave_averaging)
    ways["time, Q 1"] = scattering(Design(kind="time", octaves=options.octaves, quality=1, averaging=0))
    for name, descriptor in ways.items():
        began = time.process_time()
        rows = rows_of(descriptor, lambda each: am_chirp(*each), parameters, options.workers)
        described[name] = rows
        if not name.startswith("MFCC"):
            described |= {f"{name}, ε {each:g}": compressed(rows, each) for each in options.logarithm}
        print(f"{name}: {rows.shape[1]} numbers, {time.process_time() - began:.0f} CPU s", flush=True)
    print("\n" + report(parameters, described, options.neighbours))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=16, help="values of each parameter (default: %(default)s)")
    parser.add_argument("--neighbours", type=int, default=40, help="default: %(default)s")
    parser.add_argument("--octaves", type=int, default=12, help="longest filter: 2^octaves samples (%(default)s)")
    parser.add_argument("--quality", type=int, default=8, help="filters in an octave (%(default)s)")
    parser.add_argument("--octave-averaging", choices=("none", "global"), default="none", help="of joint modulations")
    parser.add_argument(
        "--logarithm", type=float, nargs="*", default=[], metavar="EPSILON",
        help="also compress scattering: log(1 + S / (ε μ)), with μ the mean of each path over all chirps",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, default=0, help="threads; 0 for as many as there are cores")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
