"""The toy graph's steps as nodes of resynthesis."""

from dataclasses import dataclass

from common import calls

from pipelines.node import node
from pipelines.value import Value


@dataclass(frozen=True, eq=False)
class Number(Value):
    """A whole number."""

    value: int


@node
def zero() -> Number:
    """Return 0."""
    return Number(0)


@node
def plus(number: Number, *, amount: int) -> Number:
    """Return number + amount."""
    calls.append(1)
    return Number(number.value + amount)


@node
def total(numbers: list[Number]) -> Number:
    """Return the sum."""
    return Number(sum(number.value for number in numbers))
