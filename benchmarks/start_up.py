"""What the program costs before it does anything: whole processes, from the start of Python to the exit."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from measuring import PROJECT, Used, median, program, run, table
from noise_piece import settings, write_piece

HELP_LIMIT = 0.6
"""CPU seconds that `resynthesis --help` must stay below."""


def main() -> int:
    """Measure, print the table; return 1 where `--help` is too slow."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        used = {name: _warm(command, options.repeats) for name, command in _commands(Path(folder), options.piece)}
    rows = [
        [name, f"{median(u.cpu for u in runs):.3f}", f"{median(u.wall for u in runs):.3f}"]
        for name, runs in used.items()
    ]
    print(f"medians of {options.repeats} warm runs of whole processes\n")
    print(table(["command", "CPU s", "wall s"], rows))
    return 0 if median(u.cpu for u in used["--help"]) < HELP_LIMIT else 1


def _commands(folder: Path, piece: str) -> list[tuple[str, Sequence[str | Path]]]:
    """Return the commands by name; the piece is rendered once, so that all of it is in the store."""
    if piece:
        arguments: list[str | Path] = [f"piece={piece}", *settings(folder)]
    else:
        write_piece(folder, seconds=10)
        arguments = ["piece=noise", *settings(folder, folder / "conf")]
    commands: list[tuple[str, Sequence[str | Path]]] = [
        ("python -c pass", [sys.executable, "-c", "pass"]),
        ("--help", [program(), "--help"]),
        ("nodes", [program(), "nodes"]),
        ("plan, nothing cached", [program(), "plan", *arguments, f"store.folder={folder}/empty"]),
        ("plan, all cached", [program(), "plan", *arguments]),
        ("render, all cached", [program(), "render", *arguments]),
    ]
    run([program(), "render", *arguments], PROJECT)
    again = run([program(), "render", *arguments], PROJECT)
    if "\n0 steps ran" not in f"\n{again.output}":
        raise RuntimeError(f"a second render is not wholly cached:\n{again.output}")
    return commands


def _warm(command: Sequence[str | Path], repeats: int) -> list[Used]:
    run(command, PROJECT)
    return [run(command, PROJECT) for _ in range(repeats)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--piece", default="", help="a piece to plan and render; 10 s of generated noise otherwise")
    parser.add_argument("--repeats", type=int, default=5, help="warm runs of each command (5)")
    parser.add_argument("--folder", type=Path, help="where temporary files are put")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
