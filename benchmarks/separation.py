"""Separation: how many times faster than the sound it is, on one core and on two, and its memory for a long one."""

from __future__ import annotations

import os

from measuring import ONE_THREAD, PROJECT, run, table

os.environ.update(ONE_THREAD)  # before any numerical library is loaded

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pipelines.context import release
from pipelines.models import require_model
from pipelines.value import Array
from pipelines.workers import set_workers

RATE = 44100
FASTER = {1: 13.0, 2: 20.0}
"""Times faster than the sound, at least, by workers: one by CPU seconds, two by the clock on a machine that is free."""

MEMORY = 1e9
"""Bytes that the long sound must stay below."""


def main() -> int:
    """Measure the parts that are asked for; return 1 where a limit is exceeded."""
    options = _options()
    if options.network:
        print(json.dumps(_worker(options.network, options.workers, options.minutes)))
        return 0
    kept = [PARTS[part](options) for part in options.parts or PARTS]
    return 0 if all(kept) else 1


def spleeter(options: argparse.Namespace) -> bool:
    """Spleeter of two stems on generated stereo noise that is mapped from a file, as results are."""
    rows = [("spleeter", 1, 2.0), ("spleeter", 2, 2.0), ("wiener", 1, 2.0), ("spleeter", 2, options.minutes)]
    return _kept(options, rows)


def unet4(options: argparse.Namespace) -> bool:
    """The project's own network of four stems, likewise."""
    return _kept(options, [("unet4", 1, 2.0), ("unet4", 2, 2.0), ("unet4", 2, options.minutes)])


PARTS: dict[str, Callable[[argparse.Namespace], bool]] = {"spleeter": spleeter, "unet4": unet4}
JUDGED = ("spleeter", "unet4")
"""Networks whose speed has limits; the Wiener filter has none."""


def _kept(options: argparse.Namespace, cases: Sequence[tuple[str, int, float]]) -> bool:
    kept, rows, free = True, [], os.getloadavg()[0] < 0.5
    for network, workers, minutes in cases:
        repeats = options.repeats if minutes < options.minutes else 1
        each = [_measured(network, workers, minutes) for _ in range(repeats)]
        clock, spent = (max(one[name] for one in each) for name in ("clock", "spent"))
        peak = max(one["peak"] for one in each)
        fast = (spent if workers == 1 or not free else clock) >= FASTER[workers]
        kept &= peak <= MEMORY and (network not in JUDGED or fast)
        rows.append([network, f"{workers}", f"{minutes:g}", f"{clock:.1f}", f"{spent:.1f}", f"{peak / 1e6:.0f}"])
    print(table(["network", "workers", "minutes", "× real time", "× by CPU", "peak MB"], rows))
    print(f"\nat least {FASTER[1]:g} × on one core and {FASTER[2]:g} × on two, {MEMORY / 1e6:.0f} MB: ", end="")
    print(f"{'kept' if kept else 'EXCEEDED'}{'' if free else ' (the machine is not free: judged by CPU seconds)'}\n")
    return kept


def _measured(network: str, workers: int, minutes: float) -> dict[str, float]:
    command = [sys.executable, __file__, "--network", network, "--workers", str(workers), "--minutes", str(minutes)]
    used = run(command, PROJECT)
    found: dict[str, float] = json.loads(used.output)
    return {**found, "peak": float(used.peak)}


def _worker(network: str, workers: int, minutes: float) -> dict[str, float]:
    import torch

    torch.set_num_threads(1)
    set_workers(workers)
    stems, separate = _loaded(network)
    length, random = round(60 * minutes * RATE), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        names = ("sound", *stems)
        arrays = [np.lib.format.open_memmap(Path(folder, n), "w+", np.float32, (2, length)) for n in names]
        for start in range(0, length, RATE):
            part = arrays[0][:, start : start + RATE]
            part[:] = 0.1 * random.standard_normal(part.shape, dtype=np.float32)
            release(arrays[0])
        clock, spent = time.perf_counter(), time.process_time()
        separate(arrays[0], arrays[1:])
        clock, spent = time.perf_counter() - clock, time.process_time() - spent
    return {"clock": 60 * minutes / clock, "spent": 60 * minutes / spent}


def _loaded(network: str) -> tuple[Sequence[str], Callable[[Array, Sequence[Array]], None]]:
    """Return the names of the stems, and what writes them."""
    if network == "unet4":
        from nodes.separation.unet4.network import STEMS
        from nodes.separation.unet4.separating import separate_into as separate_by_unet4
        from nodes.separation.unet4.weights import load_network

        own = load_network()
        return STEMS, lambda sound, outputs: separate_by_unet4(sound, RATE, own, outputs)
    from nodes.separation.spleeter.separating import separate_into
    from nodes.separation.spleeter.weights import load_networks

    networks = load_networks(require_model("spleeter-2stems"), stems=2)
    filtered = network == "wiener"
    return networks.stems, lambda sound, outputs: separate_into(sound, RATE, networks, outputs, wiener=filtered)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which parts (all)")
    parser.add_argument("--minutes", type=float, default=20, help="length of the long sound (20)")
    parser.add_argument("--repeats", type=int, default=3, help="the fastest counts (3)")
    parser.add_argument("--network", default="", help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
