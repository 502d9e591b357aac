"""What classes of statistics are to an edit: which belong together, which have a sign, which are colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from nodes.textures.model import Domain
from pipelines.mistakes import MistakeError, listed, mistake, nearest

COLOUR = "band_power"
"""The class that is the spectrum: it is scaled only where it is named, in relation to its mean over bands."""

MEAN = "envelope_mean"
"""The class that follows the spectrum, where envelopes are compressed."""

COMPLEX = ("modulation_phase", "interaural_coherence")
"""Classes whose paths are pairs: real part and imaginary part."""

INTERAURAL = "interaural"
"""What the names of classes begin with that compare channels, and the shorthand for all of them."""

KURTOSIS, SKEWNESS = "_kurtosis", "_skewness"
"""How moments are called that limit each other."""

ONE_CHANNEL = "statistics of one channel have no interaural ones"

_MOMENTS = ("_mean", "_variation", SKEWNESS, KURTOSIS)

SHORTHANDS: dict[str, Callable[[str, Domain], bool]] = {
    "levels": lambda name, domain: name in (COLOUR, MEAN),
    "moments": lambda name, domain: name.endswith(_MOMENTS),
    "modulations": lambda name, domain: name.startswith("modulation"),
    "swells": lambda name, domain: name.startswith("swell"),
    "correlations": lambda name, domain: domain == "correlation" and not interaural(name),
    INTERAURAL: lambda name, domain: interaural(name),
    "structure": lambda name, domain: name not in (COLOUR, MEAN) and not interaural(name),
}
"""Names for several classes at once; how wide a sound is belongs to none but its own."""


def interaural(name: str) -> bool:
    """Return whether a class compares channels with each other: sounds of one channel do not have it."""
    return name.startswith(INTERAURAL)


def named(asked: Iterable[str], domains: Mapping[str, Domain], parameter: str) -> list[str]:
    """Return the classes that names and shorthands stand for, in the order of the classes.

    Parameters
    ----------
    asked
        Names and shorthands; none for all classes.
    domains
        Domain of each class that there is.
    parameter
        Where the names were given.

    Raises
    ------
    MistakeError
        Where there is no such class, or none that a shorthand stands for.
    """
    wanted = list(asked)
    refuse_unknown(wanted, domains, parameter)
    for name in wanted:
        if not _members(name, domains):
            raise _unknown(f"there are no {name} among these statistics", name, domains, parameter)
    return [name for name in domains if not wanted or any(name in _members(each, domains) for each in wanted)]


def refuse_unknown(asked: Iterable[str], classes: Iterable[str], parameter: str) -> None:
    """Refuse names that are neither of a class nor a shorthand, and what compares channels where nothing does."""
    known = list(classes)
    for name in asked:
        if name not in known and name not in SHORTHANDS:
            raise _unknown(f"there is no class '{name}' of statistics", name, known, parameter)
        if name == INTERAURAL and not any(interaural(each) for each in known):
            raise _unknown(f"there are no {name} among these statistics", name, known, parameter)


def _unknown(what: str, name: str, classes: Iterable[str], parameter: str) -> MistakeError:
    known = list(classes)
    return mistake(
        what,
        parameter=parameter,
        given=name,
        allowed=f"{listed(known)}; for several of them {listed(SHORTHANDS)}",
        hint=nearest(name, [*known, *SHORTHANDS]) if not interaural(name) else ONE_CHANNEL,
    )


def _members(name: str, domains: Mapping[str, Domain]) -> Sequence[str]:
    if name in domains:
        return [name]
    belongs = SHORTHANDS.get(name)
    return [each for each, domain in domains.items() if belongs(each, domain)] if belongs else []


def has_sign(name: str, domain: Domain) -> bool:
    """Return whether the statistics of a class can be below 0."""
    return domain == "correlation" or (domain == "linear" and not name.endswith(KURTOSIS))
