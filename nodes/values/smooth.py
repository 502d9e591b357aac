"""Numbers of small prime factors, of which Fourier transforms are quick."""

from __future__ import annotations


def smooth(number: int) -> int:
    """Return the least number of which 2, 3 and 5 are the only prime factors, not below `number`."""
    while True:
        rest = number
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return number
        number += 1
