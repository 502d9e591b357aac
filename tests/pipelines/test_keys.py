from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from toys import APP, PROJECT, graph_of, plan_of

from pipelines.keys import canonical, digest, plain, step_seed
from pipelines.quantities import Envelope, InputFiles

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def same(a: Any, b: Any) -> bool:
    """Whether two trees are the same in types, values and order of lists; written apart from the keys."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return bool(a == b)


@given(a=TREES, b=TREES)
@example(a=1, b=1.0)
@example(a=1, b="1")
@example(a=1, b=True)
@example(a=0, b=False)
@example(a="", b=None)
@example(a="a", b=b"a")
@example(a=[], b={})
@example(a=[], b="")
@example(a=[[1], 2], b=[[1, 2]])
@example(a=[[], []], b=[[[]]])
@example(a=["ab", "c"], b=["a", "bc"])
@example(a={"a": "b"}, b=["a", "b"])
@example(a={"a": {"b": 1}}, b={"a": {}, "b": 1})
@example(a=0.0, b=-0.0)
@example(a=[None], b=[])
@example(a="True", b=True)
def test_equal_bytes_mean_equal_values(a: Any, b: Any) -> None:
    if not (isinstance(a, float) and math.isnan(a)):
        assert (canonical(a) == canonical(b)) == same(a, b)


@given(tree=TREES)
def test_the_order_of_a_mapping_does_not_count_and_tuples_are_lists(tree: Any) -> None:
    def turned(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: turned(item[key]) for key in reversed(item)}
        return tuple(turned(part) for part in item) if isinstance(item, list) else item

    assert digest(turned(tree)) == digest(tree)


@pytest.mark.parametrize("item", [object(), {1, 2}, 1j, Path("x"), [object()], {"a": object()}, lambda: 1])
def test_what_has_no_canonical_form_is_an_error_and_never_left_out(item: Any) -> None:
    with pytest.raises(TypeError):
        canonical(item)
    with pytest.raises(TypeError):
        plain({"x": item}, str)


def test_a_key_is_known_and_does_not_move() -> None:
    assert digest({"a": [1, 1.0, "1", True, None], "é": b"x"}) == (
        "44b38c8c82d6eb7d719ab5264853412c1ebb86ea79619a9f1c788f796758c944"
    )


def test_parameters_become_plain_and_files_their_content(tmp_path: Path) -> None:
    files = InputFiles("*.wav", (tmp_path / "a.wav", tmp_path / "b.wav"))
    found = plain({"x": (1, 2.5), "f": files, "e": Envelope(((0.0, 1.0),))}, lambda path: f"digest of {path.stem}")
    assert found == {
        "x": [1, 2.5],
        "f": {"files": [["a.wav", "digest of a"], ["b.wav", "digest of b"]]},
        "e": {"type": "Envelope", "points": [[0.0, 1.0]]},
    }


def key(folder: Path, steps: Any, path: str = "out", **settings: Any) -> str:
    return plan_of(folder, steps, **settings)[0].keys[path]


def test_a_key_changes_with_parameter_input_and_their_order_only(tmp_path: Path) -> None:
    steps: dict[str, Any] = {
        "a": {"node": "toy_number", "value": 1},
        "b": {"node": "toy_number", "value": 2},
        "out": {"node": "toy_join", "texts": ["a", "b"]},
    }
    known = key(tmp_path, steps)
    assert key(tmp_path, {"out": steps["out"], "b": steps["b"], "a": steps["a"]}) == known
    renamed = {"x/y": 0, "x": {"steps": {"p": steps["a"], "q": steps["b"]}, "outputs": {"p": "p", "q": "q"}}}
    del renamed["x/y"]
    assert key(tmp_path, {**renamed, "out": {"node": "toy_join", "texts": ["x.p", "x.q"]}}) == known
    assert key(tmp_path, {**steps, "out": {**steps["out"], "separator": " "}}) == known
    assert key(tmp_path, {**steps, "out": {**steps["out"], "seed": 8}}, seed=3, title="x") == known
    others = [
        key(tmp_path, {**steps, "a": {"node": "toy_number", "value": 3}}),
        key(tmp_path, {**steps, "out": {"node": "toy_join", "texts": ["b", "a"]}}),
        key(tmp_path, {**steps, "out": {"node": "toy_join", "texts": ["a", "b", "b"]}}),
        key(tmp_path, {**steps, "out": {"node": "toy_join", "texts": ["a", "b"], "separator": ""}}),
        key(tmp_path, {**steps, "out": {"node": "toy_add", "left": "a", "right": "b"}}),
        key(tmp_path, {**steps, "out": {"node": "toy_add", "left": "a"}}),
    ]
    assert len({known, *others}) == 7


def test_the_seed_counts_where_the_node_is_random(tmp_path: Path) -> None:
    noise = {"out": {"node": "toy_noise"}}
    known = key(tmp_path, noise)
    assert key(tmp_path, noise, seed=1) != known
    assert key(tmp_path, {"other": noise["out"]}, "other", output="other") != known
    own = {"node": "toy_noise", "seed": 5}
    assert key(tmp_path, {"out": own}) == key(tmp_path, {"other": own}, "other", output="other", seed=9)
    assert key(tmp_path, {"out": {**own, "seed": 6}}) != key(tmp_path, {"out": own})


def test_seeds_of_steps_differ_and_stay() -> None:
    graph = graph_of({"a": {"node": "toy_noise"}, "out": {"node": "toy_noise"}, "c": {"node": "toy_noise", "seed": 12}})
    seeds = [step_seed(7, step) for step in graph.steps.values()]
    assert seeds[2] == 12 and len(set(seeds)) == 3
    assert seeds == [step_seed(7, step) for step in graph.steps.values()]
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_content_of_a_file_counts_and_its_name_but_not_its_folder(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text("same")
    (tmp_path / "two" / "b.txt").write_text("same")
    keys = [
        key(tmp_path, {"out": {"node": "toy_read", "path": path}}) for path in ("one/a.txt", "two/a.txt", "two/b.txt")
    ]
    assert keys[0] == keys[1] != keys[2]
    (tmp_path / "one" / "a.txt").write_text("more")
    assert key(tmp_path, {"out": {"node": "toy_read", "path": "one/a.txt"}}) != keys[0]


def test_keys_do_not_depend_on_the_hash_seed_of_python(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[2]]\n"
        "from pathlib import Path\n"
        "from toys import plan_of\n"
        "steps = {'a': {'node': 'toy_noise'}, 't': {'node': 'toy_tone'}, 'm': {'node': 'toy_measure', 'grid': 'a'},\n"
        " 'l': {'node': 'toy_large', 'bend': [[0, 1], ['1 s', 2]]}, 'out': {'node': 'toy_join', 'texts': ['m', 'm']}}\n"
        "print(sorted(plan_of(Path(sys.argv[3]), steps)[0].keys.items()))\n"
    )
    command = [sys.executable, "-c", code, str(APP), str(PROJECT)]
    said = {
        subprocess.run(
            [*command, str(tmp_path / seed)], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(said) == 1


def test_the_seed_of_the_piece_does_not_matter_to_steps_without_randomness(tmp_path: Path) -> None:
    steps = {"n": {"node": "toy_noise"}, "out": {"node": "toy_measure", "grid": "n"}, "k": {"node": "toy_number"}}
    first, second = (plan_of(tmp_path, steps, seed=seed)[0].keys for seed in (1, 2))
    assert first["n"] != second["n"] and first["out"] != second["out"]
    assert first["k"] == second["k"]
