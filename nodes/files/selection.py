"""What a sound file promises, and the part of it that a step asks for."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from nodes.files.mp3 import SLACK, count_samples
from pipelines.mistakes import MistakeError, listed, mistake, shown

MOST_FRAMES_PER_BYTE = 65536  # FLAC's longest frame, 65535 samples of silence, takes more than one byte
STEEPEST_RESAMPLING = 256
FORMATS = "a file that libsndfile reads: WAV, RF64, AIFF, FLAC, Ogg Vorbis or Opus, MP3, W64, CAF, AU …"
READABLE = (
    r"wave?|bwf|rf64|w64|aif[fc]?|flac|og[ga]|opus|mp[123c]|mpga|caf|au|snd|sf|ircam|voc|nist|sph|8?svx|paf"
    r"|fap|pvf|htk|sds|sd2|avr|xi|wve"
)
FOREIGN = r"m4[ab]|aac|wma|ape|wv|tta|ac3|dts|mka|amr|ra|dsf|dff"
SOUND = re.compile(rf"\.({READABLE}|{FOREIGN})", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """What a file says of itself: samples a second, channels, samples in each channel, format."""

    sample_rate: int
    channels: int
    frames: int
    format: str


@dataclass(frozen=True)
class Extract:
    """The part of a sound file that a step asks for.

    Parameters
    ----------
    path
        The file.
    header
        What the file says of itself.
    first, count
        First sample and number of samples, at the file's rate.
    channels
        Indices from 0 of the channels, or None for the mean of all.
    sample_rate
        Samples a second of the result.
    """

    path: Path
    header: Header
    first: int
    count: int
    channels: tuple[int, ...] | None
    sample_rate: int

    @property
    def length(self) -> int:
        """Samples of the result in each channel; soxr rounds in the same way."""
        return (2 * self.count * self.sample_rate + self.header.sample_rate) // (2 * self.header.sample_rate)

    @property
    def width(self) -> int:
        """Channels of the result."""
        return 1 if self.channels is None else len(self.channels)


def is_sound(path: Path) -> bool:
    """Whether a file's ending is one of a sound file, readable or not."""
    return SOUND.fullmatch(path.suffix) is not None


def open_file(path: Path) -> soundfile.SoundFile:
    """Open a sound file to read it.

    Raises
    ------
    MistakeError
        Where libsndfile cannot read it.
    """
    try:
        return soundfile.SoundFile(os.fsencode(path))
    except soundfile.LibsndfileError as error:
        raise unreadable(path, str(error.error_string)) from error
    except TypeError as error:  # soundfile's answer to the ending .raw
        raise unreadable(path, "a raw file has no header") from error
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from error


def unreadable(path: Path, why: str) -> MistakeError:
    """Return the mistake for a file that is not sound."""
    return mistake(
        f"'{path.name}' cannot be read as a sound file: {why.rstrip('.')}",
        parameter="path",
        given=shown(str(path), 200),
        allowed=FORMATS,
        hint="convert it to WAV or FLAC first (ffmpeg -i IN OUT.wav)",
    )


def damaged(path: Path, why: str) -> MistakeError:
    """Return the mistake for a sound file whose content does not keep what its header promises."""
    return mistake(
        f"'{path.name}' is damaged: {why.rstrip('.')}",
        parameter="path",
        given=shown(str(path), 200),
        hint="fetch or export the file again, or mend it (ffmpeg -i IN OUT.wav)",
    )


def read_header(path: Path) -> Header:
    """Return what the file says of itself, once that is plausible.

    Raises
    ------
    MistakeError
        For what is not a sound file, holds no sample, or promises more than its size can hold.
    """
    with open_file(path) as file:
        header = Header(int(file.samplerate), int(file.channels), int(file.frames), str(file.format))
    if header.frames == np.iinfo(np.int64).max:
        raise unreadable(path, "its header does not say how long it is (a streamed file)")
    if header.frames > path.stat().st_size * MOST_FRAMES_PER_BYTE:
        raise damaged(path, f"{path.stat().st_size} bytes cannot hold the {header.frames} samples that it promises")
    if header.frames < 1:
        raise mistake(f"'{path.name}' is empty: it holds no sample", parameter="path", given=shown(str(path), 200))
    if header.sample_rate < 1 or header.channels < 1:
        raise damaged(path, f"it says {header.channels} channels at {header.sample_rate} Hz")
    if header.format == "MP3" and (counted := count_samples(path)) > header.frames + SLACK:
        raise damaged(path, f"its length tag is missing or wrong: {header.frames} of {counted} samples would be read")
    return header


def extract(
    path: Path, start: float, duration: float | None, channels: list[int] | str | None, rate: int | str
) -> Extract:
    """Return the part of a file that the parameters of `load` ask for.

    Raises
    ------
    MistakeError
        Where the file cannot be read or has no such part.
    """
    header = read_header(path)
    first, count = _span(path, header, start, duration)
    sample_rate = header.sample_rate if rate == "native" else int(rate)
    steepness = max(sample_rate, header.sample_rate) / min(sample_rate, header.sample_rate)
    if steepness > STEEPEST_RESAMPLING:
        raise mistake(
            f"'{path.name}' has {header.sample_rate} Hz, too far away to resample",
            parameter="sample_rate",
            given=f"{sample_rate} Hz",
            allowed=f"at most {STEEPEST_RESAMPLING} times more or less",
            hint="sample_rate: native keeps the file's own",
        )
    part = Extract(path, header, first, count, _indices(path, header, channels), sample_rate)
    if part.length < 1:
        raise mistake(
            f"'{path.name}' has no sample left after resampling",
            parameter="duration",
            given=f"{count} samples at {header.sample_rate} Hz, to be {sample_rate} Hz",
        )
    return part


def _span(path: Path, header: Header, start: float, duration: float | None) -> tuple[int, int]:
    whole = header.frames / header.sample_rate
    first = round(start * header.sample_rate)
    if first >= header.frames:
        raise mistake(
            f"'{path.name}' ends before this start",
            parameter="start",
            given=f"{start:g} s",
            allowed=f"less than {whole:g} s, the length of the file",
        )
    rest = header.frames - first
    count = rest if duration is None else min(rest, round(duration * header.sample_rate))
    if count < 1:
        raise mistake(
            "the duration is shorter than one sample",
            parameter="duration",
            given=f"{duration:g} s",
            allowed=f"at least {1 / header.sample_rate:g} s for '{path.name}'",
        )
    return first, count


def _indices(path: Path, header: Header, channels: list[int] | str | None) -> tuple[int, ...] | None:
    if channels == "mono":
        return None
    if not isinstance(channels, list):
        return tuple(range(header.channels))
    if missing := [number for number in channels if not 1 <= number <= header.channels]:
        raise mistake(
            f"'{path.name}' has no channel {listed(map(str, missing))}",
            parameter="channels",
            given=shown(channels),
            allowed=f"1 … {header.channels}" if header.channels > 1 else "1, for the file has one channel",
        )
    return tuple(number - 1 for number in channels)
