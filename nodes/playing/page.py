"""A page that plays a sound and its parts in step: each with a level, mute and solo, and the sound itself to compare.

It is one HTML file without need of any other. The sounds are in it as FLAC of 16 bits. That is lossless, so that what
is heard of a part alone comes of the separation and not of an encoder, has no encoder's delay, costs a tenth of the
time of MP3, and is decoded by Chromium, Firefox and Safari (which knows Ogg only lately).
"""

from __future__ import annotations

import html
import io
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

import numpy as np

from pipelines.value import Array

if TYPE_CHECKING:
    from nodes.values.audio import Audio

MOST = 2**26
"""Samples of all tracks and channels of a page at most: a file of up to 180 MB, of music about half, and 270 MB of the
browser's memory. Two and a half minutes of four stems in stereo at 44.1 kHz, five minutes in mono."""

COMPARE = (("compare", "A/B", "Hear the mix instead of the parts"),)
PART = (("mute", "M", "Mute {}"), ("solo", "S", "Solo {}"))
"""Buttons of the mix and of a part: class, sign and name."""


def player_page(mix: Audio, parts: Mapping[str, Audio]) -> str | None:
    """Return a page that plays a sound and its parts; None where there is no sound.

    Of a sound that is too long for a page (`MOST`) it plays the beginning, and says so. Sounds of more than two
    channels are heard as the mean of them; where a track is beyond full scale all are made softer alike; what is not
    a number is silence.

    Parameters
    ----------
    mix
        The sound that was taken apart.
    parts
        Its parts by name, with its sample rate.
    """
    sounds = [mix, *parts.values()]
    length = min(mix.length, MOST // sum(_heard_channels(sound) for sound in sounds))
    if not length:
        return None
    waves = [_wave(sound.samples[:, :length]) for sound in sounds]
    peak = max(float(np.abs(wave).max(initial=0.0)) for wave in waves)
    scale = 1 / max(1.0, peak)
    rows = [_row("mix", waves[0], peak, COMPARE)]
    rows += [_row(name, wave, peak, PART) for name, wave in zip(parts, waves[1:], strict=True)]
    return Template(_text("player.html")).substitute(
        title=html.escape(_listed(list(parts))),
        rate=mix.sample_rate,
        seconds=repr(length / mix.sample_rate),
        total=_clock(length / mix.sample_rate),
        about=html.escape(_about(mix, length, scale)),
        tracks="".join(rows),
        sounds="".join(_holder(number, _encoded(sound, length, scale)) for number, sound in enumerate(sounds)),
        style=_text("player.css"),
        script=_text("player.js"),
    )


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _holder(number: int, sound: bytes) -> str:
    return f'<script type="text/plain" id="sound-{number}">{b64encode(sound).decode()}</script>\n'


def _heard_channels(sound: Audio) -> int:
    return sound.channels if sound.channels <= 2 else 1


def _about(mix: Audio, length: int, scale: float) -> str:
    channels = {1: "mono", 2: "stereo"}.get(mix.channels, f"{mix.channels} channels, heard as their mean")
    said = [f"{mix.sample_rate / 1000:g} kHz, {channels}."]
    if length < mix.length:
        said.append(f"The first {_clock(length / mix.sample_rate)} of {_clock(mix.duration)}: more is too large here.")
    if scale < 1:
        said.append(f"All tracks are {-20 * np.log10(scale):.1f} dB softer: the loudest would be beyond full scale.")
    return " ".join(said)


def _clock(seconds: float) -> str:
    tenths = int(seconds * 10 + 1e-6)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _row(name: str, wave: Array, peak: float, buttons: Sequence[tuple[str, str, str]]) -> str:
    named = html.escape(name)
    shown = []
    for kind, sign, said in buttons:
        label = said.format(named)
        shown.append(
            f'<button type="button" class="{kind}" aria-pressed="false" aria-label="{label}" title="{label}">'
            f"{sign}</button>"
        )
    return Template(_text("track.html")).substitute(
        name=named, buttons="".join(shown), columns=wave.shape[1], path=_outline(wave, peak or 1.0)
    )


def _wave(samples: Array) -> Array:
    """Return the lowest and the highest sample of all channels in each stretch, 2 × up to 1200."""
    from nodes.values.drawing import extremes

    found = np.nan_to_num(np.stack([extremes(channel) for channel in samples]), posinf=0.0, neginf=0.0)
    return np.stack([found[:, 0].min(0), found[:, 1].max(0)])


def _outline(wave: Array, peak: float) -> str:
    """Return a wave as the path of an SVG picture: along its highest samples, and back along the lowest."""
    places = np.arange(wave.shape[1]) + 0.5
    there = [f"{x:g} {y:.3g}" for x, y in zip(places, -wave[1] / peak, strict=True)]
    back = [f"{x:g} {y:.3g}" for x, y in zip(places[::-1], -wave[0, ::-1] / peak, strict=True)]
    return f"M{'L'.join(there + back)}Z"


def _encoded(sound: Audio, length: int, scale: float) -> bytes:
    """Return the beginning of a sound as a FLAC file, read block by block."""
    import soundfile

    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", sound.sample_rate, _heard_channels(sound), format="FLAC", subtype="PCM_16"
    ) as writing:
        for block in _blocks(sound, length):
            writing.write((block * np.float32(scale)).T)
    return file.getvalue()


def _blocks(sound: Audio, length: int) -> Iterator[Array]:
    from nodes.values.blocks import spans
    from pipelines.context import release

    for start, stop in spans(length):
        block = np.nan_to_num(sound.samples[:, start:stop], posinf=0.0, neginf=0.0)
        yield block if len(block) <= 2 else block.mean(0, keepdims=True)
        release(sound.samples)
