"""Why a step has to run: the smallest difference between what it depends on now and what is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.blobs import parse_record
from pipelines.mistakes import listed, mistake, nearest, shown
from pipelines.plan import Plan
from pipelines.store import Store


@dataclass(frozen=True)
class Answer:
    """Why a step runs or does not.

    Parameters
    ----------
    path, state
        The step and its state in the plan.
    differences
        One line for each ingredient that differs from the nearest stored result of the same node.
    same
        What did not change, named where it might be suspected.
    nearest
        When and as which step the nearest stored result was made; empty where there is none.
    """

    path: str
    state: str
    differences: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    nearest: str = ""


def why(plan: Plan, store: Store, path: str) -> Answer:
    """Explain the state of a step.

    Raises
    ------
    MistakeError
        Where there is no such step.
    """
    if path not in plan.states:
        inside = [
            step for step in plan.states if f"/{step}".rpartition("/")[0].startswith(f"/{path.replace('.', '/')}")
        ]
        allowed = listed(inside or plan.states)
        raise mistake(f"there is no step '{path}'", given=path, allowed=allowed, hint=nearest(path, plan.states))
    state = plan.states[path]
    if store.has(plan.keys[path]):
        return Answer(path, "stored")
    now = plan.ingredients(path)
    known = list(_records(store, now["node"]))
    if not known:
        return Answer(path, state, ("no result of this node is stored yet",))
    found = [(_difference(now, record["ingredients"], plan, store), record) for record in known]
    lines, record = min(found, key=lambda item: (item[1]["step"] != path, len(item[0]), _newest_first(item[1])))
    same = [name for name in ("code", "libraries", "parameters", "inputs") if now[name] == record["ingredients"][name]]
    return Answer(path, state, tuple(lines), tuple(same), f"{record['step']}, {record['created']}")


def _newest_first(record: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(-ord(sign) for sign in str(record["created"]))


def _records(store: Store, node: str) -> Iterator[dict[str, Any]]:
    """Yield the readable records of a node's results."""
    mark = f'"node":{json.dumps(node, ensure_ascii=False)},'.encode()
    for path in (store.folder / "objects").glob("??/*/record.json"):
        content = path.read_bytes()
        if mark in content:
            try:
                yield parse_record(content)
            except ValueError:
                continue  # `store verify` speaks of damaged records


def _difference(
    now: Mapping[str, Any], then: Mapping[str, Any], plan: Plan, store: Store, seen: set[str] | None = None
) -> list[str]:
    """Return a line for each ingredient that differs; changed inputs are followed back to where it began."""
    seen = set() if seen is None else seen
    lines: list[str] = []
    for name in sorted(now.keys() | then.keys()):
        if now.get(name) == then.get(name):
            continue
        if name == "code":
            lines.append("the code of the node, or of a module that it uses, changed")
        elif name == "inputs":
            lines += _inputs(now["inputs"], then["inputs"], plan, store, seen)
        elif name in ("parameters", "libraries"):
            lines += _entries(now[name], then.get(name) or {})
        else:
            lines.append(f"{name} {_short(then.get(name))} → {_short(now.get(name))}")
    return lines


def _entries(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} {_short(then.get(name))} → {_short(now.get(name))}"
        for name in sorted(now.keys() | then.keys())
        if now.get(name) != then.get(name)
    ]


def _inputs(now: Mapping[str, Any], then: Mapping[str, Any], plan: Plan, store: Store, seen: set[str]) -> list[str]:
    lines: list[str] = []
    for port in sorted(now.keys() | then.keys()):
        ours, theirs = now.get(port, []), then.get(port, [])
        if len(ours) != len(theirs):
            lines.append(f"{port}: {len(theirs)} inputs → {len(ours)}")
            continue
        for new, old in zip(ours, theirs, strict=True):
            if new != old:
                lines += _input(port, new, old, plan, store, seen)
    return lines


def _input(port: str, new: list[str], old: list[str], plan: Plan, store: Store, seen: set[str]) -> list[str]:
    """Say how an input differs; where the old result is still known, say what changed there, once."""
    path = next((path for path, key in plan.keys.items() if key == new[0]), new[0][:12])
    if new[0] == old[0]:
        return [f"{port}: output '{old[1]}' of '{path}' → '{new[1]}'"]
    if path in seen:
        return []
    seen.add(path)
    record = _stored(store, old[0])
    if record is None or path not in plan.states:
        return [f"{port}: '{path}' changed"]
    if record["node"] != plan.step(path).spec.name:
        return [f"{port}: '{record['step']}' ({record['node']}) → '{path}' ({plan.step(path).spec.name})"]
    inner = _difference(plan.ingredients(path), record["ingredients"], plan, store, seen)
    return [line if line.startswith("'") else f"'{path}': {line}" for line in inner]


def _stored(store: Store, key: str) -> dict[str, Any] | None:
    try:
        return parse_record((store.path(key) / "record.json").read_bytes())
    except (OSError, ValueError):
        return None


def _short(item: Any) -> str:
    if isinstance(item, Mapping) and "files" in item:
        return ", ".join(f"{name} ({digest[:8]})" for name, digest in item["files"])
    return "nothing" if item is None else shown(item, 60)
