"""The pieces that come with the project: each can be planned, the short ones are rendered with shortened descents."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

CONF = Path(__file__).resolve().parents[1] / "conf"
PIECES = sorted(str(path.relative_to(CONF / "piece").with_suffix("")) for path in (CONF / "piece").rglob("*.yaml"))


def resynthesis(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("resynthesis")), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("piece", PIECES)
def test_every_piece_can_be_planned_and_says_what_it_is(tmp_path: Path, piece: str) -> None:
    done = resynthesis(tmp_path, "plan", f"piece={piece}")
    assert done.returncode == 0, done.stderr
    assert " to run, 0 cached" in done.stdout
    first = (CONF / "piece" / f"{piece}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ") and "after" in first.lower()


def sound(folder: Path, *arguments: str) -> tuple[np.ndarray, int]:
    done = resynthesis(folder, "render", "tracking=off", *arguments)
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "outputs" / "renders").rglob("*.wav")
    return sf.read(path, always_2d=True)


def test_stems_study_goes_from_the_tune_to_its_stems(tmp_path: Path) -> None:
    steps = "piece.steps"
    few = [f"{steps}.song.duration=3", f"{steps}.rain.iterations=2", f"{steps}.rain.duration=5"]
    few += [
        f"{steps}.vibes.crossfade=1",
        f"{steps}.descent.iterations=2",
        f"{steps}.descent.keep=[0,1,2]",
        f"{steps}.of_vibes.octaves=8",
    ]
    samples, rate = sound(tmp_path, "piece=stems_study", *few)
    tune, _ = sf.read(CONF.parent / "sounds" / "vibe_ace.ogg", always_2d=True, start=10 * rate, frames=rate // 2)
    beginning = samples[int(0.05 * rate) : rate // 2]
    assert np.abs(beginning - tune[int(0.05 * rate) :]).max() < 0.01 * np.abs(tune).max()
    loud = [float(np.sqrt(np.mean(samples[at * rate : (at + 1) * rate] ** 2))) for at in range(len(samples) // rate)]
    assert len(loud) >= 12 and min(loud[:12]) > 1e-4
    assert len(list((tmp_path / "outputs" / "renders").rglob("*_stems.html"))) == 1


def test_remix_rises_from_noise_to_the_loop(tmp_path: Path) -> None:
    few = ["piece.steps.descent.iterations=12", "piece.steps.target.octaves=9", "piece.steps.rise.passes=4"]
    samples, rate = sound(tmp_path, "piece=remix", *few)
    loop, _ = sf.read(CONF.parent / "sounds" / "breakbeat.flac", always_2d=True)
    assert samples.shape == (6 * len(loop), 2) and rate == 44100
    passes = [samples[: len(loop), 0], samples[-len(loop) :, 0], loop[:, 0]]
    strokes = [np.convolve(np.abs(np.diff(sound)), np.ones(1000), "valid")[::1000] for sound in passes]
    noise, rhythm = (np.corrcoef(found, strokes[2])[0, 1] for found in strokes[:2])
    assert noise < 0.4 and rhythm > 0.7
    assert len(list(tmp_path.rglob("*_iterates.png"))) == len(list(tmp_path.rglob("*_text.txt"))) == 1


def test_modulator_freezes_each_loudspeaker_at_its_iterate(tmp_path: Path) -> None:
    few = "piece.steps.descents.steps.descent={iterations: 3, keep: [0, 1, 2, 3]}"
    one = ["piece.steps.descents.each.segment=2", "piece.steps.segments.samples=32768"]
    four = "piece.steps.loudspeakers.iterates=[0,1,2,3]"
    samples, rate = sound(tmp_path, "piece=modulator", few, *one, four)
    assert samples.shape == (2 * 32768, 4) and rate == 48000
    (score,) = tmp_path.rglob("*_score.csv")
    assert len(score.read_text(encoding="utf-8").splitlines()) == 1 + 4 * 2


def test_favn_drifts_on_thirteen_loudspeakers(tmp_path: Path) -> None:
    few = ["piece.steps.voices.steps.descents.each.segment=1", "piece.steps.voices.steps.cuts.samples=32768"]
    descent = "piece.steps.voices.steps.descents.steps.descent={iterations: 2, keep: all}"
    samples, _ = sound(tmp_path, "piece=favn", *few, descent, "piece.steps.loudspeakers.duration=4")
    assert samples.shape == (4 * 48000, 13)
    assert np.abs(samples).max(0).min() > 0.01
    (score,) = tmp_path.rglob("*_score.csv")
    with score.open(encoding="utf-8", newline="") as file:
        slots = [(float(line["start"]), int(line["iterate"])) for line in csv.DictReader(file)]
    early, late = ([iterate for start, iterate in slots if low <= start < high] for low, high in ((0, 1), (3, 4)))
    assert np.mean(early) < 0.7 and np.mean(late) > 1.3


def test_statistique_is_sparser_or_noise_as_its_weighting_says(tmp_path: Path) -> None:
    few = ["piece.steps.texture.iterations=10", "piece.steps.texture.duration=3", "piece.steps.texture.channels=1"]
    names = ("01_noise", "04_sparse")
    done = resynthesis(
        tmp_path, "render", "-m", "piece=statistique/0[14]*", "tracking=off", *few, "piece.steps.recording.duration=4"
    )
    assert done.returncode == 0, done.stderr
    kurtosis = []
    for name in names:
        (path,) = (tmp_path / "outputs" / "renders" / f"statistique_{name}").rglob("*.wav")
        crackling = np.diff(sf.read(path, always_2d=True)[0][2000:-5000, 0], n=2)
        kurtosis.append(np.mean(crackling**4) / np.mean(crackling**2) ** 2)
    assert kurtosis[0] < 4 and kurtosis[1] > 2 * kurtosis[0]


def test_texture_hybrid_goes_from_fire_to_water_on_the_left(tmp_path: Path) -> None:
    few = [f"piece.steps.{side}={{duration: 7, iterations: 3}}" for side in ("left", "right")]
    morph = "piece.steps.morph.weights=[[[0,1],[1,1],[6,0]],[[0,0],[1,0],[6,1]]]"
    samples, rate = sound(tmp_path, "piece=texture_hybrid", *few, morph)
    assert samples.shape == (7 * rate, 2) and np.isfinite(samples).all() and np.abs(samples).max(0).min() > 0.01


def test_dbm_self_gathers_and_falls_apart(tmp_path: Path) -> None:
    few = ["piece.steps.book.snr=12", "piece.steps.rest.atoms=500", "piece.steps.voice.duration=3"]
    samples, rate = sound(tmp_path, "piece=dbm_self", *few)
    starts = np.round(np.array([0, 9 - 0.3, 12 - 0.6, 18 - 0.9]) * rate).astype(int)
    assert samples.shape == (starts[-1] + 6 * rate, 2)
    power = [np.square(part).mean() for part in (samples[: 3 * rate], samples[6 * rate : 8 * rate], samples[-rate:])]
    assert power[1] > 10 * power[0]
    for part in np.split(samples, starts[1:]):
        assert np.abs(part).max(0).min() > 0.01 and not np.array_equal(part[:, 0], part[:, 1])


def test_texture_chain_crosses_in_the_middle(tmp_path: Path) -> None:
    few = [f"piece.steps.{name}={{duration: 4, iterations: 2}}" for name in ("water", "murmur", "fire")]
    few += [f"piece.steps.{name}_book.rate=500" for name in ("water", "murmur", "fire")]
    few += [f"piece.steps.{way}.position=[[0,0],[1,0],[1.5,1],[2.5,1],[3,2],[4,2]]" for way in ("forth", "back")]
    samples, rate = sound(tmp_path, "piece=texture_chain", *few, "piece.steps.both.gains=0")
    assert samples.shape == (4 * rate, 2)
    together = [
        np.corrcoef(samples[round(start * rate) : round(stop * rate)].T)[0, 1]
        for start, stop in ((0.1, 0.9), (1.8, 2.2), (3.1, 3.9))
    ]
    assert together[1] > 0.99 and max(abs(together[0]), abs(together[2])) < 0.3
