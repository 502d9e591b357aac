"""What each backend of `separate` does, once everything is decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nodes.factorisation.node import Components, nmf_decompose
from nodes.separation.choosing import onnx_networks, weights_path
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.value import Array

Decided = Mapping[str, Any]
Parts = Mapping[str, Array]
HEARD = "parts"
"""What is counted while a sound is separated."""


def hop_of(n_fft: int, hop: int | None) -> int:
    """Return the distance of frames of 'hpss', a quarter of their length where it is not given.

    Raises
    ------
    MistakeError
        Where it is more than half of it.
    """
    hop = hop or n_fft // 4
    if hop > n_fft // 2:
        raise mistake(
            "frames this far apart lose parts of the sound",
            parameter="hop",
            given=f"{hop} with frames of {n_fft} samples",
            allowed=f"1 to {n_fft // 2} samples",
            hint=f"leave hop out to get {n_fft // 4}",
        )
    return hop


def by_spleeter(audio: Audio, decided: Decided, parts: Parts, context: Context) -> None:
    """Write the stems that Spleeter's networks find."""
    from nodes.separation.spleeter.network import BINS, WIDE_BINS
    from nodes.separation.spleeter.separating import separate_into
    from nodes.separation.spleeter.weights import load_networks

    bins = WIDE_BINS if decided["to_16_khz"] else BINS
    path, stems = weights_path(decided["weights"]), decided["stems"]
    networks = load_networks(path, stems=stems, bins=bins, device=context.device)
    own = {name: decided[name] for name in ("mask_extension", "wiener")}
    heard = context.tally(HEARD)
    separate_into(audio.samples, audio.sample_rate, networks, list(parts.values()), **own, heard=heard)


def by_unet4(audio: Audio, decided: Decided, parts: Parts, context: Context) -> None:
    """Write the stems that the project's own network finds."""
    from nodes.separation.unet4.separating import separate_into
    from nodes.separation.unet4.weights import load_network

    network = load_network(weights_path(decided["weights"]), context.device)
    heard = context.tally(HEARD)
    separate_into(audio.samples, audio.sample_rate, network, list(parts.values()), heard=heard)


def by_onnx(audio: Audio, decided: Decided, parts: Parts, context: Context) -> None:
    """Write the stems that a user's networks find."""
    from nodes.separation.onnx_networks import load_networks
    from nodes.separation.spleeter.separating import separate_into

    networks = load_networks(onnx_networks(decided["model"]))
    own = {name: decided[name] for name in ("mask_extension", "wiener")}
    heard = context.tally(HEARD)
    separate_into(audio.samples, audio.sample_rate, networks, list(parts.values()), **own, heard=heard)


def by_demucs(audio: Audio, decided: Decided, parts: Parts, context: Context) -> None:
    """Write the stems that a model of Demucs finds."""
    from nodes.separation.demucs_files import read_bag
    from nodes.separation.demucs_models import load_bag
    from nodes.separation.demucs_separating import separate_into

    bag = load_bag(read_bag(decided["model"].paths[0]), list(parts))
    outputs, heard = list(parts.values()), context.tally(HEARD)
    separate_into(audio.samples, audio.sample_rate, bag, list(parts), outputs, device=context.device, heard=heard)


def by_repet(audio: Audio, decided: Decided, parts: Parts, context: Context) -> None:
    """Write the stems that repetition and place tell apart."""
    from nodes.separation.repet import STEMS, Settings, separate_into
    from nodes.values.blocks import spans

    settings = Settings(**{name: decided[name] for name in ("similar", "reach", "distance", "centre")})
    room = {name: parts[name] if name in parts else context.array(audio.samples.shape, np.float32) for name in STEMS}
    separate_into(audio.samples, audio.sample_rate, room, settings=settings, heard=context.tally(HEARD))
    if "accompaniment" in parts:
        for start, stop in spans(audio.length):
            own = slice(start, stop)
            parts["accompaniment"][:, own] = audio.samples[:, own] - parts["vocals"][:, own]


def by_hpss(audio: Audio, decided: Decided, parts: Parts, context: Context) -> None:
    """Write what medians along time and along frequency tell apart."""
    from nodes.separation.hpss import MedianFilters, chunks_of, separate_into

    names = ("harmonic_kernel", "percussive_kernel", "power", "harmonic_margin", "percussive_margin", "n_fft")
    own = {name: decided[name] for name in names}
    filters = MedianFilters(**own, hop=hop_of(decided["n_fft"], decided["hop"]))
    chunks = context.progress(chunks_of(filters, audio.samples.shape))
    separate_into(filters, audio.samples, audio.sample_rate, chunks, *parts.values())


def by_nmf(audio: Audio, decided: Decided, context: Context) -> Components:
    """Return the components that a factorisation finds, the strongest first."""
    own = {name: decided[name] for name in ("divergence", "iterations", "n_fft")}
    return nmf_decompose(audio, components=decided["stems"], **own, context=context)


BACKENDS: dict[str, Callable[[Audio, Decided, Parts, Context], None]] = {
    "spleeter": by_spleeter,
    "unet4": by_unet4,
    "repet": by_repet,
    "hpss": by_hpss,
    "onnx": by_onnx,
    "demucs": by_demucs,
}
"""Those that write stems; 'nmf' makes other values."""
"""Each writes the parts of a sound, by their names."""
