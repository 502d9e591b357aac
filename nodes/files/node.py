"""Sound files in and out: `load`, `load_takes`, `export`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from nodes.files.parameters import ChannelChoice, Length, SampleRate, one_file
from nodes.values import Audio, Files, Takes
from pipelines.context import Context
from pipelines.mistakes import mistake, shown
from pipelines.node import node
from pipelines.quantities import AudioFiles, FromPiece, InputFiles, Seconds

if TYPE_CHECKING:
    from nodes.files.selection import Extract


CLICK = 1e-3
"""Seconds below which a file is no more than a click: mostly an export that went wrong."""


def _extract_of(path: Path, parameters: Mapping[str, Any]) -> Extract:
    from nodes.files.selection import extract

    given = (parameters[name] for name in ("start", "duration", "channels", "sample_rate"))
    return extract(path, *given)


def _one_file(path: InputFiles) -> Path:
    return one_file(path, "sound file", "node: load_takes reads a folder or a pattern")


def _load_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    part = _extract_of(_one_file(parameters["path"]), parameters)
    duration = part.length / part.sample_rate
    return {"value": {"sample_rate": part.sample_rate, "channels": part.width, "duration": duration}}


@node(facts=_load_facts)
def load(
    *,
    path: AudioFiles,
    start: Seconds = 0.0,
    duration: Length | None = None,
    channels: ChannelChoice = None,
    sample_rate: Annotated[SampleRate, FromPiece("sample_rate")] = "native",
    context: Context,
) -> Audio:
    """Read a sound file.

    Integer formats are scaled so that full scale is ±1; float formats are taken as they are. Where the
    rate differs from the file's, the sound is resampled by soxr at its very high quality.

    Parameters
    ----------
    path
        The file, in any format that libsndfile reads (WAV, RF64, AIFF, FLAC, Ogg, MP3, W64, CAF, …).
    start
        Where to begin in the file.
    duration
        How much to take; null, or more than there is, takes all to the end.
    channels
        null for all; 'mono' for their mean; a number or a list of numbers from 1 for these, in this order.
    sample_rate
        Samples a second of the result; 'native' keeps the file's. The piece's sample_rate unless given.

    Raises
    ------
    MistakeError
        For a file that is not sound, is damaged or empty, holds NaN or infinity, or lacks what is asked for.
    """
    from nodes.files.reading import read_extract
    from nodes.files.selection import extract

    part = extract(_one_file(path), start, duration, channels, sample_rate)
    if (whole := part.header.frames / part.header.sample_rate) < CLICK:
        context.note(f"the file lasts {1000 * whole:.2g} ms ({part.header.frames} samples): no more than a click")
    return Audio(read_extract(part, context.progress), part.sample_rate)


def _extracts(parameters: Mapping[str, Any]) -> list[Extract]:
    from nodes.files.selection import is_sound

    path: InputFiles = parameters["path"]
    files = list(path.paths) if path.one else [file for file in path.paths if is_sound(file)]
    if not files:
        raise mistake(
            "there is no sound file",
            parameter="path",
            given=f"{shown(path.asked)} ({len(path.paths)} files of other kinds)",
            allowed="a folder or a pattern with sound files",
        )
    parts = [_extract_of(file, parameters) for file in files]
    _refuse_several_rates(parts)
    return parts


def _refuse_several_rates(parts: list[Extract]) -> None:
    for part in parts:
        if part.sample_rate != parts[0].sample_rate:
            raise mistake(
                "the files have several sample rates",
                parameter="sample_rate",
                given=", ".join(f"{p.path.name}: {p.sample_rate} Hz" for p in (parts[0], part)),
                hint=f"resample all of them: sample_rate: {parts[0].sample_rate}",
            )


def _takes_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    parts = _extracts(parameters)
    facts = {"sample_rate": parts[0].sample_rate, "takes": len(parts)}
    if len({part.width for part in parts}) == 1:
        facts["channels"] = parts[0].width
    return {"value": facts}


@node(facts=_takes_facts)
def load_takes(
    *,
    path: AudioFiles,
    start: Seconds = 0.0,
    duration: Length | None = None,
    channels: ChannelChoice = None,
    sample_rate: Annotated[SampleRate, FromPiece("sample_rate")] = "native",
    context: Context,
) -> Takes:
    """Read the sound files of a folder or a pattern as takes, in the order of their names.

    Files that are no sound by their ending (.txt, .csv, …) are left out; a sound file that cannot be
    read is a mistake. The label of a take is its file's name without the ending.

    Parameters
    ----------
    path
        A folder, a pattern such as 'takes/*.wav', or one file.
    start
        Where to begin in each file.
    duration
        How much to take of each; null, or more than there is, takes all to the end.
    channels
        null for all; 'mono' for their mean; a number or a list of numbers from 1 for these, in this order.
    sample_rate
        Samples a second of the result; 'native' keeps the files' own, which must agree. The piece's
        sample_rate unless given.

    Raises
    ------
    MistakeError
        As `load`, for each file; and where there is no sound file or the rates differ.
    """
    from nodes.files.reading import read_extract

    parts = _extracts({"path": path, "start": start, "duration": duration, "channels": channels,
                       "sample_rate": sample_rate})  # fmt: skip
    samples = tuple(read_extract(part) for part in context.progress(parts))
    return Takes(samples, parts[0].sample_rate, tuple(part.path.stem for part in parts))


def _export_facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    facts = inputs.get("audio") or {}
    if parameters["format"] == "flac":
        from nodes.files.flac import refuse_unfit

        channels = 1 if parameters["mono_files"] else facts.get("channels", 1)
        bits = parameters["bits"]
        refuse_unfit(channels, facts.get("sample_rate", 1), 32 if bits == "float" else bits, bits == "float")
    if parameters["dither"] and parameters["bits"] == "float":
        raise mistake("float files need no dither", parameter="dither", given="true", allowed="false with bits: float")
    return {"value": {}}


@node(facts=_export_facts)
def export(
    audio: Audio | Takes,
    *,
    name: str = "piece",
    format: Literal["wav", "rf64", "flac"] = "wav",
    bits: Literal[16, 24, 32, "float"] = 24,
    mono_files: bool = False,
    title: str = "",
    artist: str = "",
    dither: bool = False,
    context: Context,
) -> Files:
    """Make finished sound files: of a sound one, of takes one each, on demand one for each channel.

    The files carry title, artist, this program's version, the key of the step (as JSON, in the comment),
    and the sound's markers. Levels are never changed.

    Parameters
    ----------
    audio
        What to export.
    name
        Beginning of the file names. Takes add number and label, mono files 'ch' and the channel's number.
    format
        'wav' (RF64 above 4 GB, WAVE_FORMAT_EXTENSIBLE beyond two channels), 'rf64' or 'flac' (at most 8
        channels and 24 bits; markers become chapters, without durations).
    bits
        Bits of a sample, or 'float' for 32-bit float, which holds what is beyond full scale.
    mono_files
        Whether each channel becomes a file of its own.
    title, artist
        Texts to write into the files.
    dither
        Whether to add triangular noise of one step before rounding to whole numbers.

    Raises
    ------
    MistakeError
        Where whole numbers would clip the sound, it holds NaN or infinity, or FLAC cannot hold it.
    """
    from nodes.files.exporting import export_files

    _export_facts({}, {"format": format, "bits": bits, "mono_files": mono_files, "dither": dither})
    noise = context.generator if dither else None
    texts = {"title": title, "artist": artist}
    return export_files(audio, name, format, bits, mono_files, texts, noise, context)
