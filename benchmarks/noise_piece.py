"""A piece over generated noise, with a conf of its own: load, stft, istft, mix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 44_100
PIECE = """\
title: noise
sample_rate: {sample_rate}
seed: 1
steps:
  noise: {{node: load, path: "{path}"}}
  spectra: {{node: stft, audio: noise, n_fft: 2048, hop: 512}}
  back: {{node: istft, spectrogram: spectra}}
  mixed: {{node: mix, tracks: [noise, back], gains: [-6 dB, -6 dB]}}
output: mixed
"""


def write_noise(path: Path, seconds: float, channels: int = 2) -> None:
    """Write white noise at -20 dB RMS, 24 bits."""
    generator = np.random.default_rng(1)
    left = round(seconds * SAMPLE_RATE)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, channels, subtype="PCM_24") as file:
        while left > 0:
            count = min(left, 10 * SAMPLE_RATE)
            file.write(0.1 * generator.standard_normal((count, channels), np.float32))
            left -= count


def write_piece(folder: Path, seconds: float, channels: int = 2) -> None:
    """Write the noise and a conf with the piece `noise` into `folder`."""
    write_noise(folder / "noise.wav", seconds, channels)
    (folder / "conf" / "piece").mkdir(parents=True)
    text = PIECE.format(sample_rate=SAMPLE_RATE, path=folder / "noise.wav")
    (folder / "conf" / "piece" / "noise.yaml").write_text(text, encoding="utf-8")


def settings(folder: Path, config_dir: Path | None = None) -> list[str | Path]:
    """Return the arguments that keep everything a render writes in `folder`, and MLflow out of it."""
    config_dirs: list[str | Path] = ["--config-dir", config_dir] if config_dir else []
    folders = [f"store.folder={folder}/store", f"renders={folder}/renders", f"records={folder}/records"]
    return [*folders, "tracking=off", "device=cpu", *config_dirs]
