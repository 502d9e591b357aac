"""The length of an MP3 by its frames: libsndfile only estimates it where the length tag is missing.

Source: ISO/IEC 11172-3 and 13818-3 (frame header); ID3 v2.4 (size of the tag).
"""

from __future__ import annotations

from pathlib import Path

SLACK = 4 * 1152
LAYER_1, LAYER_2 = 3, 2
KILOBITS = {
    (True, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = (44100, 48000, 32000)
HALVINGS = {3: 0, 2: 1, 0: 2}


def count_samples(path: Path) -> int:
    """Return the samples in each channel of all frames that follow each other from the file's beginning.

    An encoder's delay and padding, and the frame that holds the length tag, are counted too: up to about
    four frames more than are heard. What is no MP3 frame ends the count.
    """
    data = path.read_bytes()
    at = _after_tag(data)
    samples = 0
    while (frame := _frame(data[at : at + 4])) is not None and at + frame[0] <= len(data):
        at += frame[0]
        samples += frame[1]
    return samples


def _after_tag(data: bytes) -> int:
    """Return where the first frame begins: behind an ID3v2 tag, whose size has 7 bits in a byte."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return size + 10


def _frame(header: bytes) -> tuple[int, int] | None:
    """Return bytes and samples of the frame that a header of four bytes begins, or None."""
    word = int.from_bytes(header, "big")
    version, layer = word >> 19 & 3, word >> 17 & 3
    kilobits, rate = word >> 12 & 15, word >> 10 & 3
    if len(header) < 4 or word >> 21 != 0x7FF or version == 1 or not layer or not 0 < kilobits < 15 or rate == 3:
        return None
    bits = 1000 * KILOBITS[version == 3, layer][kilobits - 1]
    hertz = RATES[rate] >> HALVINGS[version]
    padding = word >> 9 & 1
    if layer == LAYER_1:
        return 4 * (12 * bits // hertz + padding), 384
    samples = 1152 if layer == LAYER_2 or version == 3 else 576
    return samples * bits // (8 * hertz) + padding, samples
