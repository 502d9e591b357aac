from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import chdir, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toys import REGISTRY

from pipelines.compose import CONF, Composed, compose, pieces, sweep
from pipelines.graph import Graph, build_graph
from pipelines.mistakes import Mistake, MistakeError
from pipelines.settings import read_settings

PLAIN = "title: x\nsteps:\n  out: {node: toy_number, value: 2}\noutput: out\n"


def conf(folder: Path, text: str, name: str = "mine", **more: str) -> Path:
    """Write a conf folder with a piece and other files, `group__name="…"`."""
    files = {f"piece/{name}.yaml": text, **{f"{key.replace('__', '/')}.yaml": value for key, value in more.items()}}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    return folder


def wrong(overrides: Sequence[str], *folders: Path) -> Mistake:
    with pytest.raises(MistakeError) as caught:
        compose(overrides, folders)
    (said,) = caught.value.mistakes
    return said


def jobs_of(overrides: Sequence[str], *folders: Path) -> list[Composed]:
    found: list[Composed] = []

    def run(jobs: Sequence[Composed]) -> list[None]:
        found.extend(jobs)
        return [None] * len(jobs)

    with chdir(folders[0]):  # Hydra writes down what it was asked for
        sweep(overrides, folders, run)
    return found


def test_a_piece_of_ones_own_folder_is_composed_with_all_settings(tmp_path: Path) -> None:
    found = compose(["piece=mine", "piece.steps.out.value=3", "threads=2"], [conf(tmp_path, PLAIN)])
    assert found.piece_name == "mine"
    assert found.config["piece"] == {
        "title": "x", "steps": {"out": {"node": "toy_number", "value": 3}}, "output": "out",
    }  # fmt: skip
    assert found.overrides == ("piece=mine", "piece.steps.out.value=3", "threads=2")
    assert "hydra" not in found.config and read_settings(found.config).threads == 2


def test_everything_that_is_composed_is_plain(tmp_path: Path) -> None:
    def check(item: Any) -> None:
        assert type(item) in (dict, list, str, int, float, bool, type(None)), type(item)
        for part in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
            check(part)

    check(compose(["piece=mine"], [conf(tmp_path, PLAIN + "seed: ${.number}\nnumber: 3\n")]).config)


@pytest.mark.usefixtures("entry")
def test_pieces_of_packages_are_found_and_sections_are_templates() -> None:
    found = compose(["piece=sections"])
    graph = build_graph(found.config["piece"], REGISTRY, [])
    assert list(graph.steps) == ["a/first", "a/second", "b/first", "b/second", "a/sum", "b/sum", "both"]
    assert graph.steps["b/first"].parameters == {"value": 10} and graph.steps["a/first"].parameters == {"value": 1}
    assert [r.step for r in graph.steps["b/sum"].sources()] == ["a/sum", "b/second"]
    assert pieces()["sections"] == "One section template used twice, the second time with other numbers."


def test_keys_that_a_piece_does_not_mention_can_be_given(tmp_path: Path) -> None:
    folder = conf(tmp_path, PLAIN)
    assert compose(["piece=mine", "piece.seed=4"], [folder]).config["piece"]["seed"] == 4
    assert compose(["piece=mine", "+piece.seed=4"], [folder]).config["piece"]["seed"] == 4
    assert "title" not in compose(["piece=mine", "~piece.title"], [folder]).config["piece"]


def test_pieces_lie_in_folders_and_have_names_of_any_script(tmp_path: Path) -> None:
    folder = conf(tmp_path / "ä ö", PLAIN, "années/après")
    assert compose(["piece=années/après"], [folder]).piece_name == "années/après"
    assert "années/après" in pieces([folder])


@pytest.mark.parametrize(
    ("overrides", "what", "hint"),
    [
        ([], "no piece is chosen", "piece="),
        (["piece=mien"], "there is no piece 'mien'", "did you mean 'mine'?"),
        (["piece=mine", "thread=2"], "Could not override 'thread'", "did you mean 'threads'?"),
        (["piece=mine", "store.limt=2"], "Could not override 'store.limt'", ""),
        (["piece=mine", "executor=magic"], "there is no 'magic'", ""),
        (["piece=mine", "a=b=c=[", "x"], "", ""),
        (["piece=mine", "="], "", ""),
        (["piece=mine", "+"], "", ""),
        (["piece=mine", "piece.=1"], "", ""),
        (["piece=mine", "@x=1"], "", ""),
        (["piece=mine", "+/=1"], "", ""),
        (["piece=mine", "tracking=server"], "tracking.uri", ""),
    ],
)
def test_mistakes_on_the_command_line(tmp_path: Path, overrides: list[str], what: str, hint: str) -> None:
    said = wrong(overrides, conf(tmp_path, PLAIN))
    assert what in str(said) and hint in said.hint


def test_a_folder_that_is_not_there() -> None:
    said = wrong(["piece=x"], Path("nowhere"))
    assert (said.what, said.parameter) == ("there is no such folder", "--config-dir")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("steps: {out: [}", "expected"),
        ("steps: \t{}", "token"),
        ("a: 1\na: 2\n", "duplicate key"),
        ("seed: ${nothing}", "nothing"),
        ("seed: ${seed}\n", "Recursive interpolation"),
        ("a: ${.b}\nb: ${.a}\n", "Recursive interpolation"),
        ("seed: ${", ""),
        ("seed: ???\n", "seed"),
        ("- 1\n- 2\n", ""),
        ("3", ""),
        ("defaults: [/section/gone@steps.a]\n", "there is no 'gone'"),
        ("when: !!timestamp x", ""),
        ("x: !!bool maybe", ""),
        ("defaults: [null]", ""),
        ("defaults: [/tracking/server@steps.a]\n", "sections only"),
        ("defaults: [/section/../../x@steps.a]\n", ""),
        ("defaults: 3\n", ""),
        ("defaults: [mine]\n", ""),
        ("seed: !!int x", ""),
        ("seed: !!float x", ""),
        ("seed: 1" + "0" * 5000, ""),
        ("when: !!timestamp 2001-99-99", ""),
        ("&a x: *a", ""),
        ("? [1, 2]\n: 3\n", ""),
        ("? {a: 1}\n: 3\n", ""),
        ("x: !!binary '*'", ""),
        ("x: !!set {a, b}", ""),
        ("x: !!omap [a: 1]", ""),
        ("[" * 3000, ""),
        ("a: " * 50, ""),
        ("\x00", ""),
        ("title: \ud800".encode("utf-8", "surrogatepass").decode("latin-1"), ""),
        ("_target_: os.system", ""),
        ("x: ${oc.decode:'[[['}", ""),
        ("x: ${oc.create:{a: 1}}", ""),
        ("x: ${hydra:runtime.cwd}", ""),
        ("x: ${nosuch:1}", "nosuch"),
    ],
)
def test_a_piece_file_with_mistakes_is_never_a_fault(tmp_path: Path, text: str, what: str) -> None:
    folder = conf(tmp_path, text)
    try:
        config = compose(["piece=mine"], [folder]).config
        build_graph(config.get("piece"), REGISTRY, [])
    except MistakeError as error:
        assert what in str(error)
    else:
        pytest.fail("it was taken for a piece")


def test_a_piece_in_another_encoding_is_a_mistake(tmp_path: Path) -> None:
    folder = conf(tmp_path, PLAIN)
    (folder / "piece" / "mine.yaml").write_bytes("title: été\n".encode("latin-1") + PLAIN.encode()[9:])
    assert wrong(["piece=mine"], folder)
    assert "mine" in pieces([folder])


def test_a_piece_that_is_a_folder_or_cannot_be_read(tmp_path: Path) -> None:
    folder = conf(tmp_path, PLAIN)
    (folder / "piece" / "folder.yaml").mkdir()
    (folder / "piece" / "gone.yaml").symlink_to("nowhere")
    assert wrong(["piece=folder"], folder) and wrong(["piece=gone"], folder)
    assert "mine" in pieces([folder])


def test_the_first_comment_of_a_piece_describes_it(tmp_path: Path) -> None:
    texts = {
        "a": "# @package _global_\n#\n# What it is.\n# More.\n",
        "b": "title: x\n# late\n",
        "c": "",
        "d": "\n# After a gap.\n",
    }
    for name, text in texts.items():
        conf(tmp_path, text, name)
    found = pieces([tmp_path])
    assert [found[name] for name in texts] == ["What it is.", "", "", "After a gap."]


# A piece may come from a stranger: it must not be able to run anything.

CALL = "{_target_: toys.leave_canary, path: CANARY}"
HYDRA = "# @package _global_\nhydra:\n  mode: MULTIRUN\n"
ATTACKS = {
    "target": f"steps: {{out: {CALL}}}\noutput: out\n",
    "target of a value": f"steps: {{out: {{node: toy_number, value: {CALL}}}}}\noutput: out\n",
    "python tag": "steps: !!python/object/apply:os.system [touch CANARY]\n",
    "python name": "steps: !!python/name:os.system\n",
    "python object": "steps: !!python/object/new:os.system [touch CANARY]\n",
    "callbacks": f"{HYDRA}  callbacks: {{x: {CALL}}}\n",
    "logging": f"{HYDRA}  job_logging: {{version: 1, root: {{handlers: [x]}}, handlers: {{x: {{(): toys.leave_canary, "
    "path: CANARY}}}\n  hydra_logging: ${hydra.job_logging}\n",
    "sweeper": f"{HYDRA}  sweeper: {CALL}\n",
    "arguments of the sweeper": f"{HYDRA}  sweeper: {{max_batch_size: {CALL}}}\n",
    "parameters of the sweeper": f"{HYDRA}  sweeper: {{params: {{x: {CALL}}}}}\n",
    "launcher": f"{HYDRA}  launcher: {CALL}\n",
    "sweeper of a config folder": "# @package _global_\ndefaults:\n  - override /hydra/sweeper: evil\n",
    "sweeper added": "# @package _global_\ndefaults:\n  - /hydra/sweeper@hydra.sweeper: evil\n",
    "node by path": "steps: {out: {node: toys.leave_canary, path: CANARY}}\noutput: out\n",
    "search path": "# @package _global_\nhydra: {searchpath: ['pkg://os']}\n",
}
EVIL = f"_target_: hydra._internal.core_plugins.basic_sweeper.BasicSweeper\nmax_batch_size: null\nparams: {CALL}\n"


@pytest.mark.parametrize("name", ATTACKS)
def test_a_piece_cannot_run_code(tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"
    text = ATTACKS[name].replace("CANARY", str(canary))
    if text.startswith("# @package"):
        text += "piece:\n  steps: {out: {node: toy_number}}\n  output: out\n"
    folder = conf(tmp_path / "conf", text, hydra__sweeper__evil=EVIL.replace("CANARY", str(canary)))
    composed: list[Composed] = []
    with suppress(MistakeError):
        composed.append(compose(["piece=mine"], [folder]))
    with suppress(MistakeError):
        composed += jobs_of(["piece=mine", "piece.seed=1,2"], folder)
    for found in composed:
        with suppress(MistakeError):
            build_graph(found.config["piece"], REGISTRY, [])
    assert not canary.exists()


@pytest.mark.parametrize("name", ["target", "python tag"])
def test_the_attacks_are_real(tmp_path: Path, name: str) -> None:
    from hydra.utils import instantiate

    text = ATTACKS[name].replace("CANARY", str(tmp_path / "canary"))
    instantiate(yaml.unsafe_load(text))
    assert (tmp_path / "canary").exists()


def test_the_environment_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s3cr3t")
    said = wrong(["piece=mine"], conf(tmp_path, "title: ${oc.env:SECRET}\n" + PLAIN[9:]))
    assert "oc.env" in str(said) and "s3cr3t" not in str(said)


def test_a_piece_reaches_neither_settings_nor_hydra(tmp_path: Path) -> None:
    text = "# @package _global_\nstore: {folder: /elsewhere}\ntracking: {uri: x}\nhydra: {sweep: {dir: /elsewhere}}\n"
    found = compose(["piece=mine"], [conf(tmp_path, text + PLAIN)]).config
    assert found["store"]["folder"] == "outputs/store" and found["tracking"]["uri"] == "sqlite:///outputs/mlflow.db"
    with pytest.raises(MistakeError) as caught:
        build_graph(found["piece"], REGISTRY, [])
    assert {said.parameter for said in caught.value.mistakes} == {"store", "tracking", "hydra"}


def test_a_piece_builds_on_files_of_the_configuration_folders_only(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("title: stolen\n")
    for path in ("/section/../../secret@_here_", f"file://{tmp_path}/secret", "/../secret", "pkg://hydra.conf/config"):
        text = f"defaults:\n  - {path}\n  - _self_\n{PLAIN.replace('title: x', '')}"
        assert "stolen" not in str(wrong(["piece=mine"], conf(tmp_path / "conf", text)))


# Sweeps


def test_a_sweep_composes_every_job_before_the_first_is_run(tmp_path: Path) -> None:
    folder = conf(tmp_path, PLAIN)
    jobs = jobs_of(["piece=mine", "piece.steps.out.value=1,2", "piece.seed=range(3)"], folder)
    assert [(job.config["piece"]["steps"]["out"]["value"], job.config["piece"]["seed"]) for job in jobs] == [
        (value, seed) for value in (1, 2) for seed in range(3)
    ]
    assert jobs[3].piece_name == "mine"
    assert any("piece.steps.out.value=2" in override for override in jobs[3].overrides)
    assert not any(override.startswith("++") for override in jobs[3].overrides)


def test_a_sweep_over_pieces(tmp_path: Path) -> None:
    folder = conf(tmp_path, PLAIN, "one")
    conf(tmp_path, PLAIN.replace("title: x", "title: y"), "two")
    assert [job.config["piece"]["title"] for job in jobs_of(["piece=one,two"], folder)] == ["x", "y"]


def test_hydras_own_overrides_concern_sweeps_only(tmp_path: Path) -> None:
    folder = conf(tmp_path, PLAIN)
    assert "hydra" not in compose(["piece=mine", "hydra.sweep.dir=x"], [folder]).config
    jobs = jobs_of(["piece=mine", f"hydra.sweep.dir={tmp_path}/sweeps", "piece.seed=1,2"], folder)
    assert [job.config["piece"]["seed"] for job in jobs] == [1, 2]


@pytest.mark.parametrize("override", ["threads=1,2", "piece.seed=1,2", "piece.seed=range(3)"])
def test_several_values_without_a_sweep_are_a_mistake(tmp_path: Path, override: str) -> None:
    said = wrong(["piece=mine", override], conf(tmp_path, PLAIN))
    assert "makes a sweep" in said.what and "add -m" in said.hint


def test_a_mistake_in_a_sweep_is_said(tmp_path: Path) -> None:
    with pytest.raises(MistakeError, match="no piece is chosen"):
        jobs_of(["threads=1,2"], conf(tmp_path, PLAIN))
    with pytest.raises(MistakeError, match="there is no piece 'two'"):
        jobs_of(["piece=mine,two"], tmp_path)


def test_what_a_sweep_raises_is_not_hidden(tmp_path: Path) -> None:
    def fail(jobs: Sequence[Composed]) -> list[None]:
        raise ZeroDivisionError

    with chdir(tmp_path), pytest.raises(ZeroDivisionError):
        sweep(["piece=mine", "piece.seed=1,2"], [conf(tmp_path, PLAIN)], fail)


LINES = st.lists(
    st.sampled_from([
        "title: x", "steps:", "  out: {node: toy_number}", "  out:", "    node: toy_number", "    value: 3",
        "output: out", "defaults:", "  - /section/pair@steps.a", "  - _self_", "# @package _global_", "piece:",
        "&a b: 1", "c: *a", "<<: {a: 1}", "? x", "seed: ${seed}", "seed: ${.x}", "x: !!python/name:os.system",
        "- 1", "---", "...", "%YAML 1.1", "  each: {v: [1, 2]}", "hydra: {callbacks: {x: 1}}", "store: {folder: /x}",
        "\ttab: 1", "'", '"',
    ])
    | st.text(max_size=12),
    max_size=8,
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, data=st.none() | st.binary(max_size=30))
def test_any_file_is_a_piece_or_a_mistake(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], data: bytes | None
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "piece").mkdir()
    content = "\n".join(lines).encode("utf-8", "surrogatepass") if data is None else data
    (folder / "piece" / "mine.yaml").write_bytes(content)
    try:
        config = compose(["piece=mine"], [folder]).config
        read_settings(config)
        assert isinstance(build_graph(config.get("piece"), REGISTRY, []), Graph)
    except MistakeError as error:
        assert error.mistakes
    pieces([folder])


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from(["toy_number", "out", "${x}", "$v", "???", "${", "a.b", "${oc.env:HOME}", "\\${", "${.steps}"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["steps", "out", "node", "output", "value", "each", "repeat", "carry", "defaults"])
        | st.text(max_size=4) | st.integers() | st.booleans() | st.none() | st.floats(),
        inner, max_size=4,
    ),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_any_yaml_is_a_piece_or_a_mistake(tmp_path_factory: pytest.TempPathFactory, tree: Any) -> None:
    folder = conf(tmp_path_factory.mktemp("fuzz"), yaml.safe_dump(tree, allow_unicode=True))
    try:
        config = compose(["piece=mine"], [folder]).config
        assert isinstance(build_graph(config.get("piece"), REGISTRY, []), Graph)
    except MistakeError as error:
        assert error.mistakes


@settings(max_examples=30, deadline=None)
@given(override=st.text(max_size=15) | st.lists(
    st.sampled_from(["piece", ".", "steps", "=", "[", "{", "}", "'", "$", "{x}", "~", "+", "@", ",", "1", " ", "/"]),
    max_size=8).map("".join))  # fmt: skip
def test_any_override_is_taken_or_a_mistake(tmp_path_factory: pytest.TempPathFactory, override: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "overrides"
    conf(folder, PLAIN)
    try:
        compose(["piece=mine", override], [folder])
    except MistakeError as error:
        assert error.mistakes


def test_our_conf_is_the_one_that_is_used(tmp_path: Path) -> None:
    folder = conf(tmp_path, PLAIN, config="threads: 9\n", executor__serial="name: other\n")
    found = compose(["piece=mine"], [folder]).config
    assert found["threads"] == 1 and found["executor"]["name"] == "serial"
    assert CONF.is_dir() and os.access(CONF / "config.yaml", os.R_OK)


@pytest.mark.parametrize("title", ["Été", "l'eau", "voix française", "水 ✂"])
def test_values_in_any_script_need_no_quotes(tmp_path: Path, title: str) -> None:
    folder = conf(tmp_path, PLAIN)
    assert compose(["piece=mine", f"piece.title={title}"], [folder]).config["piece"]["title"] == title
