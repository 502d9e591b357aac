"""The program as its user has it: real processes, real signals, real disks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toys import Program

HEAVY = ("torch", "librosa", "mlflow", "dask", "matplotlib", "scipy", "soundfile", "kymatio", "numba")


def wait_for(program: Program, line: str, process: subprocess.Popen[str]) -> None:
    """Wait until a toy node has said something."""
    end = time.monotonic() + 60
    while line not in program.ran():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("contents.json", "record.json")
    }


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_render_keeps_what_finished_and_goes_on(program: Program, stop: signal.Signals) -> None:
    process = program.start("render", "piece=slow", "tracking=off")
    wait_for(program, "begin two", process)
    process.send_signal(stop)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "goes on from there" in err and "Traceback" not in err and out == ""
    done = program("render", "piece=slow", "tracking=off", "piece.steps.two.duration=0.01")
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "2 steps ran, 1 taken from the store"
    assert program.ran().count("begin one") == 1


def test_a_killed_render_goes_on_where_it_was(program: Program) -> None:
    process = program.start("render", "piece=slow", "tracking=off")
    wait_for(program, "begin two", process)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    done = program("render", "piece=slow", "tracking=off", "piece.steps.two.duration=0.01")
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "2 steps ran, 1 taken from the store"
    assert program("store", "verify").stdout == "3 results whole, 0 damaged\n"
    (text,) = (program.folder / "outputs" / "renders").rglob("*.txt")
    assert text.read_text() == "three two one"


def test_two_processes_compute_every_step_once(program: Program) -> None:
    command = ("render", "piece=slow", "tracking=off", "piece.steps.two.duration=0.5")
    processes = [program.start(*command) for _ in range(2)]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert sorted(program.ran()) == sorted(
        f"{word} {name}" for word in ("begin", "end") for name in ("one", "two", "three")
    )


def test_a_dead_server_does_not_stop_a_render_and_the_record_is_sent_later(program: Program) -> None:
    program.environment["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    records = program.folder / "outputs" / "records"
    done = program("render", "piece=sum", "tracking=server", "tracking.uri=http://127.0.0.1:9")
    assert done.returncode == 0 and "20" in (program.folder / done.stdout.splitlines()[0]).read_text()
    assert "did not take the record" in done.stderr and "it waits in outputs/records" in done.stderr
    assert "Traceback" not in done.stderr
    (waiting,) = records.glob("*.unsent.json")
    done = program("render", "piece=sum", "piece.seed=3")
    assert done.returncode == 0 and "recorded in MLflow" in done.stdout, done.stderr
    assert done.stderr == ""
    assert not list(records.glob("*.unsent.json")) and len(list(records.glob("*.json"))) == 2
    assert (records / waiting.name.replace(".unsent", "")).exists()
    assert (program.folder / "outputs" / "mlflow.db").stat().st_size > 0


def test_renders_are_equal_whatever_the_hash_seed_and_the_place(program: Program, tmp_path: Path) -> None:
    found = []
    for number, seed in enumerate(("0", "4242")):
        place = Program(
            tmp_path / f"ä {number}", program.site, {"PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo" if number else "UTC"}
        )
        place.folder.mkdir()
        (place.folder / "conf" / "piece").mkdir(parents=True)
        (place.folder / "conf" / "piece" / "mine.yaml").write_text(
            "seed: 3\nsteps:\n  n: {node: toy_noise, rows: 40}\n  t: {node: toy_large, megabytes: 1, on_disk: true}\n"
            "  m: {each: {v: [n, t]}, node: toy_measure, grid: $v}\n  j: {node: toy_join, texts: m}\n"
            "outputs: {n: n, j: j}\n"
        )
        done = place("render", "piece=mine", "--config-dir", "conf", "tracking=off", "--quiet")
        assert done.returncode == 0, done.stderr
        outputs = place.folder / "outputs"
        found.append((contents(outputs / "renders"), contents(outputs / "store" / "objects"), len(place.ran())))
    assert found[0] == found[1] and len(found[0][1]) == 2 and len(found[0][0]) == 2


@pytest.mark.parametrize("arguments", [["--help"], ["render", "--help"], ["plan", "piece=sum"], ["nodes"], ["pieces"],
                                       ["why", "total", "piece=sum"], ["graph", "piece=sum"]])  # fmt: skip
def test_nothing_heavy_is_imported_before_it_is_needed(program: Program, arguments: list[str]) -> None:
    code = (
        "import sys\nfrom pipelines.command_line.main import main\n"
        f"try:\n    main({arguments!r})\n"
        f"finally:\n    print(*[n for n in {HEAVY!r} if n in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=program.folder,
        env=program.variables(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout and done.stderr.split() == []


def test_help_is_quick(program: Program) -> None:
    def seconds() -> float:
        before = os.times()
        assert program("--help").returncode == 0
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(seconds() for _ in range(3)) < 0.6


def test_a_closed_pipe_is_no_fault(program: Program) -> None:
    process = program.start("schema")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 0 and process.stderr.read() == ""
    process.stderr.close()


def test_a_full_disk_is_a_mistake_and_after_it_the_render_goes_on(program: Program) -> None:
    (program.folder / "disk").mkdir()
    (program.folder / "conf" / "piece").mkdir(parents=True)
    (program.folder / "conf" / "piece" / "big.yaml").write_text(
        "steps:\n  small: {node: toy_number}\n  big: {node: toy_large, megabytes: 12}\n"
        "  mapped: {node: toy_large, megabytes: 12, on_disk: true}\n  after: {node: toy_measure, grid: big}\n"
        "outputs: {small: small, after: after, mapped: mapped}\n"
    )
    arguments = ("render", "piece=big", "--config-dir", "conf", "tracking=off", "store.folder=disk")
    inner = " ".join(f"'{word}'" for word in program.command(*arguments))
    mount = f"mount -t tmpfs -o size=8m none disk && {inner}; code=$?; ls -A disk/objects/*; exit $code"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount], cwd=program.folder, env=program.variables(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this system lets nobody mount a small disk")
    assert done.returncode == 2, (done.stdout, done.stderr)
    for step in ("big", "mapped"):
        assert f"{step}: the disk of the store is full" in done.stderr
    assert "resynthesis store gc" in done.stderr and "Traceback" not in done.stderr and ".partial" not in done.stdout
    assert "big_small.txt" in done.stdout, "what there was room for is given out"
    again = program(*arguments)
    assert again.returncode == 0 and "4 steps ran" in again.stdout


def test_the_installed_program_is_this_one(program: Program) -> None:
    script = Path(sys.executable).with_name("resynthesis")
    if not script.exists():
        pytest.skip("the project is not installed as a package")
    done = subprocess.run(
        [script, "pieces"], cwd=program.folder, env=program.variables(), capture_output=True, text=True, check=True
    )
    assert "sum" in done.stdout
    shutil.rmtree(program.folder / "outputs", ignore_errors=True)


def test_files_edited_while_a_sweep_runs_change_nothing(program: Program) -> None:
    piece = program.folder / "conf" / "piece" / "mine.yaml"
    piece.parent.mkdir(parents=True)
    text = "steps:\n  s: {node: toy_slow, duration: 0.6, name: $NAME}\noutput: s\n".replace("$NAME", "first")
    piece.write_text(text)
    process = program.start("render", "-m", "piece=mine", "piece.steps.s.text=null", "piece.steps.s.duration=0.6,0.1",
                            "--config-dir", "conf", "tracking=off")  # fmt: skip
    wait_for(program, "begin first", process)
    piece.write_text(text.replace("first", "second"))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert program.ran() == ["begin first", "end first"] * 2
    assert [
        json.loads(path.read_text())["status"] for path in (program.folder / "outputs" / "records").glob("*.json")
    ] == ["finished"] * 2
