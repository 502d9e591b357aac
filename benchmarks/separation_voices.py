"""Separation of real voices over accompaniments: how much nearer the vocals come than the mix."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import butter, resample_poly, sosfiltfilt

from nodes.separation.repet import STEMS, Settings
from nodes.separation.repet import separate_into as separate_by_repetition
from nodes.separation.spleeter.separating import separate_into as separate_by_spleeter
from nodes.separation.spleeter.weights import load_networks
from nodes.separation.unet4.separating import separate_into as separate_by_network
from nodes.separation.unet4.weights import load_network
from pipelines.models import model_path
from pipelines.value import Array

RATE = 44100
SECONDS = 16
LOWEST = 20
"""Hz; what is below is no voice: some recordings have a third of their energy in an offset."""

SHARES = (0, 5, 25, 50, 75)
"""Percent of the mixes that gain less than a column says."""

LEAST = {"spleeter": 7.2}
"""dB that 95 of 100 mixes gain at least."""


def main() -> int:
    """Separate each voice over each accompaniment and print gains; return 1 where a limit is missed."""
    options = _options()
    _required(options)
    backings = {folder.name: _backing(folder) for folder in options.folders}
    methods = _methods(options.weights)
    gains: dict[str, list[float]] = {name: [] for name in methods}
    for voice, dry in _voices(options.voices):
        for backing, rest in backings.items():
            stem, mix = _mixed(dry, rest)
            plain = _ratio(stem, mix)
            row = {name: _ratio(stem, method(mix)) for name, method in methods.items()}
            for name, found in row.items():
                gains[name].append(found - plain)
            shown = ", ".join(f"{name} {found:.1f}" for name, found in row.items())
            print(f"{voice} over {backing}: mix {plain:.1f}, {shown}", file=sys.stderr, flush=True)
    count = len(next(iter(gains.values())))
    print(f"gain of the vocals over the mix, dB of uSDR, {count} mixes: what a share of them stays below\n")
    heads = ["separator", *(f"{share} %" for share in SHARES)]
    print(table(heads, [[name, *(f"{x:.1f}" for x in np.percentile(each, SHARES))] for name, each in gains.items()]))
    return 0 if all(np.percentile(gains[name], 5) >= least for name, least in LEAST.items() if name in gains) else 1


def _required(options: argparse.Namespace) -> None:
    """End with a message where a folder has no stems, or a voice no recordings."""
    for folder in options.folders:
        if lacking := [name for name in STEMS if name != "vocals" and not list(folder.glob(f"{name}.*"))]:
            raise SystemExit(f"{folder} lacks {', '.join(lacking)}")
    for place in options.voices:
        if not _files(place):
            raise SystemExit(f"there are no recordings in {place}")


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())


def _methods(weights: Path | None) -> dict[str, Callable[[Array], Array]]:
    """Return what finds vocals by its name; Spleeter only where its weights are."""
    own = {"repet": _by_repetition, "unet4": partial(_by_network, network=load_network(weights))}
    path = model_path("spleeter-2stems")
    if not path.is_file():
        print("no weights of Spleeter (resynthesis models get spleeter-2stems)", file=sys.stderr)
        return own
    return {"spleeter": partial(_by_spleeter, networks=load_networks(path, stems=2)), **own}


def _by_spleeter(mix: Array, networks: object) -> Array:
    made = [np.zeros_like(mix) for _ in range(2)]
    separate_by_spleeter(mix, RATE, networks, made)
    return made[0]


def _by_repetition(mix: Array) -> Array:
    made = {name: np.zeros_like(mix) for name in STEMS}
    separate_by_repetition(mix, RATE, made, settings=Settings(), heard=lambda more, total: None)
    return made["vocals"]


def _by_network(mix: Array, network: object) -> Array:
    made = [np.zeros_like(mix) for _ in STEMS]
    separate_by_network(mix, RATE, network, made)
    return made[STEMS.index("vocals")]


def _voices(patterns: list[Path]) -> Iterator[tuple[str, Array]]:
    """Yield the name and the samples of each file, or of the files in each folder, one after the other."""
    for place in patterns:
        files = _files(place)
        parts: list[Array] = []
        while files and sum(map(len, parts)) < SECONDS * RATE:
            samples, rate = soundfile.read(files.pop(0), always_2d=True)
            common = np.gcd(RATE, rate)
            parts.append(resample_poly(samples.mean(axis=1), RATE // common, rate // common))
        joined = np.concatenate(parts)[: SECONDS * RATE]
        yield str(place), sosfiltfilt(butter(2, LOWEST, "high", fs=RATE, output="sos"), joined)


def _backing(folder: Path) -> Array:
    """Return drums, bass and the rest together, 2 × samples."""
    stems = [soundfile.read(next(iter(sorted(folder.glob(f"{name}.*")))))[0].T for name in STEMS if name != "vocals"]
    return np.sum(stems, axis=0)[:, : SECONDS * RATE]


def _mixed(dry: Array, rest: Array) -> tuple[Array, Array]:
    """Return the voice in the middle, as loud where it sounds as the rest, and both together; float32."""
    length = min(len(dry), rest.shape[1])
    dry, rest = dry[:length], rest[:, :length]
    sounds = np.abs(dry) > 0.02 * np.abs(dry).max()
    voice = dry * np.sqrt(np.mean(rest**2) / np.mean(dry[sounds] ** 2))
    stem = np.stack([voice, voice])
    return stem.astype(np.float32), (stem + rest).astype(np.float32)


def _ratio(own: Array, found: Array) -> float:
    error = np.square(found - own, dtype=np.float64).sum()
    return float(10 * np.log10(np.square(own, dtype=np.float64).sum() / error))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folders", nargs="+", type=Path, help="pieces, each a folder of stems as rendered_stems.py makes"
    )
    parser.add_argument("--voices", nargs="+", type=Path, required=True, help="recordings; a folder is one voice")
    parser.add_argument("--weights", type=Path, help="of unet4 (those that come with it)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
