"""Our auditory statistics against another implementation's: how near each class is, and CPU seconds."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, PROJECT, median, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from texture_cases import recording, with_context

import nodes.textures.auditory.front_end as front_end
from nodes.textures.auditory.measuring import Measuring
from nodes.textures.auditory.model import NEAR_PAIRS, PAIRS, AuditoryModel, pairs_of
from nodes.textures.node import texture_statistics
from nodes.textures.stretches import EDGE, SHORT_EDGE, STRETCH, faded
from nodes.values.audio import Audio
from pipelines.value import Array

RATE, LEVEL = 20_000, 0.01
"""Samples a second, and root mean square, to which the peer brings every sound."""

PER_FRAME = 50
"""Samples of the sound for one of the peer's envelopes, 400 a second."""

QUIET = 1e-3
"""Power of a band, relative to the strongest, below which it does not count; of two that are compared one must."""

CLOSE = 35.0
"""Least SNR of a class in dB where both have the same definitions."""

HEADS = {
    "band_power": "power",
    "envelope_mean": "mean",
    "envelope_variation": "variation",
    "envelope_skewness": "skewness",
    "envelope_kurtosis": "kurtosis",
    "envelope_correlation": "correlation",
    "modulation_power": "mod. power",
    "modulation_correlation": "mod. corr. (C1)",
    "modulation_phase": "mod. phase (C2)",
}

Classes = dict[str, Array]


class Peer:
    """texture_stats of William Wilkinson, from its folder: as it is, or with our definitions in place of its own."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "texture_stats.py").is_file():
            raise SystemExit(f"{folder} has no texture_stats.py: see benchmarks/README.md")
        sys.path.insert(0, str(folder))
        self._module = importlib.import_module("texture_stats")

    def __call__(self, samples: Array, edge: float | None = None) -> Classes:
        """Return the statistics of a sound at the peer's rate, paths in our order.

        Parameters
        ----------
        samples
            The sound.
        edge
            Seconds of the edges of the window, under which deviations and powers are taken too, as ours are; 0 for no
            window, where the peer's formulas are ours. None leaves the peer as it is.
        """
        found = (self._module.SoundTexture if edge is None else self._redefined(edge))(samples, RATE)
        far, near = pairs_of(len(found.env_mean), PAIRS), pairs_of(len(found.env_mean), NEAR_PAIRS)
        return {
            "band_power": found.subband_var,
            "envelope_mean": found.env_mean,
            "envelope_variation": found.env_var,
            "envelope_skewness": found.env_skew,
            "envelope_kurtosis": found.env_kurt,
            "envelope_correlation": found.env_c[far[0], far[1]],
            "modulation_power": found.mod_power.ravel(),
            "modulation_correlation": found.mod_c1[near[0], near[1]].T.ravel(),
            "modulation_phase": found.mod_c2.ravel(),
        }

    def _redefined(self, edge: float) -> type[Any]:
        """Return the peer's class with a window of ours."""
        whole: Any = self._module.SoundTexture
        banks, signal = self._module.fb, self._module.sig

        def window(_: Any, samples: int, __: int) -> Array:
            return faded(np.arange(int(samples / PER_FRAME)) * PER_FRAME / RATE, samples / RATE, edge)

        def measure(own: Any, sound: Array, weights: Array) -> None:
            whole.measure_texture_stats(own, sound, weights)
            bank = banks.EqualRectangularBandwidth(len(sound), RATE, 30, 20, 10_000)
            bank.generate_subbands(sound)
            envelopes = np.abs(signal.hilbert(np.asarray(bank.subbands), axis=0))
            own.subband_var = faded(np.arange(len(sound)) / RATE, len(sound) / RATE, edge) @ envelopes**2 / 2

        def correlation(_: Any, bands: Array, __: int, weights: Array) -> Array:
            centred = bands - weights @ bands
            products = (weights[:, None] * centred).T @ centred
            deviations = np.sqrt(np.diag(products))
            return np.asarray(products / np.outer(deviations, deviations))

        replaced: dict[str, Any] = {"set_measurement_window": window}
        if edge:
            replaced |= {"measure_texture_stats": measure, "stat_corr_filt_win_full": correlation}
        return type("Redefined", (whole,), replaced)


class Exact(AuditoryModel):
    """The model with envelopes at their rate to the letter, however slowly that many are transformed."""

    def frames(self, size: int) -> int:
        """Return the number of frames of the envelopes."""
        return round(size * self.envelope_rate / self.sample_rate)


def main() -> int:
    """Measure, print the tables; return 1 where a limit is exceeded."""
    options = _options()
    torch.set_num_threads(1)
    peer = Peer(options.peer.absolute())
    kept, rows, times = True, [], []
    for path in options.sounds:
        sound = _sound(path, options.seconds)
        seconds = len(sound) / RATE
        edge = min(EDGE, SHORT_EDGE * seconds)
        published, took = _timed(lambda sound=sound: peer(sound))
        ours, spent = _quickest(sound)
        times.append([path.stem, f"{spent:.2f}", f"{took:.2f}", f"{took / spent:.0f}"])
        same = _snr(peer(sound, edge), ours)
        plain = _snr(bare := peer(sound, 0.0), _measured(sound, 0.0))
        rows.append([path.stem, "each as it is", *_words(_snr(published, ours)), ""])
        for name, found in (("our window", same), ("no window", plain)):
            near = min(found.values()) >= CLOSE
            kept &= near
            rows.append([path.stem, name, *_words(found), "kept" if near else "MISSED"])
        if options.causes:
            rows += [[path.stem, name, *_words(found), ""] for name, found in _causes(sound, published, bare)]
    print(f"SNR of each class in dB, {options.seconds:g} s at {RATE} Hz, bands within 30 dB of the strongest\n")
    print(table(["sound", "definitions", *HEADS.values(), f"≥ {CLOSE:g} dB"], rows))
    print("\nCPU seconds, one thread\n")
    print(table(["sound", "ours", "peer's", "peer's / ours"], times))
    return 0 if kept else 1


def _sound(path: Path, seconds: float) -> Array:
    """Return the beginning of a sound as the peer has it: one channel, at its rate and level; without any offset."""
    mono = recording(path, RATE)[: round(seconds * RATE)]
    mono -= mono.mean()
    return np.asarray(mono * (LEVEL / np.sqrt(np.mean(np.square(mono)))))


def _quickest(sound: Array) -> tuple[Classes, float]:
    """Return what the node measures, and the median of its CPU seconds; the first time counts for warming up."""
    audio = Audio(np.asarray(sound[None], np.float32), RATE)
    found = [with_context(lambda c: _timed(lambda: texture_statistics(audio, context=c))) for _ in range(4)]
    return {name: values[0, :, 0] for name, values in found[0][0].classes.items()}, median(
        took for _, took in found[1:]
    )


def _measured(sound: Array, edge: float, model: AuditoryModel | None = None, single: bool = False) -> Classes:
    """Return our statistics in one stretch under a window with such edges."""
    model, dtype = model or AuditoryModel(RATE), torch.float32 if single else torch.float64
    padded = np.pad(sound, (0, model.size(len(sound)) - len(sound)))
    measure = Measuring(model, len(padded), len(sound) / RATE, edge, "cpu", dtype)
    with torch.no_grad():
        found = measure(torch.tensor(padded[None], dtype=dtype))
    return {name: values[0].double().numpy() for name, values in found.items()}


def _causes(sound: Array, published: Classes, bare: Classes) -> Iterator[tuple[str, dict[str, float]]]:
    """Return what remains where one thing after the other that sets ours apart is taken away."""
    seconds = len(sound) / RATE
    fade = seconds / (round(seconds) + 1)  # the peer's window has as many whole raised cosines as seconds
    yield f"peer as it is, our edges of {fade:.2f} s", _snr(published, _measured(sound, fade))
    yield "no window, single precision", _snr(bare, _measured(sound, 0.0, single=True))
    yield "400 envelopes a second to the letter", _snr(bare, _measured(sound, 0.0, Exact(RATE)))
    low = Exact(RATE, floor=1e-20)
    yield "and floor 1e-20", _snr(bare, _measured(sound, 0.0, low))
    for times in (4.0, 8.0, 16.0):
        with _instead(front_end, "OVERSAMPLING", times):
            yield f"and oversampling {times:g}", _snr(bare, _measured(sound, 0.0, low))


@contextmanager
def _instead(module: Any, name: str, value: float) -> Iterator[None]:
    """Give a constant another value for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _snr(theirs: Classes, ours: Classes) -> dict[str, float]:
    """Return for each class 10 log10(Σ theirs² / Σ (theirs - ours)²) over the bands that count, in dB."""
    powers = theirs["band_power"]
    heard = {**theirs, "band_power": np.where(powers >= QUIET * powers.max(), powers, 0.0)}
    counts = AuditoryModel(RATE).significance({name: values[None] for name, values in heard.items()})
    found = {}
    for name, values in theirs.items():
        known, error = (each[counts[name][0] > 0] for each in (values, values - ours[name]))
        found[name] = float(10 * np.log10(np.square(known).sum() / np.square(error).sum()))
    return found


def _words(found: dict[str, float]) -> list[str]:
    return [f"{found[name]:.1f}" for name in HEADS]


def _timed(work: Any) -> tuple[Any, float]:
    began = time.process_time()
    return work(), time.process_time() - began


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    own = [PROJECT / "sounds" / f"{name}.ogg" for name in ("fire", "water")]
    parser.add_argument("sounds", type=Path, nargs="*", default=own, help="recordings of textures (the project's)")
    parser.add_argument("--peer", type=Path, required=True, help="the folder of texture_stats")
    parser.add_argument(
        "--seconds", type=float, default=STRETCH, help=f"of each sound, at most {STRETCH:g} ({STRETCH:g})"
    )
    parser.add_argument("--causes", action="store_true", help="tell also what sets ours apart")
    options = parser.parse_args()
    if options.seconds > STRETCH:
        parser.error(f"a sound of more than {STRETCH:g} s is measured in stretches, which the peer does not know")
    return options


if __name__ == "__main__":
    sys.exit(main())
