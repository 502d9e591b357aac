"""What the nodes compute, in a module of its own, as a project's mathematics is."""

from __future__ import annotations


def total(numbers: list[int]) -> int:
    """Return the sum."""
    return sum(numbers)
