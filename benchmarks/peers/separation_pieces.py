"""Render pieces with exact stems: Freedoom's music by FluidSynth, and a voice that sings its melody.

Needs the Debian packages freedoom, fluidsynth, espeak-ng and a sound font (fluid-soundfont-gm, timgm6mb-soundfont),
and mido, pyworld, scipy and soundfile with setuptools below 81 from PyPI. What it makes stays out of the project.

    python separation_pieces.py FOLDER --font /usr/share/sounds/sf2/FluidR3_GM.sf2
"""

from __future__ import annotations

import argparse
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import mido
import numpy as np
import soundfile
from separation_singing import Singer

RATE = 44100
WADS = Path("/usr/share/games/doom")
PIECES = ("d_e1m1", "d_e1m6", "d_in_cit", "d_openin", "d_e3m2", "d_e2m8", "d_adrian", "d_ampie")
VOICES = ("en-us+f2", "en-us+f3", "en-us+f4", "en-us+m1", "en-us+m3", "en-us+m7", "en-gb", "en-us+f5")
DRUM_CHANNEL, BASS_PROGRAMS = 9, range(32, 40)
Array = np.ndarray[Any, Any]


def main() -> None:
    """Render each piece into a folder of its own: vocals.wav, drums.wav, bass.wav and other.wav."""
    options = _options()
    for number, name in enumerate(options.pieces):
        generator = np.random.default_rng([options.seed, number])
        events = _events(_lump(name))
        start = 0.4 * max(0.0, events[-1][0] - options.seconds)
        stems = {
            part: _rendered(_part(events, part, start, options.seconds), options.font, options.seconds)
            for part in ("drums", "bass", "other")
        }
        singer = Singer(VOICES[generator.integers(len(VOICES))], generator)
        melody = _melody(_notes(events, start, options.seconds), singer.range)
        stems["vocals"] = singer.sing(melody, options.seconds, RATE)
        _balance(stems, generator.uniform(-3, 3))
        folder = options.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for part, stem in stems.items():
            soundfile.write(folder / f"{part}.wav", stem.T.astype(np.float32), RATE, "FLOAT")
        print(name, singer.voice, f"{len(melody)} notes", flush=True)


def _lump(name: str) -> bytes:
    """Return a piece of music by its name in Freedoom's archives: a header, and a directory of offset, size, name."""
    for path in sorted(WADS.glob("*.wad")):
        data = path.read_bytes()
        count, directory = struct.unpack_from("<II", data, 4)
        for entry in range(count):
            offset, size, found = struct.unpack_from("<II8s", data, directory + 16 * entry)
            if found.rstrip(b"\0").decode().lower() == name:
                return data[offset : offset + size]
    raise SystemExit(f"no music called {name} in {WADS}")


def _events(data: bytes) -> list[tuple[float, Any]]:
    """Return the messages to channels, each with its time in seconds."""
    with tempfile.NamedTemporaryFile(suffix=".mid") as file:
        Path(file.name).write_bytes(data)
        time, found = 0.0, []
        for message in mido.MidiFile(file.name, clip=True):
            time += message.time
            if not message.is_meta and hasattr(message, "channel"):
                found.append((time, message))
    return found


def _belongs(events: list[tuple[float, Any]]) -> dict[int, str]:
    """Return the stem of each channel."""
    bass = {m.channel for _, m in events if m.type == "program_change" and m.program in BASS_PROGRAMS}
    return {
        channel: "drums" if channel == DRUM_CHANNEL else "bass" if channel in bass else "other" for channel in range(16)
    }


def _part(events: list[tuple[float, Any]], part: str, start: float, seconds: float) -> mido.MidiFile:
    """Return what the channels of one stem play from `start` on, a tick a millisecond."""
    belongs, track, last = _belongs(events), mido.MidiTrack(), 0
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000))
    for time, message in events:
        note = message.type in ("note_on", "note_off")
        if belongs[message.channel] != part or time > start + seconds or (note and time < start):
            continue
        tick = max(0, round(1000 * (time - start)))
        track.append(message.copy(time=tick - last))
        last = tick
    for channel in range(16):
        rest = max(0, round(1000 * seconds) - last) if channel == 0 else 0
        track.append(mido.Message("control_change", channel=channel, control=123, value=0, time=rest))
    file = mido.MidiFile(ticks_per_beat=1000)
    file.tracks.append(track)
    return file


def _rendered(file: mido.MidiFile, font: Path, seconds: float) -> Array:
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "score.mid", Path(folder) / "sound.wav"
        file.save(score)
        form = ["-T", "wav", "-O", "float", "-r", str(RATE), "-g", "0.6"]
        subprocess.run(["fluidsynth", "-ni", "-q", *form, "-F", sound, font, score], check=True, capture_output=True)
        samples = soundfile.read(sound, dtype="float64", always_2d=True)[0].T
    found = np.zeros((2, round(seconds * RATE)))
    length = min(found.shape[1], samples.shape[1])
    found[:, :length] = samples[:, :length]
    return found


def _notes(events: list[tuple[float, Any]], start: float, seconds: float) -> list[tuple[float, float, int]]:
    """Return (start, stop, pitch) of the notes that are neither drums nor bass."""
    belongs, sounding, found = _belongs(events), {}, []
    for time, message in events:
        if message.type not in ("note_on", "note_off") or belongs[message.channel] != "other":
            continue
        key = message.channel, message.note
        if message.type == "note_on" and message.velocity:
            sounding[key] = time
        elif key in sounding:
            begin = sounding.pop(key)
            if start <= begin < start + seconds:
                found.append((begin - start, time - start, message.note))
    return sorted(found)


def _melody(notes: list[tuple[float, float, int]], low_high: tuple[int, int]) -> list[tuple[float, float, int]]:
    """Return the highest notes, one at a time, 0.22 s apart or more, moved by octaves into the range of a voice."""
    found: list[tuple[float, float, int]] = []
    low, high = low_high
    for start, stop, pitch in sorted(notes, key=lambda note: (round(note[0] / 0.06), -note[2])):
        if found and start < found[-1][0] + 0.22:
            continue
        if found:
            found[-1] = found[-1][0], min(found[-1][1], start), found[-1][2]
        inside = low + (pitch - low) % 12 if not low <= pitch <= high else pitch
        found.append((start, min(max(stop, start + 0.3), start + 1.6), inside))
    return found


def _balance(stems: dict[str, Array], decibels: float) -> None:
    """Set the voice to a level beside the rest, and all to a peak of 0.9."""
    rest = sum(stem for name, stem in stems.items() if name != "vocals")
    voice = stems["vocals"]
    heard = np.abs(voice).mean(axis=0) > 0.003 * np.abs(voice).max()
    stems["vocals"] = voice * np.sqrt(np.mean(rest**2) / np.mean(voice[:, heard] ** 2)) * 10 ** (decibels / 20)
    peak = np.abs(sum(stems.values())).max()
    for name in stems:
        stems[name] = stems[name] * 0.9 / peak


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pieces", nargs="+", default=PIECES)
    parser.add_argument("--font", type=Path, default=Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"))
    parser.add_argument("--seconds", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
