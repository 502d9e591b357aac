"""Books of MPTK, the matching pursuit toolkit of R. Gribonval and S. Krstulovic (2006): what atoms are called in them.

A book is text in the form of XML: `<mptkbook formatVersion="1">` around `<dict>` and
`<book nAtom numChans numSamples sampleRate libVersion format="txt|bin">`, and in this the atoms, as text or as bytes.
An atom of type gabor has

- for each channel its first sample and its length, `support`, unsigned;
- a window of unit energy, by name and option;
- `freq` in cycles per sample, and `chirp` in cycles per sample²;
- for each channel `amp` and `phase`: the atom is amp · w(t) · cos(2π (chirp t / 2 + freq) t + phase) there, t in
  samples after its first one.

So amp is 2 |b| and phase is arg b of the atoms of `Book`, 2 Re(b w(t) exp(2πi f t)).

As bytes, little-endian, an atom is the line 'gabor', the number of channels (uint16), position and length of each
(uint32), amp of each (double), the line with the name of the window, its option, freq, chirp and phase of each channel
(double): 65 bytes for one channel of a Blackman window. The form was checked against what the toolkit writes and reads;
at which places it takes the samples of its windows was not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nodes.dictionaries.windows import GAUSS

NAMES = {"blackman": "blackman", "hann": "hanning", "gauss": "gauss", "rectangular": "rectangle"}
"""What MPTK calls those windows that it has too."""

KNOWN = {name: own for own, name in NAMES.items()} | {"hann": "hann", "rectangular": "rectangular"}

OPTIONS = {"gauss": GAUSS**2}
"""The option of a window: of a Gaussian its variance, in squared lengths. 0 for others."""

CLOSE = 1e-3
"""How far, relatively, the variance of a Gaussian may be from ours."""

LEAD, TAIL = "leadIn", "tailOut"
"""Our own marks of a book: samples before and after the sound, put there as MPTK has no atoms that begin before it."""

MOST_CHANNELS = 2**16 - 1
MOST_SAMPLES = 2**32 - 1


class Head(NamedTuple):
    """What `<book>` says of itself."""

    atoms: int
    channels: int
    samples: int
    sample_rate: int
    binary: bool
    lead: int = 0
    tail: int = 0


class Atom(NamedTuple):
    """One atom as it stands in a file, or why it is left out."""

    start: int = 0
    length: int = 0
    frequency: float = 0.0
    window: str = ""
    weights: tuple[complex, ...] = ()
    left_out: str = ""


def gabor(
    supports: list[tuple[int, int]],
    window: str,
    option: float,
    frequency: float,
    chirp: float,
    amplitudes: list[float],
    phases: list[float],
) -> Atom:
    """Return the atom of ours that a Gabor atom of MPTK is, or why there is none."""
    if window not in KNOWN:
        return Atom(left_out=f"window '{window}'")
    if KNOWN[window] == "gauss" and abs(option / OPTIONS["gauss"] - 1) > CLOSE:
        return Atom(left_out=f"window 'gauss' with option {option:g}, not {OPTIONS['gauss']:g}")
    if chirp != 0:
        return Atom(left_out="chirps")
    if len(set(supports)) != 1:
        return Atom(left_out="other places in other channels")
    with np.errstate(all="ignore"):  # NaN and infinity are refused where the whole book is looked at
        weights = tuple(np.array(amplitudes) / 2 * np.exp(1j * np.array(phases)))
    return Atom(*supports[0], frequency, KNOWN[window], weights)
