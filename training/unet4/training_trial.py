"""How well a network separates pieces whose stems are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nodes.separation.unet4.network import STEMS, UNet4
from nodes.separation.unet4.separating import separate_into
from pipelines.value import Array

RATE = 44100


def median_ratios(network: UNet4, pieces: Sequence[Array]) -> list[float]:
    """Return the median of uSDR over pieces for each stem, in dB; each piece is stems × 2 × samples."""
    return [float(each) for each in np.median([ratios(network, piece) for piece in pieces], axis=0)]


def table_of(network: UNet4, pieces: Sequence[tuple[str, Array]]) -> tuple[str, str]:
    """Return uSDR of each piece and stem, and medians, as CSV and as a text."""
    rows = [(name, ratios(network, stems), mixed(stems)) for name, stems in pieces]
    median = tuple(np.median([row[column] for row in rows], axis=0) for column in (1, 2))
    heads = [*(f"{stem} uSDR (dB)" for stem in STEMS), *(f"{stem} of the mix (dB)" for stem in STEMS)]
    lines = [["piece", *heads]]
    lines += [[name, *(f"{each:.2f}" for each in [*own, *mix])] for name, own, mix in [*rows, ("median", *median)]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(",".join(line) for line in lines) + "\n", text + "\n"


def ratios(network: UNet4, stems: Array) -> list[float]:
    """Return uSDR of each stem of a piece as the network separates it."""
    found = np.zeros_like(stems)
    separate_into(stems.sum(0), RATE, network, list(found))
    return [ratio(own, estimate) for own, estimate in zip(stems, found, strict=True)]


def mixed(stems: Array) -> list[float]:
    """Return uSDR of the mix taken for each stem."""
    return [ratio(own, stems.sum(0)) for own in stems]


def ratio(own: Array, estimate: Array) -> float:
    """Return the ratio of the energies of a sound and of its error, in dB; of silence it is about 0 or less."""
    error = np.square(estimate - own, dtype=np.float64).sum()
    return float(10 * np.log10((np.square(own, dtype=np.float64).sum() + 1e-9) / (error + 1e-9)))
