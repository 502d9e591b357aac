"""Which instrument plays a note whose pitch was not among the examples?

After Andén, Lostanlen and Mallat, "Joint time-frequency scattering" (IEEE TSP 2019): a linear support vector
machine on coefficients averaged over the whole sound. Sounds are named LABEL_PITCH_REST, such as oboe_B4_v70.flac; no
pitch of an instrument is in both halves of a split.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from descriptors import compressed, descriptors, rows_of, table
from scipy.stats import binomtest
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from nodes.files.reading import read_extract
from nodes.files.selection import extract, is_sound
from pipelines.mistakes import MistakeError
from pipelines.value import Array

NAME = re.compile(r"(?P<label>.+)[_-](?P<pitch>[A-G][sb#]?-?\d)(_|$)")
EPSILON = 1e-3
"""Of log(1 + S / (ε μ))."""

RESAMPLES = 2000
LEAST_NORM = 1e-12


class Note(NamedTuple):
    """A sound file and what its name says."""

    path: Path
    label: str
    pitch: str


class Verdict(NamedTuple):
    """Labels as found, seeds × notes, by one descriptor."""

    name: str
    found: Array


def notes_in(folder: Path) -> list[Note]:
    """Return the sound files of a folder whose names tell label and pitch, by name."""
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not a folder")
    found = [(path, NAME.match(path.stem)) for path in sorted(folder.iterdir()) if is_sound(path)]
    notes = [Note(path, match["label"], match["pitch"]) for path, match in found if match]
    if not notes:
        raise SystemExit(f"{folder} has no file named like oboe_B4_v70.flac")
    return notes


def read(path: Path, sample_rate: int, duration: float) -> Array:
    """Return the first `duration` seconds of a sound in mono, of unit energy; shorter ones are followed by silence."""
    try:
        sound = read_extract(extract(path, 0.0, duration, "mono", sample_rate))[0]
    except MistakeError as error:
        raise SystemExit(str(error)) from error
    whole = np.zeros(round(duration * sample_rate), np.float32)
    whole[: len(sound)] = sound[: len(whole)]
    return whole / max(float(np.linalg.norm(whole)), LEAST_NORM)


def classified(rows: Array, labels: Array, test: Array, logarithm: bool) -> Array:
    """Return the labels of `test` rows, as learned from the other `rows`; all that is learned is learned from these."""
    if logarithm:
        rows, test = compressed(rows, EPSILON), compressed(test, EPSILON, rows)
    machine = make_pipeline(StandardScaler(), SVC(kernel="linear"))
    return np.asarray(machine.fit(rows, labels).predict(test))


def cross_validated(rows: Array, notes: Sequence[Note], logarithm: bool, seeds: int) -> Array:
    """Return seeds × notes: labels as found while all notes of the same label and pitch were held out."""
    labels, groups = np.array([note.label for note in notes]), [f"{note.label} {note.pitch}" for note in notes]
    folds = min(Counter(group.rsplit(" ", 1)[0] for group in set(groups)).values())
    if folds < 2 or len(set(labels)) < 2:
        raise SystemExit("two instruments, each with two pitches, are the least that can be told apart")
    found = np.empty((seeds, len(notes)), labels.dtype)
    for seed in range(seeds):
        splits = StratifiedGroupKFold(min(folds, 6), shuffle=True, random_state=seed)
        for learned, held in splits.split(rows, labels, groups):
            found[seed, held] = classified(rows[learned], labels[learned], rows[held], logarithm)
    return found


def verdicts(described: dict[str, tuple[Array, Array | None]], notes: Sequence[Note], seeds: int) -> list[Verdict]:
    """Return what each descriptor finds: by cross-validation, or of the second rows where there are any."""
    labels, each = np.array([note.label for note in notes]), []
    for name, (rows, test) in described.items():
        for logarithm in (False,) if name.startswith("MFCC") else (False, True):
            if test is None:
                found = cross_validated(rows, notes, logarithm, seeds)
            else:
                found = classified(rows, labels, test, logarithm)[None]
            each.append(Verdict(f"{name}, log" if logarithm else name, found))
    return each


def interval(misses: float, count: int) -> tuple[float, float]:
    """Return the exact 95 % interval (Clopper and Pearson) of a miss rate, from so many misses among `count` notes."""
    low, high = binomtest(round(misses), count).proportion_ci(0.95, "exact")
    return float(low), float(high)


def report(each: Sequence[Verdict], labels: Array) -> str:
    """Return the miss rates, how they differ note by note from those of joint scattering, and the worst confusions."""
    joint = next(verdict for verdict in each if verdict.name == "joint, log")
    rows = []
    for verdict in each:
        missed = verdict.found != labels
        rates, (low, high) = missed.mean(1), interval(missed.mean() * len(labels), len(labels))
        less, more = _difference(missed.mean(0) - (joint.found != labels).mean(0))
        beyond = "" if verdict is joint else f"{100 * less:+.1f} to {100 * more:+.1f}"
        percent = [100 * value for value in (rates.mean(), rates.min(), rates.max(), low, high)]
        rows.append([verdict.name, "{:.1f}|{:.1f}–{:.1f}|{:.1f}–{:.1f}".format(*percent), beyond])
    split = [[name, *cells.split("|"), beyond] for name, cells, beyond in rows]
    heads = ["descriptor", "% missed", "over seeds", "95 % interval", "minus joint, log (95 %)"]
    return "\n".join([table(heads, split), "", *(f"{v.name}: {confusions(v.found, labels)}" for v in each)])


def _difference(differences: Array) -> tuple[float, float]:
    """Return the 95 % interval of the mean difference, by drawing notes anew (bootstrap)."""
    drawn = np.random.default_rng(0).choice(differences, (RESAMPLES, len(differences))).mean(1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def confusions(found: Array, labels: Array, most: int = 4) -> str:
    """Return the most frequent confusions in words."""
    pairs = Counter((true, said) for row in found for true, said in zip(labels, row, strict=True) if true != said)
    counts = Counter(labels.tolist())
    told = [
        f"{true} taken for {said} ({100 * number / (len(found) * counts[true]):.0f} %)"
        for (true, said), number in pairs.most_common(most)
    ]
    return ", ".join(told) or "no confusions"


def main(arguments: Sequence[str] | None = None) -> None:
    """Describe all notes, classify them, print the tables."""
    options = _options(arguments)
    notes = notes_in(options.folder)
    known = {note.label for note in notes}
    tested = [note for note in notes_in(options.test) if note.label in known] if options.test else []
    if options.test and not tested:
        raise SystemExit(f"no file in {options.test} has a label of {options.folder}")

    def sound_of(note: Note) -> Array:
        return read(note.path, options.sample_rate, options.duration)

    described: dict[str, tuple[Array, Array | None]] = {}
    ways = descriptors(options.sample_rate, options.octaves, options.quality, options.octave_averaging)
    for name, descriptor in ways.items():
        rows = rows_of(descriptor, sound_of, [*notes, *tested], options.workers)
        described[name] = (rows[: len(notes)], rows[len(notes) :] if tested else None)
    print(f"{len(notes)} notes of {len(known)} instruments; " + _plan(tested, options), flush=True)
    print("\n" + report(verdicts(described, notes, options.seeds), np.array([n.label for n in tested or notes])))


def _plan(tested: Sequence[Note], options: argparse.Namespace) -> str:
    if tested:
        return f"{len(tested)} others of {len({note.label for note in tested})} of these are recognised"
    return f"each recognised while its pitch is held out, {options.seeds} times with other splits"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of files named like oboe_B4_v70.flac")
    parser.add_argument("--test", type=Path, metavar="FOLDER", help="recognise these instead of holding out pitches")
    parser.add_argument("--seeds", type=int, default=10, help="ways to split (default: %(default)s)")
    parser.add_argument("--sample-rate", type=int, default=22050, help="to which all is resampled (%(default)s)")
    parser.add_argument("--duration", type=float, default=2.0, help="seconds of each sound (%(default)s)")
    parser.add_argument("--octaves", type=int, default=12, help="longest filter: 2^octaves samples (%(default)s)")
    parser.add_argument("--quality", type=int, default=8, help="filters in an octave (%(default)s)")
    parser.add_argument("--octave-averaging", choices=("none", "global"), default="none", help="of joint modulations")
    parser.add_argument("--workers", type=int, default=0, help="threads; 0 for as many as there are cores")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
