"""What the scattering workers share: arrays in, arrays out, the gradient of a distance, and what it costs.

A worker reads a `.npz` file with `samples` (channels × samples) and, where a gradient or a measurement is wanted,
`targets` of the same shape. It writes one with all that its peer says of its paths, and

    coefficients        channels × rows × frames, zeroth order left out
    target_coefficients the same of the targets
    losses              channels: ½ |S(x) - S(y)|² over all rows, x being the samples and y the targets
    gradients           channels × samples: of that with respect to x
    gradients_order1    the same of the rows of the first order alone; gradients_order2: of the second
    cpu, wall           seconds, for each repetition of loss and gradient of the first channel
    peak                bytes by which that raised the resident memory at most, for each repetition

The filters are made, and the coefficients of the target known, before anything is measured.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch


class Peer(Protocol):
    """A scattering transform of sounds of one length."""

    description: dict[str, np.ndarray]
    """What is known of each path, row and frame; `row_order` (rows) at least."""

    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        """Return rows × frames, of one channel."""
        ...


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of what every worker takes."""
    arguments = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    arguments.add_argument("given", type=Path, help=".npz file with 'samples' and 'targets'")
    arguments.add_argument("found", type=Path, help=".npz file to write")
    arguments.add_argument("--octaves", type=int, required=True, help="J: octaves of the filters in time")
    arguments.add_argument("--quality", type=int, required=True, help="Q: first filters in an octave")
    arguments.add_argument("--averaging", type=int, help="T: length of the averaging in samples (2^J)")
    arguments.add_argument(
        "--boundary",
        choices=("reflect", "circular"),
        default="reflect",
        help="sound mirrored at its ends, as the peer does, or taken for periodic",
    )
    arguments.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    arguments.add_argument("--filters", action="store_true", help="write the filters' responses as well")
    arguments.add_argument("--no-coefficients", action="store_true", help="write no coefficients, to measure only")
    arguments.add_argument(
        "--gradients",
        nargs="?",
        const="orders",
        choices=("whole", "orders"),
        help="write the gradients: of the whole loss, or (unless said) also of each order's",
    )
    arguments.add_argument("--repeats", type=int, default=0, help="how often to measure loss and gradient")
    return arguments


def work(options: argparse.Namespace, build: Callable[[argparse.Namespace, int], Peer]) -> None:
    """Read, build the peer for the length of the sounds, do what is asked for and write it.

    Parameters
    ----------
    options
        As parsed by `parser`.
    build
        Makes the peer of the options and a number of samples.
    """
    torch.set_num_threads(1)
    with np.load(options.given) as given:
        sounds = {name: torch.tensor(given[name], dtype=getattr(torch, options.dtype)) for name in given.files}
    length = sounds["samples"].shape[1]
    if options.boundary == "circular" and length & (length - 1):
        raise SystemExit(f"this peer is circular for a power of two of samples only, not for {length}")
    peer = build(options, length)
    found: dict[str, Any] = dict(peer.description)
    if not options.no_coefficients:
        for name, sound in (("coefficients", "samples"), ("target_coefficients", "targets")):
            if sound in sounds:
                found[name] = np.stack([_scatter(peer, channel).numpy() for channel in sounds[sound]])
    if options.gradients:
        found |= _gradients(peer, sounds, options.gradients)
    if options.repeats:
        found |= _measure(peer, sounds, options.repeats)
    np.savez(options.found, **found)


def make_circular(frontend: ModuleType) -> None:
    """Keep Kymatio from padding, by telling it that its averaging has no extent; for a power of two of samples."""
    frontend.compute_temporal_support = lambda *_, **__: 0  # type: ignore[attr-defined]


def in_double(transform: torch.nn.Module, filters: list[dict[str, Any]]) -> None:
    """Give Kymatio's transform filters in double precision, which it rounds to single where it registers them.

    Parameters
    ----------
    transform
        A transform of which `create_filters` has been called again.
    filters
        The filters in the order in which they are registered.
    """
    transform.double()
    levels = [level for one in filters for level in one["levels"]]
    for number, level in enumerate(levels):
        transform.get_buffer(f"tensor{number}").copy_(torch.from_numpy(level)[:, None])


def frame_centres(transform: Any, frames: int) -> np.ndarray:
    """Return the sample, counted from the first of the sound, on which each frame of Kymatio's is centred."""
    stride = 2**transform.log2_T
    centres: np.ndarray = (transform.ind_start[transform.log2_T] + np.arange(frames)) * stride - transform.pad_left
    return centres


def filter_arrays(name: str, filters: list[dict[str, Any]], responses: bool) -> dict[str, np.ndarray]:
    """Return centres, widths, subsampling (log2) and, if wanted, the responses of a bank at its full length."""
    arrays = {f"{name}_{key}": np.array([one[key] for one in filters]) for key in ("xi", "sigma", "j")}
    if responses:
        arrays[f"{name}_responses"] = np.stack([np.asarray(one["levels"][0]).reshape(-1) for one in filters])
    return arrays


def _scatter(peer: Peer, channel: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return peer(channel)


def _loss(peer: Peer, samples: torch.Tensor, target: torch.Tensor, rows: torch.Tensor | None = None) -> torch.Tensor:
    difference = peer(samples) - target
    return 0.5 * (difference if rows is None else difference[rows]).square().sum()


def _gradients(peer: Peer, sounds: dict[str, torch.Tensor], of: str) -> dict[str, np.ndarray]:
    rows: dict[str, torch.Tensor | None] = {"gradients": None}
    if of == "orders":
        orders = torch.tensor(peer.description["row_order"])
        rows |= {f"gradients_order{order}": orders == order for order in (1, 2)}
    found: dict[str, list[np.ndarray]] = {"losses": [], **{name: [] for name in rows}}
    for channel, other in zip(sounds["samples"], sounds["targets"], strict=True):
        target = _scatter(peer, other)
        for name, chosen in rows.items():
            samples = channel.clone().requires_grad_(True)
            loss = _loss(peer, samples, target, chosen)
            found[name].append(torch.autograd.grad(loss, samples)[0].numpy())
            if chosen is None:
                found["losses"].append(loss.detach().numpy())
    return {name: np.stack(arrays) for name, arrays in found.items()}


def _measure(peer: Peer, sounds: dict[str, torch.Tensor], repeats: int) -> dict[str, np.ndarray]:
    target = _scatter(peer, sounds["targets"][0])
    found: dict[str, list[float]] = {"cpu": [], "wall": [], "peak": []}
    for _ in range(repeats):
        samples = sounds["samples"][0].clone().requires_grad_(True)
        before, wall, cpu = forget_peak(), time.perf_counter(), time.process_time()
        torch.autograd.grad(_loss(peer, samples, target), samples)
        found["cpu"].append(time.process_time() - cpu)
        found["wall"].append(time.perf_counter() - wall)
        found["peak"].append(resident("VmHWM") - before)
    return {name: np.array(values) for name, values in found.items()}


def forget_peak() -> int:
    """Set the kernel's largest resident memory of this process back to the present, and return that in bytes.

    What earlier work left unused is given back before, or what follows would not add to it.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def resident(name: str) -> int:
    """Return a field of this process's status, in bytes: `VmRSS` is resident now, `VmHWM` was so at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
