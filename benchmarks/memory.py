"""Peak memory of a long piece, rendered by the real command: 20 minutes of stereo noise by default.

The peak is the largest of three: the kernel's count for the process, samples of the whole process tree every 5 ms, and
what the steps' records say. The kernel's count alone would be too small, as each step sets it back to measure itself.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from measuring import PROJECT, program, run, table
from noise_piece import settings, write_piece

LIMIT = 1.5e9
"""Bytes that the render must stay below."""


def main() -> int:
    """Render, print the peak; return 1 where it is beyond the limit."""
    options = _options()
    rows, peaks = [], []
    for minutes in options.minutes:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = Path(name)
            write_piece(folder, 60 * minutes, options.channels)
            command = [program(), "render", "piece=noise", *settings(folder, folder / "conf")]
            used = run(command, PROJECT, sampled=True)
            highest = _steps_peaks(folder / "store")
            stored = sum(path.stat().st_size for path in (folder / "store").rglob("*") if path.is_file())
        step = max(highest, key=lambda name: highest[name])
        peaks.append(max(used.peak, highest[step]))
        sizes = [f"{peaks[-1] / 1e6:.0f}", f"{highest[step] / 1e6:.0f} ({step})", f"{stored / 1e6:.0f}"]
        rows.append([f"{minutes:g}", str(options.channels), *sizes, f"{used.cpu:.1f}", f"{used.wall:.1f}"])
    print(table(["minutes", "channels", "peak MB", "hungriest step MB", "store MB", "CPU s", "wall s"], rows))
    print(f"\npeak below {LIMIT / 1e6:.0f} MB: {'kept' if max(peaks) < LIMIT else 'EXCEEDED'}")
    return 0 if max(peaks) < LIMIT else 1


def _steps_peaks(store: Path) -> dict[str, float]:
    """Return the peak memory of each step in bytes, from the records of the store."""
    records = [json.loads(path.read_bytes())["record"] for path in store.glob("objects/*/*/record.json")]
    return {record["step"]: record["peak_memory"] for record in records}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[20], help="length of the piece (20)")
    parser.add_argument("--channels", type=int, default=2, help="channels (2)")
    parser.add_argument("--folder", type=Path, help="where the piece and its store are put: about 6 GB")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
