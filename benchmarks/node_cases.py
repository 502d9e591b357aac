"""What is compared in `nodes_speed.py`: for each piece of work our node and the peers that do the same."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from comparing import Bench, Case, Deaf, Took, here, relative
from measuring import PEERS, run
from noise_piece import SAMPLE_RATE

from nodes.scattering.value import Scattering
from nodes.values import Audio, Spectrogram
from pipelines.context import Context
from pipelines.quantities import InputFiles
from pipelines.value import Array


def transform(bench: Bench) -> Case:
    """Short-time spectra, 2048 samples at a hop of 512; ours go to a file, the peers' stay in memory."""
    import librosa
    import torch

    from nodes.spectra.node import stft

    samples, window = torch.tensor(bench.samples), torch.hann_window(2048)
    peers: dict[str, Callable[[], Any]] = {
        "librosa.stft": lambda: librosa.stft(bench.samples, n_fft=2048, hop_length=512, pad_mode="constant"),
        "torch.stft": lambda: torch.stft(
            samples, 2048, 512, window=window, pad_mode="constant", return_complex=True
        ).numpy(),
    }

    def difference(ours: Spectrogram, theirs: Array) -> str:
        frames = min(ours.spectra.shape[2], theirs.shape[2])
        return relative(ours.spectra[..., :frames], theirs[..., :frames])

    ours = here(lambda: stft(bench.audio, n_fft=2048, hop=512, context=bench.context()))
    return Case("stft 2048/512", ours, {name: here(call) for name, call in peers.items()}, difference)


def back(bench: Bench) -> Case:
    """Sound from short-time spectra; ours are read from a file, the peers' lie in memory."""
    import librosa
    import torch

    from nodes.spectra.node import istft, stft

    length = bench.audio.length
    stored = stft(bench.audio, n_fft=2048, hop=512, context=Context("", "", 1, "cpu", bench.folder / "kept", Deaf()))
    spectra = np.array(stored.spectra)
    tensor, window = torch.tensor(spectra), torch.hann_window(2048)
    peers: dict[str, Callable[[], Any]] = {
        "librosa.istft": lambda: librosa.istft(spectra, n_fft=2048, hop_length=512, length=length),
        "torch.istft": lambda: torch.istft(tensor, 2048, 512, window=window, length=length).numpy(),
    }
    return Case(
        "istft 2048/512",
        here(lambda: istft(stored)),
        {name: here(call) for name, call in peers.items()},
        lambda ours, theirs: relative(ours.samples, theirs),
    )


def reading(bench: Bench) -> Case:
    """Reading a 24-bit WAV as it is."""
    import librosa
    import soundfile

    def plainly() -> Array:
        return np.ascontiguousarray(soundfile.read(bench.wav, dtype="float32", always_2d=True)[0].T)

    peers: dict[str, Callable[[], Any]] = {
        "soundfile.read": plainly,
        "librosa.load": lambda: librosa.load(bench.wav, sr=None, mono=False)[0],
    }
    return Case("load", here(_loading(bench, "native")), {k: here(v) for k, v in peers.items()}, _same_samples)


def resampling(bench: Bench) -> Case:
    """Reading a 24-bit WAV at another rate, by the same resampler at the same quality."""
    import librosa

    def theirs() -> Array:
        return np.asarray(librosa.load(bench.wav, sr=48_000, mono=False, res_type="soxr_vhq")[0])

    return Case("load at 48 kHz", here(_loading(bench, 48_000)), {"librosa.load soxr_vhq": here(theirs)}, _same_samples)


def _loading(bench: Bench, rate: int | Literal["native"]) -> Callable[[], Audio]:
    from nodes.files.node import load

    path = InputFiles(str(bench.wav), (bench.wav,))
    return lambda: load(path=path, sample_rate=rate, context=bench.context())


def _same_samples(ours: Audio, theirs: Array) -> str:
    length = min(ours.length, theirs.shape[1])
    return relative(ours.samples[:, :length], theirs[:, :length])


def loudness_numbers(bench: Bench) -> Case:
    """Integrated loudness and loudness range, without peaks."""
    from nodes.loudness.bs1770 import measure

    np.save(bench.folder / "noise.npy", bench.samples.T)

    def pyloudnorm() -> Took:
        assert bench.peers is not None
        script, array = PEERS / "run_pyloudnorm.py", bench.folder / "noise.npy"
        found = json.loads(run([bench.peers, script, array, str(SAMPLE_RATE)], bench.folder).output)
        return Took(found["cpu"], found["wall"], (found["integrated"], found["range"]))

    if bench.peers is None:
        bench.missing.append("pyloudnorm: no environment of the peers was given")
    return Case(
        "loudness and range",
        here(lambda: measure(bench.samples, SAMPLE_RATE)),
        {} if bench.peers is None else {"pyloudnorm": pyloudnorm},
        lambda ours, theirs: f"{abs(ours.integrated - theirs[0]):.3f} LU, {abs(ours.range - theirs[1]):.3f} LU",
    )


def loudness_node(bench: Bench) -> Case:
    """Loudness, range, true peak and curves of a file, reading included; ffmpeg as a whole process."""
    from nodes.loudness.node import loudness

    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        bench.missing.append("ffmpeg: not installed")

    def theirs() -> Took:
        command = f'"{ffmpeg}" -nostats -threads 1 -i "{bench.wav}" -af ebur128=peak=true -f null - 2>&1'
        used = run(["sh", "-c", command], bench.folder)
        summary = used.output.rpartition("Summary:")[2]
        values = [float(re.findall(rf"{name}:\s+(-?[\d.]+)", summary)[0]) for name in ("I", "LRA", "Peak")]
        return Took(used.cpu, used.wall, values)

    def difference(ours: Any, theirs: list[float]) -> str:
        found = (ours.integrated, ours.range, ours.true_peak)
        return ", ".join(f"{abs(a - b):.2f} {u}" for a, b, u in zip(found, theirs, ("LU", "LU", "dB"), strict=True))

    read = _loading(bench, "native")
    peers = {} if ffmpeg is None else {"ffmpeg ebur128": theirs}
    return Case("load + loudness node", here(lambda: loudness(read())), peers, difference)


def parts(bench: Bench) -> Case:
    """Harmonic and percussive parts; ours in chunks with a residual, on disk."""
    from librosa.effects import hpss

    from nodes.separation.node import separate

    return Case(
        "separate",
        here(lambda: separate(bench.audio, backend="hpss", context=bench.context())),
        {"librosa.effects.hpss": here(lambda: hpss(bench.samples))},
        lambda ours, theirs: relative(ours.harmonic.samples, theirs[0]),
    )


def scattering(bench: Bench) -> Case:
    """Time scattering of one channel of at most 2^19 samples, J = 11, Q = 12, filters made each time."""
    from nodes.scattering.node import scatter

    count = min(2**19, 1 << (bench.audio.length.bit_length() - 1))  # Kymatio's frames lie where ours do
    sound = Audio(bench.samples[:1, :count], SAMPLE_RATE)

    def kymatio() -> Took:
        assert bench.peers is not None
        given, result = bench.folder / "sound.npy", bench.folder / "scattered.npz"
        np.save(given, bench.samples[0, :count])
        found = json.loads(run([bench.peers, PEERS / "run_kymatio.py", given, result, "11", "12"], bench.folder).output)
        with np.load(result) as orders:
            return Took(found["cpu"], found["wall"], dict(orders))

    def difference(ours: Scattering, theirs: dict[str, Array]) -> str:
        mine = {"order1": ours.order1[0], "order2": ours.order2[0]}
        apart = (np.linalg.norm(mine[name] - theirs[name]) / np.linalg.norm(theirs[name]) for name in mine)
        return ", ".join(f"{name} {value:.1e}" for name, value in zip(mine, apart, strict=True))

    if bench.peers is None:
        bench.missing.append("kymatio: no environment of the peers was given")
    return Case(
        "scatter 11 octaves, Q 12",
        here(lambda: scatter(sound, kind="time", octaves=11, quality=12, context=bench.context())),
        {} if bench.peers is None else {"kymatio": kymatio},
        difference,
    )


CASES = (transform, back, reading, resampling, loudness_numbers, loudness_node, parts, scattering)


def cases(bench: Bench, names: list[str]) -> Iterator[Case]:
    """Yield the cases whose nodes and peers can be imported; note the others."""
    for make in CASES:
        if not names or make.__name__ in names:
            try:
                yield make(bench)
            except ImportError as error:
                bench.missing.append(f"{make.__name__}: {error}")
