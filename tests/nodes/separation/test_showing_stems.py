"""`separate` in a piece: one figure of all stems, and a page on which they are heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nodes.separation.node import separate
from nodes.separation.showing import SHOWN, draw_stems, play_stems
from nodes.values import Audio, Takes
from pipelines.node import NodeSpec


def test_the_stems_are_shown_and_played() -> None:
    mark = NodeSpec("separate", separate, "here").mark
    assert (mark.figure, mark.page) == (draw_stems, play_stems)
    samples = np.random.default_rng(0).normal(0, 0.1, (2, 9000)).astype(np.float32)
    inputs = {"audio": Audio(samples, 22050)}
    outputs = {name: Audio(samples * share, 22050) for name, share in (("harmonic", 0.75), ("percussive", 0.25))}
    names = [axes.texts[0].get_text() for axes in draw_stems(inputs, outputs).axes if axes.texts]
    assert names == ["mix", "harmonic", "mask of harmonic", "percussive", "mask of percussive"]
    page = play_stems(inputs, outputs)
    assert page is not None and "<h1>harmonic and percussive</h1>" in page


def test_of_many_components_the_strongest_are_shown() -> None:
    samples = np.random.default_rng(0).normal(0, 0.01, (1, 3000)).astype(np.float32)
    takes = Takes((samples,) * (SHOWN + 1), 8000, tuple(str(number) for number in range(1, SHOWN + 2)))
    inputs, outputs = {"audio": Audio(samples * (SHOWN + 1), 8000)}, {"components": takes, "bases": None}
    names = [axes.texts[0].get_text() for axes in draw_stems(inputs, outputs).axes if axes.texts]
    assert names[1::2] == [f"component {number}" for number in range(1, SHOWN + 1)]
    page = play_stems(inputs, outputs)
    assert page is not None and f"component {SHOWN}" in page and f"component {SHOWN + 1}" not in page


def test_the_templates_are_part_of_the_package() -> None:
    import tomllib

    project = Path(__file__).parents[3]
    patterns = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    room = project / "nodes" / "playing"
    templates = {path for path in room.iterdir() if path.suffix in (".html", ".css", ".js")}
    assert (
        templates == {path for pattern in patterns["nodes.playing"] for path in room.glob(pattern)}
        and len(templates) == 4
    )
