from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from toys import Listening, plan_of

from pipelines.execute import execute_serially
from pipelines.graph_text import FORMATS, as_dot, as_mermaid, as_text
from pipelines.plan import Plan

STEPS: dict[str, Any] = {
    "n": {"node": "toy_number"},
    "a": {"steps": {"h": {"node": "toy_halve", "text": "n"}}, "output": "h"},
    "out": {"node": "toy_join", "texts": ["a", "a.second"]},
    "spare": {"node": "toy_number", "value": 4},
}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A plan in which one step is stored, two are to run and one is not needed."""
    first, store = plan_of(tmp_path, STEPS, "n")
    execute_serially(first, store, Listening())
    return plan_of(tmp_path, STEPS)[0]


def test_the_text_shows_state_step_node_and_inputs(plan: Plan) -> None:
    assert as_text(plan, colour=False).splitlines() == [
        "● n      toy_number",
        "· spare  toy_number",
        "○ a/h    toy_halve   text ← n",
        "○ out    toy_join    texts ← a/h, texts: second ← a/h",
        "⇒ output ← out.value",
        "● cached  ○ run  · unneeded",
    ]


def test_colours_are_an_addition_only(plan: Plan) -> None:
    coloured = as_text(plan, colour=True)
    assert "\033[32m" in coloured
    assert re.sub(r"\033\[\d+m", "", coloured) == as_text(plan, colour=False)


def test_mermaid_has_every_step_edge_and_output(plan: Plan) -> None:
    text = as_mermaid(plan)
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "flowchart LR"
    assert 's0["n<br/><i>toy_number</i>"]:::cached' in lines
    assert "s0 -->|text| s2" in lines and "s2 -->|texts: second| s3" in lines
    assert 'out0(["output"])' in lines and "s3 ==> out0" in lines
    assert sum(line.startswith("classDef") for line in lines) == 3


def test_dot_has_every_step_edge_and_output(plan: Plan) -> None:
    text = as_dot(plan)
    assert text.startswith("digraph piece {") and text.endswith("}\n")
    assert 's3 [label="out\\ntoy_join"' in text and 's2 -> s3 [label="texts"];' in text and "s3 -> out0" in text
    assert text.count("{") == text.count("}")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not here")
def test_graphviz_takes_it(plan: Plan) -> None:
    done = subprocess.run(["dot", "-Tsvg"], input=as_dot(plan), capture_output=True, text=True, check=True)
    assert "<svg" in done.stdout


def test_names_of_any_script_go_through(tmp_path: Path) -> None:
    steps = {"Zwölf_雨": {"node": "toy_number"}, "out": {"node": "toy_add", "left": "Zwölf_雨"}}
    plan, _ = plan_of(tmp_path, steps, {"ausgang": "out"})
    for form in FORMATS.values():
        assert "Zwölf_雨" in form(plan)
    assert "Zwölf_雨" in as_text(plan, colour=False)
