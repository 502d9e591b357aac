from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from contexts import make_context
from made_demucs import SOURCES, small, write_pickle, write_safetensors
from made_onnx import scaling, write_set

from nodes.factorisation.node import nmf_decompose
from nodes.separation import choosing
from nodes.separation.choosing import COMPONENTS, HEADERS, NAMES, OWN, STEMS, outputs_with, settled, stems_in
from nodes.separation.node import Stems, separate
from nodes.separation.spleeter import weights as spleeter
from nodes.separation.spleeter.network import ARCHITECTURES, FILTERS
from nodes.separation.tensors import write_tensors
from nodes.separation.unet4 import SHIPPED
from nodes.values import Audio
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.parameters import read_parameters
from pipelines.quantities import InputFiles

RATE = 22050
NOTHING = {name: parameter.default for name, parameter in NodeSpec("separate", separate, "here").parameters.items()}
"""What the node is given where a piece says nothing."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No model is here but those that a test puts there."""
    monkeypatch.setenv("RESYNTHESIS_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    yield tmp_path / "models"


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights for two stems, with the shapes of the real ones and random numbers."""
    generator = np.random.default_rng(0)
    layout = spleeter.layout(ARCHITECTURES[2], FILTERS)
    tensors = {name: (0.02 * generator.standard_normal(shape)).astype(np.float32) for name, shape in layout.items()}
    tensors |= {name: np.ones(shape, np.float32) for name, shape in layout.items() if name.endswith("running_var")}
    about = {
        "stems": " ".join(ARCHITECTURES[2].stems),
        "activations": ARCHITECTURES[2].activations,
    }
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    write_tensors(path, tensors, HEADERS["spleeter"], about)
    return path


def music(channels: int = 2, seconds: float = 4.0) -> Audio:
    time = np.arange(int(seconds * RATE)) / RATE
    loop = np.sin(2 * np.pi * 110 * time) * (np.sin(2 * np.pi * 2 * time) > 0)
    voice = np.sin(2 * np.pi * (600 + 200 * time) * time) * (time > 1) * (time < 2)
    sides = np.linspace(0.2, 0.5, channels)[:, np.newaxis]
    return Audio((sides * loop + 0.3 * voice).astype(np.float32), RATE)


def there(stems: Stems) -> dict[str, Audio]:
    return {name: part for name, part in stems._asdict().items() if part is not None}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"backend": "repet"}, ["vocals", "drums", "bass", "other"]),
        ({"backend": "repet", "stems": 2}, ["vocals", "accompaniment"]),
        ({"backend": "hpss"}, ["harmonic", "percussive", "residual"]),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_stems_add_up_to_the_sound(tmp_path: Path, asked: dict[str, Any], names: list[str], channels: int) -> None:
    audio = music(channels)
    found = there(separate(audio, **asked, context=make_context(tmp_path)))
    assert sorted(found) == sorted(names)
    total = np.sum([part.samples for part in found.values()], axis=0, dtype=np.float64)
    np.testing.assert_allclose(total, audio.samples, atol=1e-6)
    assert all(part.sample_rate == RATE for part in found.values())


def test_spleeter_gives_its_stems(tmp_path: Path, random_weights: Path) -> None:
    audio = music(seconds=1.0)
    named = InputFiles(str(random_weights), (random_weights,))
    found = there(separate(audio, weights=named, context=make_context(tmp_path)))
    assert list(found) == ["vocals", "accompaniment"]
    assert all(part.samples.shape == audio.samples.shape for part in found.values())
    assert all(np.isfinite(part.samples).all() and part.samples.any() for part in found.values())


def test_the_own_network_needs_nothing_else(tmp_path: Path) -> None:
    audio = music(seconds=1.0)
    found = there(separate(audio, backend="unet4", context=make_context(tmp_path)))
    assert list(found) == ["vocals", "drums", "bass", "other"]
    error = sum(part.samples for part in found.values()) - audio.samples
    assert np.sum(error[:, 100:-100] ** 2) < 1e-4 * np.sum(audio.samples**2)


def test_weights_of_the_own_network_count_in_the_key_and_are_known_by_themselves(
    tmp_path: Path, random_weights: Path
) -> None:
    decided = settled({**NOTHING, "backend": "unet4"})[0]
    assert (decided["weights"].paths, decided["stems"]) == ((SHIPPED,), 4)
    other = tmp_path / "mine.safetensors"
    other.write_bytes(SHIPPED.read_bytes())
    named = InputFiles(str(other), (other,))
    found, said = settled({**NOTHING, "weights": named})
    assert (found["backend"], found["weights"].paths) == ("unet4", (other,))
    assert said == "unet4, as weights of its kind are named"
    wrong = InputFiles(str(random_weights), (random_weights,))
    with pytest.raises(MistakeError, match="no weights of the network 'unet4'"):
        settled({**NOTHING, "backend": "unet4", "weights": wrong})
    with pytest.raises(MistakeError, match="no weights of Spleeter"):
        settled({**NOTHING, "backend": "spleeter", "weights": named})


def test_without_a_backend_what_is_here_decides(folder: Path, random_weights: Path) -> None:
    found, said = settled(NOTHING)
    assert (found["backend"], found["stems"]) == ("repet", 4)
    assert said.startswith("repet, as there are no weights 'spleeter-2stems' here")
    kept = folder / "spleeter-2stems.safetensors"
    kept.write_bytes(random_weights.read_bytes())
    found, said = settled(NOTHING)
    assert (found["backend"], found["stems"], found["weights"].paths) == ("spleeter", 2, (kept,))
    assert said == "spleeter, as its weights 'spleeter-2stems' are here"
    assert settled({**NOTHING, "stems": 4})[0]["backend"] == "repet"
    assert settled({**NOTHING, "backend": "repet"})[1] == ""
    assert settled(settled(NOTHING)[0])[0] == settled(NOTHING)[0]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"backend": "spleeter"}, "the model 'spleeter-2stems' is not here"),
        ({"stems": 5}, "the model 'spleeter-5stems' is not here"),
        ({"stems": 3}, "no such stems"),
        ({"backend": "hpss", "stems": 2}, "no such stems"),
        ({"backend": "unet4", "stems": 2}, "no such stems"),
        ({"backend": "unet4", "wiener": True}, "parameter of the backend 'spleeter' or 'onnx'"),
        ({"backend": "repet", "wiener": True}, "parameter of the backend 'spleeter' or 'onnx'"),
        ({"backend": "demucs", "stems": 5}, "'demucs' needs a model of yours"),
        ({"backend": "onnx"}, "'onnx' needs a model of yours"),
        ({"backend": "hpss", "centre": 0.1}, "parameter of the backend 'repet'"),
        ({"power": 1.0}, "parameter of the backend 'hpss'"),
    ],
)
def test_what_does_not_fit_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(MistakeError, match=message):
        settled({**NOTHING, **asked})


def test_weights_say_how_many_stems_they_are_for(random_weights: Path, tmp_path: Path) -> None:
    assert stems_in(random_weights) == 2
    named = InputFiles(str(random_weights), (random_weights,))
    with pytest.raises(MistakeError, match="for other stems"):
        settled({**NOTHING, "weights": named, "stems": 4})
    for content in (b"", b"short", random_weights.read_bytes()[8:4000]):
        (tmp_path / "broken.safetensors").write_bytes(content)
        with pytest.raises(MistakeError, match="no weights of Spleeter"):
            stems_in(tmp_path / "broken.safetensors")


def test_what_belongs_to_one_backend_has_the_defaults_of_the_node() -> None:
    own = {name: usual for names in OWN.values() for name, usual in names.items()}
    assert own == {name: value for name, value in NOTHING.items() if name not in ("backend", "stems")}


def files(*paths: Path) -> InputFiles:
    return InputFiles(str(paths[0].parent), paths, found=len(paths) > 1)


@pytest.fixture
def onnx_set(tmp_path: Path) -> InputFiles:
    """Networks that give each stem a fixed share, beside a file that is none."""
    shares = {"accompaniment": 1.0, "vocals": 3.0}
    made = {f"{stem}.onnx": scaling(np.full(1024, share, np.float32)) for stem, share in shares.items()}
    return files(*sorted(write_set(tmp_path / "set", made | {"README.md": b""}).iterdir()))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take all extras for installed: nothing is read with them before a step runs."""
    monkeypatch.setattr(choosing, "find_spec", lambda name: name)


@pytest.mark.usefixtures("here")
def test_networks_of_ones_own_are_known_before_anything_runs(onnx_set: InputFiles) -> None:
    found, said = settled({**NOTHING, "model": onnx_set, "wiener": True})
    assert (found["backend"], found["stems"], said) == ("onnx", 2, "onnx, as a model of its kind is named")
    assert [path.name for path in found["model"].paths] == ["vocals.onnx", "accompaniment.onnx"]
    assert outputs_with(found) == ("vocals", "accompaniment")
    assert settled(found)[0] == found
    with pytest.raises(MistakeError, match="the model is for other stems"):
        settled({**NOTHING, "model": onnx_set, "stems": 4})
    onnx_set.paths[-1].write_bytes(scaling(np.ones(1024, np.float32), names=("audio", "y")))
    with pytest.raises(MistakeError, match="other inputs or outputs"):
        settled({**NOTHING, "model": onnx_set})


@pytest.mark.usefixtures("here")
def test_a_model_of_demucs_is_known_before_anything_runs(tmp_path: Path) -> None:
    sources = json.dumps({"sources": [*SOURCES, "guitar", "piano"]})
    header = json.dumps({"__metadata__": {"args": "[]", "kwargs": sources}})
    (tmp_path / "ab12.safetensors").write_bytes(len(header).to_bytes(8, "little") + header.encode())
    (tmp_path / "cd34.th").touch()
    (tmp_path / "six.yaml").write_text("models: ['ab12']")
    (tmp_path / "any.yaml").write_text("models: ['cd34']")
    found, said = settled({**NOTHING, "model": files(tmp_path / "six.yaml")})
    assert (found["backend"], said) == ("demucs", "demucs, as a model of its kind is named")
    assert [path.name for path in found["model"].paths] == ["six.yaml", "ab12.safetensors"]
    assert outputs_with(found) == ("vocals", "drums", "bass", "guitar", "piano", "other")
    assert settled(found)[0] == found
    for stems, count in ((None, 4), (6, 6)):
        model = files(tmp_path / "any.yaml")
        assert settled({**NOTHING, "model": model, "stems": stems})[0]["stems"] == count
    with pytest.raises(MistakeError, match="the model is for other stems"):
        settled({**NOTHING, "model": files(tmp_path / "six.yaml"), "stems": 4})
    with pytest.raises(MistakeError, match="no such stems"):
        settled({**NOTHING, "model": files(tmp_path / "any.yaml"), "stems": 5})


def test_an_extra_that_is_missing_is_named(onnx_set: InputFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "find_spec", lambda name: None)
    for backend, package in (("onnx", "onnxruntime"), ("demucs", "demucs")):
        with pytest.raises(MistakeError, match=f"needs the package '{package}'") as refused:
            settled({**NOTHING, "backend": backend, "model": onnx_set})
        assert f"pip install -e '.[{backend}]'" in str(refused.value)


def test_onnx_gives_its_stems(tmp_path: Path, onnx_set: InputFiles) -> None:
    pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
    audio = music(3, seconds=1.0)
    found = there(separate(audio, model=onnx_set, mask_extension="average", context=make_context(tmp_path)))
    assert list(found) == ["vocals", "accompaniment"]
    np.testing.assert_allclose(found["vocals"].samples, 0.9 * audio.samples, atol=2e-3)


@pytest.mark.parametrize("write", [write_pickle, write_safetensors])
def test_demucs_gives_its_stems(tmp_path: Path, write: Callable[..., Path]) -> None:
    pytest.importorskip("demucs", reason="the extra 'demucs' is not installed")
    write(tmp_path, "ab12", small("HDemucs"))
    (tmp_path / "mine.yaml").write_text("models: ['ab12']")
    audio, context = music(1, seconds=0.5), make_context(tmp_path)
    found = there(separate(audio, model=files(tmp_path / "mine.yaml"), context=context))
    assert sorted(found) == sorted(SOURCES)
    assert all(part.samples.shape == audio.samples.shape and part.samples.any() for part in found.values())
    assert {what for what, _, _ in context.recorder.heard} == {"parts"}


def test_stems_that_a_model_may_have_are_outputs() -> None:
    assert Stems._fields[: len(NAMES)] == NAMES
    named = {name for each in STEMS.values() for names in each.values() for name in names}
    assert named | set(COMPONENTS) == set(Stems._fields)


def test_a_misspelt_backend_is_told_the_nearest() -> None:
    spec = NodeSpec("separate", separate, "here")
    _, (wrong,) = read_parameters(spec, {"backend": "demuc"}, {}, [])
    assert wrong.hint == "did you mean 'demucs'?" and "spleeter, unet4, repet, hpss, nmf, onnx, demucs" in wrong.allowed
    assert read_parameters(spec, {"backend": None}, {}, [])[0]["backend"] is None


def test_components_are_those_of_the_node_that_finds_them(tmp_path: Path) -> None:
    audio = music(2, seconds=1.0)
    found = separate(audio, backend="nmf", stems=3, iterations=5, context=make_context(tmp_path / "a"))
    alone = nmf_decompose(audio, components=3, iterations=5, context=make_context(tmp_path / "b"))
    assert found.components is not None and found.bases is not None and found.activations is not None
    assert [each is None for each in found].count(False) == 3
    for takes, other in zip(found.components.samples, alone.components.samples, strict=True):
        np.testing.assert_array_equal(takes, other)
    np.testing.assert_array_equal(found.bases.spectra, alone.bases.spectra)
    np.testing.assert_array_equal(found.activations.levels, alone.activations.levels)
    np.testing.assert_allclose(np.sum(found.components.samples, axis=0), audio.samples, atol=1e-5)


def test_factorisation_is_settled_and_refused_in_the_plan() -> None:
    decided, _ = settled({**NOTHING, "backend": "nmf"})
    assert (decided["stems"], decided["n_fft"]) == (8, 4096) and outputs_with(decided) == COMPONENTS
    assert settled({**NOTHING, "backend": "hpss"})[0]["n_fft"] == 2048
    assert settled({**NOTHING, "backend": "unet4"})[0]["n_fft"] is None
    for wrong, message in (({"n_fft": 1022}, "three quarters"), ({"centre": 0.1}, "parameter of the backend 'repet'")):
        with pytest.raises(MistakeError, match=message):
            settled({**NOTHING, "backend": "nmf", **wrong})
    with pytest.raises(MistakeError, match="no such stems"):
        settled({**NOTHING, "backend": "repet", "stems": 12})


def test_the_plan_knows_the_form_of_components() -> None:
    rule = NodeSpec("separate", separate, "here").mark.facts
    assert rule is not None
    form = {"sample_rate": RATE, "channels": 2, "duration": 1.0}
    found = rule({"audio": form}, settled({**NOTHING, "backend": "nmf"})[0])
    assert found == {"components": form, "bases": {"sample_rate": RATE}, "activations": {"sample_rate": RATE}}


def test_outputs_follow_the_settled_parameters() -> None:
    assert outputs_with(settled({**NOTHING, "backend": "hpss"})[0]) == ("harmonic", "percussive", "residual")


def test_a_piece_is_told_what_was_chosen_and_which_outputs_there_are(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "piece").mkdir()
    sf.write(tmp_path / "loop.wav", music().samples.T, RATE)
    (tmp_path / "piece" / "apart.yaml").write_text(
        "title: apart\nsteps:\n  loop: {node: load, path: loop.wav}\n  stems: {node: separate, audio: loop}\n"
        "output: stems.drums\n"
    )

    def resynthesis(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("resynthesis")), *arguments, "--config-dir", ".", "piece=apart"]
        return subprocess.run([*command, "tracking=off"], cwd=tmp_path, capture_output=True, text=True, check=False)

    planned = resynthesis("plan")
    assert "repet, as there are no weights 'spleeter-2stems' here" in planned.stdout
    wrong = resynthesis("render", "piece.output=stems.piano")
    assert wrong.returncode == 2 and "has no output 'piano' with its parameters" in wrong.stderr
    assert "vocals, drums, bass, other" in wrong.stderr
    assert resynthesis("render").returncode == 0
    (record,) = (tmp_path / "outputs" / "records").glob("*.json")
    assert "repet, as there are no weights" in record.read_text()


def test_a_record_says_what_was_chosen_though_the_result_is_stored(folder: Path, tmp_path: Path) -> None:
    """What is stored may have been made where nothing was left to choose, and the other way round."""
    (tmp_path / "piece").mkdir()
    sf.write(tmp_path / "loop.wav", music(seconds=1.0).samples.T, RATE)
    body = "title: apart\nsteps:\n  loop: {{node: load, path: loop.wav}}\n  stems: {{node: separate, audio: loop{}}}\n"
    command = [str(Path(sys.executable).with_name("resynthesis")), "render", "--config-dir", ".", "piece=apart"]
    said = []
    for chosen in (", backend: repet", "", ", backend: repet"):
        (tmp_path / "piece" / "apart.yaml").write_text(body.format(chosen) + "output: stems.vocals\n")
        known = set((tmp_path / "outputs" / "records").glob("*.json"))
        done = subprocess.run([*command, "tracking=off"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        (record,) = set((tmp_path / "outputs" / "records").glob("*.json")) - known
        said.append(json.loads(record.read_text())["steps"]["stems"]["notes"])
    assert said == [[], ["repet, as there are no weights 'spleeter-2stems' here (see `resynthesis models`)"], []]


def test_a_judgement_of_stems_renders_with_its_table(tmp_path: Path) -> None:
    """One of the outputs of `evaluate_separation` is called as the only output of other nodes is."""
    (tmp_path / "piece").mkdir()
    sf.write(tmp_path / "loop.wav", music(seconds=2.0).samples.T, RATE)
    (tmp_path / "piece" / "judged.yaml").write_text(
        "title: judged\nsteps:\n  loop: {node: load, path: loop.wav}\n"
        "  stems: {node: separate, audio: loop, backend: repet, stems: 2}\n"
        "  judge: {node: evaluate_separation, estimates: [stems.vocals], references: [loop]}\noutput: judge.text\n"
    )
    command = [str(Path(sys.executable).with_name("resynthesis")), "render", "--config-dir", ".", "piece=judged"]
    done = subprocess.run([*command, "tracking=off"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (table,) = (tmp_path / "outputs" / "renders").rglob("*.txt")
    assert "SDR" in table.read_text()
