"""Making a pool of the takes of inversions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from nodes.takes.cutting import segment_spans
from nodes.takes.labels import indices_of
from nodes.takes.pool import Pool
from nodes.takes.sharing import shared
from nodes.values.audio import Takes
from nodes.values.blocks import require_finite, spans
from pipelines.context import Context, release
from pipelines.mistakes import listed, mistake
from pipelines.value import Array

PoolRest = Literal["keep", "drop"]


def pooled(takes: Sequence[Takes], iterates: Sequence[str], size: int | None, rest: PoolRest, context: Context) -> Pool:
    """Return the iterates of inversions as a pool.

    Parameters
    ----------
    takes
        The iterates of each inversion, of one sample rate.
    iterates
        Labels of those that the pool is to have.
    size
        Samples of the segments into which each inversion is cut; None takes each as one segment.
    rest
        'keep' or 'drop' what is left at the end of an inversion.
    context
        Lends progress and room on disk.

    Raises
    ------
    MistakeError
        Where an iterate is missing, the takes do not go together, or a sample is NaN or infinite.
    """
    sources = _sources(takes, iterates)
    _require_alike(sources, iterates)
    places = []
    for number, first in enumerate(sources[:: len(iterates)]):
        cut = [(0, first.shape[1])] if size is None else segment_spans(first.shape[1], size, size, rest)
        places += [(number, start, stop - start) for start, stop in cut]
    rate = takes[0].sample_rate
    levels = np.empty((len(places), len(iterates)), np.float32)
    pool = Pool(shared(sources, context), rate, tuple(iterates), np.array(places, np.int64), levels)
    for segment in context.progress(range(pool.segments)):
        for iterate, label in enumerate(iterates):
            name = f"segment {segment + 1}, iterate '{label}',"
            levels[segment, iterate] = level(pool.samples(segment, iterate), rate, name)
    return pool


def common_rate(takes: Sequence[Takes]) -> int:
    """Return the sample rate of all inversions.

    Raises
    ------
    MistakeError
        Where there are no takes, or their rates differ.
    """
    rates = [inversion.sample_rate for inversion in takes]
    if len(set(rates)) == 1:
        return rates[0]
    raise mistake(
        "the takes differ in sample rate" if rates else "there are no takes",
        parameter="takes",
        given=listed([f"takes {number}: {rate} Hz" for number, rate in enumerate(rates, 1)]) or "an empty list",
        allowed="takes of one sample rate",
    )


def common_iterates(labels: Sequence[Sequence[str]]) -> list[str]:
    """Return the labels that all inversions have, in the order of the first.

    Raises
    ------
    MistakeError
        Where an inversion has other ones than the first.
    """
    for number, other in enumerate(labels[1:], 2):
        if set(other) != set(labels[0]):
            raise mistake(
                f"takes {number} have other iterates than takes 1",
                parameter="takes",
                given=f"takes 1: {listed(labels[0])}; takes {number}: {listed(other)}",
                allowed="the same labels in all takes",
                hint="name those to use with 'iterates'",
            )
    return list(labels[0])


def refuse_repeated(iterates: Sequence[str]) -> None:
    """Refuse a list that names an iterate twice, or none.

    Raises
    ------
    MistakeError
        Names them.
    """
    repeated = [label for label in dict.fromkeys(iterates) if list(iterates).count(label) > 1]
    if repeated or not iterates:
        raise mistake(
            f"the iterate '{repeated[0]}' is named more than once" if repeated else "there are no iterates",
            parameter="iterates",
            given=listed(iterates),
            allowed="one iterate or more, each of them once",
        )


def _sources(takes: Sequence[Takes], iterates: Sequence[str]) -> list[Array]:
    found = []
    for number, inversion in enumerate(takes, 1):
        places = indices_of(iterates, inversion.labels, f"takes {number}" if len(takes) > 1 else "the takes")
        found += [inversion.samples[place] for place in places]
    return found


def _require_alike(sources: Sequence[Array], iterates: Sequence[str]) -> None:
    """Refuse takes that differ in channels, or whose iterates differ in length."""
    for number, source in enumerate(sources):
        inversion, iterate = divmod(number, len(iterates))
        first = sources[inversion * len(iterates)]
        if len(source) != len(sources[0]) or source.shape[1] != first.shape[1] or not source.size:
            raise mistake(
                "the takes differ in channels" if len(source) != len(sources[0]) else
                "the iterates of one inversion differ in length" if source.size else "a take is empty",
                parameter="takes",
                given=f"takes {inversion + 1}, iterate '{iterates[iterate]}': {source.shape[1]} samples, "
                f"{len(source)} ch; its first: {first.shape[1]} samples; takes 1: {len(sources[0])} ch",
                allowed="one number of channels for all, one length for the iterates of each inversion",
            )  # fmt: skip


def level(samples: Array, sample_rate: int, name: str) -> float:
    """Return the RMS level of channels × samples in dB of full scale, -inf for silence.

    Raises
    ------
    MistakeError
        Where a sample is NaN or infinite.
    """
    power = sum(_powers(samples, sample_rate, name)) / samples.size
    return float(10 * np.log10(power)) if power else -np.inf


def _powers(samples: Array, sample_rate: int, name: str) -> Iterator[float]:
    for start, stop in spans(samples.shape[1]):
        block = samples[:, start:stop]
        require_finite(block, sample_rate, start, name)
        yield float(np.square(block, dtype=np.float64).sum())
        release(samples)
