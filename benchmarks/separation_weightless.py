"""Separation with nothing to fetch: CPU seconds beside the same made of librosa's parts, and how near stems come."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, median, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import librosa
import numpy as np
import soundfile
from separation_stems import made_stems

from nodes.separation.repet import STEMS, Settings, separate_into
from nodes.separation.unet4.separating import separate_into as separate_by_network
from nodes.separation.unet4.weights import load_network
from nodes.separation_quality.scoring import scores_of, whole_scores, windows_of
from pipelines.value import Array
from pipelines.workers import set_workers

Stems = dict[str, Array]
LIMIT = 0.1
"""CPU seconds for a second of stereo sound at most."""

N_FFT, HOP = 4096, 1024


def main() -> int:
    """Measure, print the tables; return 1 where a limit is exceeded."""
    options = _options()
    set_workers(1)
    pieces = {folder.name: _read(folder) for folder in options.folders} or {"made": made_stems(options.seconds)}
    methods: dict[str, Callable[[Array, int], Stems]] = {
        "mix": lambda mix, rate: dict.fromkeys(STEMS, mix),
        "repetition": partial(_ours, settings=Settings(centre=0)),
        "repetition × centre": partial(_ours, settings=Settings()),
        "librosa": _librosa,
        "unet4": _network,
    }
    costs: dict[str, list[float]] = {name: [] for name in methods}
    gains: dict[str, list[Array]] = {name: [] for name in methods}
    for piece, (stems, rate) in pieces.items():
        print(piece, file=sys.stderr)
        mix = np.sum(list(stems.values()), axis=0)
        for name, method in methods.items():
            spent, made = _fastest(partial(method, mix, rate), options.repeats if name != "mix" else 1)
            costs[name].append(spent / (mix.shape[1] / rate))
            gains[name].append(_scores(stems, made))
    print("uSDR in dB (gain over the mix), medians over pieces\n")
    print(table(["method", *STEMS, "least gain of vocals"], [_row(name, gains[name]) for name in methods]))
    ours, theirs = median(costs["repetition × centre"]), median(costs["librosa"])
    print(f"\nCPU seconds a second of sound, one thread, least of {options.repeats}: {ours:.3f}, at most {LIMIT}")
    print(f"librosa (nn_filter of the whole sound, hpss): {theirs:.3f}; ours / librosa {ours / theirs:.2f}")
    print(f"unet4: {median(costs['unet4']):.3f}")
    if options.windows:
        _print_windows(pieces)
    return 0 if ours <= LIMIT else 1


def _ours(mix: Array, rate: int, settings: Settings) -> Stems:
    outputs = {name: np.zeros_like(mix) for name in STEMS}
    separate_into(mix, rate, outputs, settings=settings, heard=lambda done, total: None)
    return outputs


def _network(mix: Array, rate: int) -> Stems:
    """The project's own network, with the weights that come with it."""
    outputs = {name: np.zeros_like(mix) for name in STEMS}
    separate_by_network(mix, rate, load_network(), list(outputs.values()))
    return outputs


def _librosa(mix: Array, rate: int) -> Stems:
    """The same of librosa's parts: neighbours over all of the sound, soft masks, harmonic and percussive, low-pass."""
    spectra = librosa.stft(mix, n_fft=N_FFT, hop_length=HOP)
    magnitudes = np.abs(spectra).mean(axis=0)
    width = librosa.time_to_frames(1.0, sr=rate, hop_length=HOP)
    repeated = librosa.decompose.nn_filter(magnitudes, aggregate=np.median, metric="cosine", width=int(width))
    repeated = np.minimum(repeated, magnitudes)
    voice = librosa.util.softmask(magnitudes - repeated, repeated, power=2)
    voice[: int(100 * N_FFT / rate)] = 0
    tones, strokes = librosa.decompose.hpss(magnitudes * (1 - voice), mask=True)
    low = (np.arange(len(voice)) * rate / N_FFT < 180)[:, None]
    masks = {"vocals": voice, "drums": (1 - voice) * strokes, "bass": (1 - voice) * tones * low}
    found = {name: librosa.istft(spectra * mask, hop_length=HOP, length=mix.shape[1]) for name, mask in masks.items()}
    return {**found, "other": mix - sum(found.values())}


def _scores(stems: Stems, made: Stems) -> Array:
    found = whole_scores([stems[name] for name in STEMS], [made[name] for name in STEMS])
    return np.array([found["usdr"], found["usdr_gain"]])


def _row(name: str, scores: list[Array]) -> list[str]:
    middle = np.nanmedian(scores, axis=0)
    cells = [f"{value:.2f} ({gain:+.2f})" for value, gain in middle.T]
    return [name, *cells, f"{min(each[1, 0] for each in scores):+.2f}"]


def _print_windows(pieces: dict[str, tuple[Stems, int]]) -> None:
    """Print medians over windows of BSS Eval 4, as campaigns report them."""
    rows = []
    for piece, (stems, rate) in pieces.items():
        made = _ours(np.sum(list(stems.values()), axis=0), rate, Settings())
        windows = windows_of(made["other"].shape[1], rate, rate)
        sounds = [stems[name] for name in STEMS], [made[name] for name in STEMS]
        start = time.process_time()
        found = scores_of(*sounds, windows, 512, lambda done, total: None)
        spent = (time.process_time() - start) / (made["other"].shape[1] / rate)
        for number, name in enumerate(STEMS):
            cells = [f"{np.nanmedian(found[ratio][number]):.2f}" for ratio in ("sdr", "isr", "sir", "sar")]
            rows.append([piece, name, *cells, f"{spent:.3f}"])
    print("\nBSS Eval 4, medians over windows of a second\n")
    print(table(["piece", "stem", "SDR", "ISR", "SIR", "SAR", "CPU s a second"], rows))


def _read(folder: Path) -> tuple[Stems, int]:
    """Return the stems in a folder, vocals.wav or .flac and so on."""
    found, rates = {}, set()
    for name in STEMS:
        path = next(iter(sorted(folder.glob(f"{name}.*"))))
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        found[name] = np.ascontiguousarray(samples.T)
        rates.add(rate)
    (rate,) = rates
    return found, rate


def _fastest(call: Callable[[], Stems], repeats: int) -> tuple[float, Stems]:
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        made = call()
        spent.append(time.process_time() - start)
    return min(spent), made


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="of stems; training/unet4/rendered_stems.py makes some")
    parser.add_argument("--seconds", type=int, default=24, help="of the piece that is made where none is given")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--windows", action="store_true", help="print SDR, ISR, SIR and SAR too: slow")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
