"""The main piece, rendered by the real command: shortened descents, everything else as shipped."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from wavinfo import WavInfoReader

SHORT = [
    "piece.steps.a.steps.statistics.bands=6",
    "piece.steps.c.steps.statistics.bands=6",
    "piece.steps.a.steps.weighted.steps.filtered.iterations=2",
    "piece.steps.c.steps.weighted.steps.filtered.iterations=2",
    "piece.steps.b.steps.rise.steps.descent.iterations=30",
]


def render(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("resynthesis")), "render", "piece=after_1935/sketch", "tracking=off"]
    return subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def the_file(folder: Path) -> Path:
    (found,) = (folder / "outputs" / "renders").rglob("*.wav")
    return found


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("erste Fassung ü")
    done = render(folder, *SHORT)
    assert done.returncode == 0, done.stderr
    assert str(the_file(folder).relative_to(folder)) in done.stdout
    return folder


def test_three_sections_with_the_gap_in_the_proportions_of_1935(rendered: Path) -> None:
    samples, rate = sf.read(the_file(rendered))
    scale = 30 / 1175
    assert samples.shape == (30 * 44100, 2) and rate == 44100
    end_of_a, start_of_b = round(418 * scale * rate), round(421 * scale * rate)
    assert not samples[end_of_a + 50 : start_of_b - 50].any()
    assert np.abs(samples[start_of_b : start_of_b + rate]).max() > 0.01
    assert np.abs(samples).max() < 1.0
    cues = WavInfoReader(str(the_file(rendered))).cues
    assert cues is not None
    marks = list(cues.each_cue())
    names = [cues.label_and_note(name)[0] for name, _ in marks]
    assert names == ["A texture statistics", "B scattering", "C texture statistics"]
    assert np.allclose([position / rate for _, position in marks], [0, 421 * scale, 713 * scale], atol=1e-3)


def test_the_two_channels_are_two_voices(rendered: Path) -> None:
    samples, rate = sf.read(the_file(rendered))
    for start, stop in ((1, 10), (11, 18), (19, 29)):
        left, right = samples[start * rate : stop * rate].T
        assert abs(np.corrcoef(left, right)[0, 1]) < 0.5


def test_the_same_config_renders_the_same_bits_in_another_place(rendered: Path, tmp_path: Path) -> None:
    done = render(tmp_path, *SHORT)
    assert done.returncode == 0, done.stderr
    assert the_file(tmp_path).read_bytes() == the_file(rendered).read_bytes()


def test_a_copied_store_gives_the_same_bits_without_computing(rendered: Path, tmp_path: Path) -> None:
    shutil.copytree(rendered / "outputs" / "store", tmp_path / "outputs" / "store")
    done = render(tmp_path, *SHORT)
    assert done.returncode == 0 and "0 steps ran" in done.stdout
    assert the_file(tmp_path).read_bytes() == the_file(rendered).read_bytes()


def test_only_what_changed_is_computed_again(rendered: Path) -> None:
    done = render(rendered, *SHORT, "piece.steps.c.steps.section.gains=[-20 dB, -20 dB, -20 dB]")
    assert done.returncode == 0 and "2 steps ran" in done.stdout
