"""What is known of every output before anything runs: sample rates, channels, durations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.mistakes import Mistake, MistakeError
from pipelines.node import Facts

if TYPE_CHECKING:
    from pipelines.graph import BoundStep


def spread_facts(steps: Mapping[str, BoundStep], mistakes: list[Mistake]) -> dict[str, dict[str, Facts]]:
    """Find out what is knowable of every output before anything runs; note what cannot work together."""
    known: dict[str, dict[str, Facts]] = {}
    for path, step in steps.items():
        common = _agreed(step, known, mistakes)
        known[path] = dict.fromkeys(step.outputs, common)
        rule = step.spec.mark.facts
        if rule is None:
            continue
        try:
            found = rule(_facts_by_port(step, known, steps), step.parameters)
        except MistakeError as error:
            mistakes += error.at(path).mistakes
            continue
        known[path] = {output: _in_samples({**common, **found.get(output, {})}) for output in step.outputs}
    return known


def _in_samples(facts: Facts) -> Facts:
    """Return facts with a duration of whole samples, as that of a sound is, so that a chain of steps does not drift."""
    if not {"duration", "sample_rate"} <= facts.keys():
        return facts
    rate = facts["sample_rate"]
    return {**facts, "duration": round(facts["duration"] * rate) / rate}


def _facts_by_port(
    step: BoundStep, known: Mapping[str, Mapping[str, Facts]], steps: Mapping[str, BoundStep]
) -> dict[str, Any]:
    """Return what is known of the inputs, with the name of their kind."""
    found: dict[str, Any] = {}
    for name, references in step.inputs.items():
        facts = [{**known[r.step][r.output], "kind": steps[r.step].outputs[r.output].__name__} for r in references]
        found[name] = facts if step.spec.ports[name].many else facts[0] if facts else None
    return found


def _agreed(step: BoundStep, known: Mapping[str, Mapping[str, Facts]], mistakes: list[Mistake]) -> Facts:
    agreed: dict[str, Any] = {}
    first: dict[str, str] = {}
    for port, references in step.inputs.items():
        names = {name for kind in step.spec.ports[port].kinds for name in getattr(kind, "agrees", ())}
        for reference in references:
            facts = known[reference.step][reference.output]
            for name in names & facts.keys():
                if agreed.setdefault(name, facts[name]) != facts[name]:
                    what = name.replace("_", " ")
                    mistakes.append(
                        Mistake(
                            f"the inputs differ in {what}", step.path, port,
                            f"'{first[name]}' has {agreed[name]}, '{reference.step}' has {facts[name]}",
                            f"one {what} for all inputs", f"set the piece's or the loads' {name}",
                        )
                    )  # fmt: skip
                first.setdefault(name, reference.step)
    return agreed
