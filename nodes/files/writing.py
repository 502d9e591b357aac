"""Writing sound files: WAV and RF64 by our own chunks, FLAC through libsndfile."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np

from nodes.files.pcm import ENCODINGS, Encoding, interleaved, peak, refuse_clipping
from nodes.files.riff import wave_ends
from nodes.values.audio import Audio
from pipelines.mistakes import mistake

CONTAINERS = ("auto", "wav", "rf64", "flac")
LONGEST_NAME = 80
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    """What a file shall be.

    Parameters
    ----------
    container
        'wav' (RF64 above 4 GB), 'rf64' or 'flac'.
    encoding
        How each sample is written.
    info
        Texts by name: title, artist, comment, software.
    noise
        Source of triangular dither, or None for none.
    """

    container: str
    encoding: Encoding
    info: Mapping[str, str] = field(default_factory=dict)
    noise: np.random.Generator | None = None


def encoded(audio: Audio, form: Form, scratch: BinaryIO) -> tuple[int, Iterator[bytes]]:
    """Return the size of a file in bytes, and its bytes.

    Parameters
    ----------
    audio
        The sound.
    form
        What the file shall be.
    scratch
        An empty file for reading and writing; FLAC is encoded there first.

    Raises
    ------
    MistakeError
        Where the form cannot hold the sound: beyond full scale, too many channels.
    """
    if not form.encoding.floating:
        refuse_clipping(audio)
    if form.container == "flac":
        from nodes.files import flac

        flac.refuse_unfit(audio.channels, audio.sample_rate, form.encoding.bits, form.encoding.floating)
        flac.encode(scratch, audio, form.encoding.bits, form.noise)
        return flac.described(scratch, form.info, audio)
    before, after = wave_ends(audio, form.encoding, form.info, form.container == "rf64")
    size = len(before) + audio.length * audio.channels * form.encoding.bytes + len(after)
    return size, _wave(before, audio, form, after)


def _wave(before: bytes, audio: Audio, form: Form, after: bytes) -> Iterator[bytes]:
    yield before
    yield from interleaved(audio, form.encoding, form.noise)
    yield after


def write_audio(
    path: Path,
    audio: Audio,
    subtype: str = "PCM_24",
    container: str = "auto",
    info: Mapping[str, str] | None = None,
) -> None:
    """Write a sound file; the same sound gives the same bytes.

    Parameters
    ----------
    path
        The file; it appears when it is complete.
    audio
        The sound, with its markers.
    subtype
        'PCM_16', 'PCM_24', 'PCM_32' or 'FLOAT'; 'auto' is PCM_24 unless the sound goes beyond full scale
        or is not finite, which only FLOAT can hold.
    container
        'wav' (RF64 above 4 GB), 'rf64', 'flac'; 'auto' is flac for the ending .flac, else wav.
    info
        Texts to write into the file: title, artist, comment, software.

    Raises
    ------
    MistakeError
        Where the form cannot hold the sound: beyond full scale, too many channels.
    """
    if container not in CONTAINERS or subtype not in (*ENCODINGS, "auto"):
        raise mistake(
            "there is no such form of sound file",
            given=f"{container}, {subtype}",
            allowed=", ".join((*CONTAINERS, *ENCODINGS, "auto")),
        )
    if container == "auto":
        container = "flac" if path.suffix.lower() == ".flac" else "wav"
    if subtype == "auto":
        subtype = "PCM_24" if container == "flac" or peak(audio.samples) <= 1.0 else "FLOAT"
    _write(path, audio, Form(container, ENCODINGS[subtype], info or {}))


def _write(path: Path, audio: Audio, form: Form) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        with tempfile.TemporaryFile(dir=path.parent) as scratch, partial.open("wb") as file:
            for block in encoded(audio, form, scratch)[1]:
                file.write(block)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def label_names(labels: Sequence[str]) -> list[str]:
    """Return what the files of takes are called after the name of the whole, so that they sort in order.

    Rising whole numbers are their own names, with zeros before them; other labels follow a count from 1.
    """
    if all(label.isascii() and label.isdecimal() for label in labels):
        numbers = [int(label) for label in labels]
        if all(before < after for before, after in pairwise(numbers)):
            return [f"{number:03d}" for number in numbers]
    return [f"{place:03d}_{safe_name(label)}" for place, label in enumerate(labels, 1)]


def safe_name(text: str) -> str:
    """Return a text as part of a file name that every system takes: letters, digits, '-', '_', '.'.

    Letters of all scripts stay; everything else becomes '_'. At most 80 bytes; never empty.
    """
    name = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", text)).strip("._- ")
    name = name.encode("utf-8", "ignore")[:LONGEST_NAME].decode("utf-8", "ignore").rstrip("._- ")
    return f"_{name}" if not name or RESERVED.match(name) else name
