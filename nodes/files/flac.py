"""FLAC files: encoded by libsndfile, with texts and markers in comments of our own.

Sources: RFC 9639 (FLAC); Xiph.org, 'Ogg Vorbis I format specification: comment field and header
specification'; the CHAPTER comments of OGM, which players and editors read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import numpy as np
import soundfile

from nodes.files.pcm import BLOCK, quantise
from nodes.values.audio import Audio, Marker
from nodes.values.blocks import spans
from pipelines.context import release
from pipelines.mistakes import mistake

MOST_CHANNELS, HIGHEST_RATE = 8, 655_350
COMMENTS = 4


def refuse_unfit(channels: int, sample_rate: int, bits: int, floating: bool) -> None:
    """Refuse what FLAC cannot hold.

    Raises
    ------
    MistakeError
        Beyond 8 channels, 655350 Hz or 24 bits, and for float.
    """
    reasons = (
        ("channels", channels > MOST_CHANNELS, f"{channels} channels", f"at most {MOST_CHANNELS} channels"),
        ("sample_rate", sample_rate > HIGHEST_RATE, f"{sample_rate} Hz", f"at most {HIGHEST_RATE} Hz"),
        ("bits", floating or bits > 24, "float" if floating else f"{bits} bits", "16 or 24 bits"),
    )
    for parameter, unfit, given, allowed in reasons:
        if unfit:
            hint = "format: wav holds it" + (", and so does mono_files: true" if parameter == "channels" else "")
            raise mistake("FLAC cannot hold this", parameter=parameter, given=given, allowed=allowed, hint=hint)


def encode(scratch: BinaryIO, audio: Audio, bits: int, noise: np.random.Generator | None) -> None:
    """Write a sound as FLAC of 16 or 24 bits into an empty file that can be read and written.

    Raises
    ------
    MistakeError
        For a sound without samples.
    """
    if not audio.length:
        raise mistake("a FLAC file needs at least one sample", given="0 samples", hint="format: wav holds it")
    form = {"samplerate": audio.sample_rate, "channels": audio.channels, "subtype": f"PCM_{bits}"}
    with soundfile.SoundFile(scratch, "w", format="FLAC", **form) as file:
        for start, stop in spans(audio.length, BLOCK):
            whole = quantise(audio.samples[:, start:stop], bits, noise) << (32 - bits)
            file.write(np.ascontiguousarray(whole.T))
            release(audio.samples)


def described(scratch: BinaryIO, info: Mapping[str, str], audio: Audio) -> tuple[int, Iterator[bytes]]:
    """Return the size and the bytes of an encoded file with its comments replaced.

    Markers become chapters, which have a time and a label but no duration.
    """
    scratch.seek(4)
    blocks, vendor = _metadata(scratch)
    blocks.insert(1, (COMMENTS, _comments(vendor, info, audio.markers, audio.duration)))
    head = b"fLaC" + b"".join(_block(kind, body, n == len(blocks)) for n, (kind, body) in enumerate(blocks, 1))
    at = scratch.tell()
    size = len(head) + scratch.seek(0, 2) - at

    def stream() -> Iterator[bytes]:
        yield head
        scratch.seek(at)
        while block := scratch.read(2**20):
            yield block

    return size, stream()


def _metadata(file: BinaryIO) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return every metadata block (type, body) but the comments, and the encoder's name from those."""
    blocks: list[tuple[int, bytes]] = []
    vendor, last = b"", False
    while not last:
        first, *size = file.read(4)
        last, kind = bool(first & 0x80), first & 0x7F
        body = file.read(int.from_bytes(bytes(size), "big"))
        if kind == COMMENTS:
            vendor = body[4 : 4 + struct.unpack_from("<I", body)[0]]
        else:
            blocks.append((kind, body))
    return blocks, vendor


def _block(kind: int, body: bytes, last: bool) -> bytes:
    return bytes([kind | 0x80 * last]) + len(body).to_bytes(3, "big") + body


def _comments(vendor: bytes, info: Mapping[str, str], markers: Sequence[Marker], end: float) -> bytes:
    fields = [f"{name.upper()}={text}" for name, text in info.items() if text]
    for number, marker in enumerate(markers, 1):
        clock = _clock(round(max(0.0, min(end, marker.time)) * 1000))
        fields += [f"CHAPTER{number:03d}={clock}", f"CHAPTER{number:03d}NAME={marker.label}"]
    texts = [vendor, *(field.encode("utf-8", "replace") for field in fields)]
    packed = [struct.pack("<I", len(text)) + text for text in texts]
    return packed[0] + struct.pack("<I", len(fields)) + b"".join(packed[1:])


def _clock(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
