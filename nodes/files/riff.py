"""The chunks around the samples of a WAV or RF64 file: format, strings, markers, sizes.

Sources: Microsoft and IBM, 'Multimedia Programming Interface and Data Specifications 1.0' (RIFF, cue, adtl,
INFO); Microsoft, WAVEFORMATEXTENSIBLE; EBU Tech 3306 / ITU-R BS.2088 (RF64, ds64).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from nodes.files.pcm import Encoding
from nodes.values.audio import Audio, Marker
from pipelines.mistakes import mistake

LONGEST_RIFF = 2**32 - 1
LAST_MARKER = 2**32 - 1
PCM, IEEE_FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
INFO_NAMES = {"title": b"INAM", "artist": b"IART", "comment": b"ICMT", "software": b"ISFT"}


def wave_ends(audio: Audio, encoding: Encoding, info: Mapping[str, str], rf64: bool) -> tuple[bytes, bytes]:
    """Return what stands before and after the samples in a WAV file.

    Beyond two channels the format is WAVE_FORMAT_EXTENSIBLE with channel mask 0: the channels belong to
    no named loudspeaker. A file that would exceed 4 GB is RF64, whatever was asked for.

    Parameters
    ----------
    audio
        The sound; its markers become cue points with labels, those with a duration regions.
    encoding
        How each sample is written.
    info
        Texts by name: title, artist, comment, software.
    rf64
        Whether to write RF64 at any size.

    Raises
    ------
    MistakeError
        For more channels or samples a second than the format can say.
    """
    data_size = audio.length * audio.channels * encoding.bytes
    before = _format_chunk(audio, encoding)
    before += _chunk(b"fact", struct.pack("<I", min(audio.length, LONGEST_RIFF))) if encoding.floating else b""
    before += info_chunk(info)
    after = b"\0" * (data_size % 2) + marker_chunks(audio.markers, audio.sample_rate, audio.length)
    size = len(b"WAVE") + len(before) + 8 + data_size + len(after)
    if not rf64 and size <= LONGEST_RIFF:
        return b"RIFF" + struct.pack("<I", size) + b"WAVE" + before + b"data" + struct.pack("<I", data_size), after
    sizes = _chunk(b"ds64", struct.pack("<QQQI", size + 36, data_size, audio.length, 0))
    unknown = struct.pack("<I", LONGEST_RIFF)
    return b"RF64" + unknown + b"WAVE" + sizes + before + b"data" + unknown, after


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _format_chunk(audio: Audio, encoding: Encoding) -> bytes:
    frame = audio.channels * encoding.bytes
    tag = IEEE_FLOAT if encoding.floating else PCM
    try:
        numbers = struct.pack(
            "<HIIHH", audio.channels, audio.sample_rate, audio.sample_rate * frame, frame, encoding.bits
        )
    except struct.error:
        raise mistake(
            "a WAV file cannot hold this many channels or samples a second",
            given=f"{audio.channels} channels at {audio.sample_rate} Hz",
            allowed="frames of at most 65535 bytes, and 4 GB a second",
            hint="write a mono file for each channel",
        ) from None
    if audio.channels > 2:
        extension = struct.pack("<HHIH", 22, encoding.bits, 0, tag) + SUBFORMAT_TAIL
        return _chunk(b"fmt ", struct.pack("<H", EXTENSIBLE) + numbers + extension)
    return _chunk(b"fmt ", struct.pack("<H", tag) + numbers + (b"\0\0" if encoding.floating else b""))


def info_chunk(info: Mapping[str, str]) -> bytes:
    """Return the INFO list of the texts, in UTF-8; nothing where all are empty."""
    strings = [_chunk(INFO_NAMES[name], _text(text)) for name, text in info.items() if text]
    return _chunk(b"LIST", b"INFO" + b"".join(strings)) if strings else b""


def marker_chunks(markers: Sequence[Marker], sample_rate: int, length: int) -> bytes:
    """Return cue points and their labels; a marker with a duration is also a region ('rgn ').

    All names come first: some programs stop reading at the first entry of another kind. Places are rounded to
    samples, and kept within the sound (and within 2^32 samples).
    """
    if not markers:
        return b""
    end = min(length, LAST_MARKER)
    points, labels, regions = [struct.pack("<I", len(markers))], [b"adtl"], []
    for number, marker in enumerate(markers, 1):
        first = _place(marker.time, sample_rate, end)
        last = _place(marker.time + marker.duration, sample_rate, end)
        points.append(struct.pack("<II4sIII", number, first, b"data", 0, 0, first))
        labels.append(_chunk(b"labl", struct.pack("<I", number) + _text(marker.label)))
        if marker.duration > 0:
            regions.append(_chunk(b"ltxt", struct.pack("<II4sHHHH", number, last - first, b"rgn ", 0, 0, 0, 0)))
    return _chunk(b"cue ", b"".join(points)) + _chunk(b"LIST", b"".join(labels + regions))


def _place(time: float, sample_rate: int, end: int) -> int:
    return max(0, min(end, round(time * sample_rate)))


def _text(text: str) -> bytes:
    return text.replace("\0", "").encode("utf-8", "replace") + b"\0"
