"""The piece that trains the four-stem network: what is compared is never trained on."""

import ast
from pathlib import Path

import yaml

FOLDER = Path(__file__).parents[2] / "training/unet4"
STEPS = yaml.safe_load((FOLDER / "conf/piece/unet4.yaml").read_text(encoding="utf-8"))["steps"]


def test_pieces_are_on_one_side_only() -> None:
    music, trial, held_out = (set(STEPS[name]["each"]["piece"]) for name in ("music", "trial", "held_out"))
    assert len(music) == 52 and len(trial) == 4 and len(held_out) == 8
    assert not (music & trial or music & held_out or trial & held_out)
    assert "d_e3m1" not in music  # it shares phrases with d_e3m2


def test_benchmarks_compare_on_the_same_pieces() -> None:
    source = ast.parse((FOLDER / "rendered_stems.py").read_text(encoding="utf-8"))
    named = {node.targets[0].id: node.value for node in source.body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
    assert list(ast.literal_eval(named["HELD_OUT"])) == STEPS["held_out"]["each"]["piece"]
