"""Freedoom's music as stems: what each instrument plays, by FluidSynth, in variations; and the melody for a voice.

Needs the Debian packages freedoom (its music is under BSD), fluidsynth and a sound font (fluid-soundfont-gm is under
MIT), and mido from PyPI.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mido
import numpy as np
import soundfile

RATE = 44100
DRUM_CHANNEL, BASS_PROGRAMS = 9, range(32, 40)
KITS = (0, 8, 16, 25, 32, 40)
"""Programs of General MIDI's drums: standard, room, power, analogue, jazz, brushes."""

FAMILY = 8
"""Programs that General MIDI counts as one family of instruments."""

PAN, ALL_NOTES_OFF = 10, 123
PARTS = ("drums", "bass", "other")

Array = np.ndarray[Any, Any]
Note = tuple[float, float, int]
Event = tuple[float, Any]


@dataclass(frozen=True)
class Variation:
    """How a piece is played.

    Parameters
    ----------
    semitones
        Transposition of all but drums.
    tempo
        How many times as fast.
    programs
        Instrument by channel, in place of the piece's own.
    places
        Position by channel, 0 (left) to 127 (right), in place of the piece's own.
    start
        Where the excerpt begins, as a share of what is left beside it.
    """

    semitones: int = 0
    tempo: float = 1.0
    programs: dict[int, int] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    start: float = 0.4


AS_WRITTEN = Variation()


def varied(events: list[Event], generator: np.random.Generator) -> Variation:
    """Return a variation by chance: as written from another moment on, or half of the instruments changed."""
    if generator.random() < 0.3:
        return Variation(start=float(generator.random()))
    own = {message.channel: message.program for _, message in events if message.type == "program_change"}
    programs = {}
    for channel in sorted(own):
        if generator.random() < 0.5:
            programs[channel] = _instrument(channel, own[channel], generator)
    channels = sorted({message.channel for _, message in events if message.type == "note_on"})
    places = {each: int(generator.integers(16, 112)) for each in channels if generator.random() < 0.4}
    places.pop(DRUM_CHANNEL, None)
    semitones, tempo = int(generator.integers(-4, 5)), float(generator.uniform(0.82, 1.2))
    return Variation(semitones, tempo, programs, places, float(generator.random()))


def _instrument(channel: int, program: int, generator: np.random.Generator) -> int:
    if channel == DRUM_CHANNEL:
        return int(generator.choice(KITS))
    if program not in BASS_PROGRAMS and generator.random() < 0.3:
        other = int(generator.integers(0, 104 - len(BASS_PROGRAMS)))  # those above 103 are percussion and effects
        return other + len(BASS_PROGRAMS) * (other >= BASS_PROGRAMS.start)
    return program // FAMILY * FAMILY + int(generator.integers(FAMILY))


def names(archives: Sequence[Path]) -> list[str]:
    """Return the names of all pieces in Freedoom's archives, each piece once."""
    found: dict[bytes, str] = {}
    for name, data in _lumps(archives):
        if data.startswith(b"MThd"):
            found.setdefault(data, name)
    return sorted(set(found.values()))


def read(archives: Sequence[Path], name: str) -> list[Event]:
    """Return a piece's messages to channels, each with its time in seconds.

    Raises
    ------
    LookupError
        Where there is no such piece.
    """
    data = next((data for found, data in _lumps(archives) if found == name and data.startswith(b"MThd")), None)
    if data is None:
        raise LookupError(f"no music called {name} in {', '.join(map(str, archives))}")
    with tempfile.NamedTemporaryFile(suffix=".mid") as file:
        Path(file.name).write_bytes(data)
        time, found = 0.0, []
        for message in mido.MidiFile(file.name, clip=True):
            time += message.time
            if not message.is_meta and hasattr(message, "channel"):
                found.append((time, message))
    return found


def _lumps(archives: Sequence[Path]) -> list[tuple[str, bytes]]:
    """Return what is in the archives by name: a header, and a directory of offset, size and name."""
    found = []
    for path in archives:
        data = path.read_bytes()
        count, directory = struct.unpack_from("<II", data, 4)
        for entry in range(count):
            offset, size, name = struct.unpack_from("<II8s", data, directory + 16 * entry)
            found.append((name.rstrip(b"\0").decode().lower(), data[offset : offset + size]))
    return found


def played(events: list[Event], seconds: float, font: Path, variation: Variation = AS_WRITTEN) -> dict[str, Array]:
    """Return drums, bass and other of an excerpt, each 2 × samples, float64; a part without notes is silent."""
    begin = _begin(events, seconds, variation)
    return {part: _rendered(_part(events, part, begin, seconds, variation), font, seconds) for part in PARTS}


def notes(events: list[Event], seconds: float, variation: Variation = AS_WRITTEN) -> list[Note]:
    """Return (start, stop, pitch) of the excerpt's notes that are neither drums nor bass."""
    begin, belongs = _begin(events, seconds, variation), _belongs(events)
    sounding: dict[tuple[int, int], float] = {}
    found = []
    for written, message in events:
        if message.type not in ("note_on", "note_off") or belongs[message.channel] != "other":
            continue
        time, key = written / variation.tempo - begin, (message.channel, message.note)
        if message.type == "note_on" and message.velocity:
            sounding[key] = time
        elif key in sounding and 0 <= (start := sounding.pop(key)) < seconds:
            found.append((start, time, message.note + variation.semitones))
    return sorted(found)


def melody(found: list[Note], low: int, high: int) -> list[Note]:
    """Return the highest notes, one at a time, 0.22 s apart or more, moved by octaves into the range of a voice."""
    sung: list[Note] = []
    for start, stop, pitch in sorted(found, key=lambda note: (round(note[0] / 0.06), -note[2])):
        if sung and start < sung[-1][0] + 0.22:
            continue
        if sung:
            sung[-1] = sung[-1][0], min(sung[-1][1], start), sung[-1][2]
        inside = low + (pitch - low) % 12 if not low <= pitch <= high else pitch
        sung.append((start, min(max(stop, start + 0.3), start + 1.6), inside))
    return sung


def _begin(events: list[Event], seconds: float, variation: Variation) -> float:
    return variation.start * max(0.0, events[-1][0] / variation.tempo - seconds)


def _belongs(events: list[Event]) -> dict[int, str]:
    """Return the part of each channel."""
    bass = {m.channel for _, m in events if m.type == "program_change" and m.program in BASS_PROGRAMS}
    return {
        channel: "drums" if channel == DRUM_CHANNEL else "bass" if channel in bass else "other" for channel in range(16)
    }


def _part(events: list[Event], part: str, begin: float, seconds: float, variation: Variation) -> mido.MidiFile:
    """Return what the channels of one part play from `begin` on, a tick a millisecond."""
    belongs, track, last = _belongs(events), mido.MidiTrack(), 0
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000))
    for channel in variation.programs.keys() | variation.places.keys():
        track += _set_out(channel, variation)
    for written, message in events:
        time = written / variation.tempo
        note = message.type in ("note_on", "note_off")
        if belongs[message.channel] != part or time > begin + seconds or (note and time < begin):
            continue
        if (replaced := _replaced(message, variation)) is not None:
            tick = max(0, round(1000 * (time - begin)))
            track.append(replaced.copy(time=tick - last))
            last = tick
    for channel in range(16):
        rest = max(0, round(1000 * seconds) - last) if channel == 0 else 0
        track.append(mido.Message("control_change", channel=channel, control=ALL_NOTES_OFF, value=0, time=rest))
    file = mido.MidiFile(ticks_per_beat=1000)
    file.tracks.append(track)
    return file


def _set_out(channel: int, variation: Variation) -> list[mido.Message]:
    found = []
    if channel in variation.programs:
        found.append(mido.Message("program_change", channel=channel, program=variation.programs[channel]))
    if channel in variation.places:
        place = variation.places[channel]
        found.append(mido.Message("control_change", channel=channel, control=PAN, value=place))
    return found


def _replaced(message: Any, variation: Variation) -> Any:
    """Return a message as the variation has it, or None where the variation has its own."""
    channel = message.channel
    if message.type == "program_change" and channel in variation.programs:
        return None
    if message.type == "control_change" and message.control == PAN and channel in variation.places:
        return None
    if hasattr(message, "note") and channel != DRUM_CHANNEL:
        return message.copy(note=min(127, max(0, message.note + variation.semitones)))
    return message


def _rendered(file: mido.MidiFile, font: Path, seconds: float) -> Array:
    sounded = np.zeros((2, round(seconds * RATE)))
    if not any(message.type == "note_on" for message in file.tracks[0]):
        return sounded
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "score.mid", Path(folder) / "sound.wav"
        file.save(score)
        form = ["-T", "wav", "-O", "float", "-r", str(RATE), "-g", "0.6"]
        subprocess.run(["fluidsynth", "-ni", "-q", *form, "-F", sound, font, score], check=True, capture_output=True)
        samples = soundfile.read(sound, dtype="float64", always_2d=True)[0].T
    length = min(sounded.shape[1], samples.shape[1])
    sounded[:, :length] = samples[:, :length]
    return sounded
