"""The finished files of a piece: their names, their texts, their bytes on disk."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from nodes.files.pcm import ENCODINGS
from nodes.files.writing import Form, encoded, label_names, safe_name
from nodes.values import Audio, Files, Takes
from pipelines.context import Context, release
from pipelines.value import Array

FLUSH = 2**24


def export_files(
    sound: Audio | Takes,
    name: str,
    format: str,
    bits: int | str,
    mono_files: bool,
    texts: Mapping[str, str],
    noise: np.random.Generator | None,
    context: Context,
) -> Files:
    """Return the files of a sound; the parameters are those of the node `export`.

    Parameters
    ----------
    texts
        Title and artist.
    noise
        Source of dither, drawn from file after file, so that no two channels share their noise.
    context
        Gives the room on disk that the files are made in.
    """
    comment = json.dumps({"key": context.key})
    info = {**texts, "software": f"resynthesis {version('resynthesis')}", "comment": comment}
    encoding = ENCODINGS["FLOAT" if bits == "float" else f"PCM_{bits}"]
    form = Form(format, encoding, info, noise)
    sounds = named_sounds(sound, name, mono_files)
    ending = "flac" if format == "flac" else "wav"
    return Files({f"{stem}.{ending}": in_array(sounds[stem], form, context) for stem in context.progress(list(sounds))})


def named_sounds(sound: Audio | Takes, name: str, mono_files: bool) -> dict[str, Audio]:
    """Return the sound of each file by the file's name without ending."""
    stem = safe_name(name)
    sounds = {stem: sound} if isinstance(sound, Audio) else {
        f"{stem}_{label}": take
        for label, take in zip(label_names(sound.labels), sound.all(), strict=True)
    }  # fmt: skip
    if not mono_files:
        return sounds
    return {
        f"{stem}_ch{channel + 1:02d}": replace(audio, samples=audio.samples[channel : channel + 1])
        for stem, audio in sounds.items()
        for channel in range(audio.channels)
    }


def in_array(audio: Audio, form: Form, context: Context) -> Array:
    """Return the bytes of a file as an array on disk."""
    scratch = io.BytesIO()
    size, blocks = encoded(audio, form, scratch)
    data = context.array((size,), np.uint8)
    at = flushed = 0
    for block in blocks:
        data[at : at + len(block)] = np.frombuffer(block, np.uint8)
        at += len(block)
        if at - flushed >= FLUSH:
            release(data)
            flushed = at
    return data
