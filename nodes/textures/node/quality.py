"""Sound textures as nodes: `texture_quality`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, WithJsonSchema

from nodes.textures.quality.value import TextureQuality
from nodes.textures.value import TextureStatistics
from nodes.values.audio import Audio, Takes
from nodes.values.plain import Text
from pipelines.context import Context
from pipelines.mistakes import mistake
from pipelines.node import Facts, node
from pipelines.quantities import Unit, seconds

Snippet = Annotated[
    float,
    BeforeValidator(seconds),
    Field(ge=0.02, le=10),
    Unit("s"),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0.02, "maximum": 10}, {"type": "string"}]}),
]

SHARE = 4
"""Snippets that the shortest sound has room for at least: where it is too short, snippets are shorter."""

PAIRS = 3
"""Other takes that each is compared with at most."""


class Quality(NamedTuple):
    """The scores, and the same as CSV and as a text."""

    value: TextureQuality
    csv: Text
    text: Text


def _facts(inputs: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Facts]:
    """Refuse numbers of channels that cannot be compared, as far as they are known."""
    names = ("source", "result", "statistics")
    source, result, statistics = ((inputs.get(name) or {}).get("channels") for name in names)
    if source is not None:
        _refuse_channels(source, [] if result is None else [result], statistics)
    return {}


@node(facts=_facts)
def texture_quality(
    result: Audio | Takes,
    source: Audio,
    statistics: TextureStatistics | None = None,
    *,
    snippet: Snippet = 0.5,
    snippets: Annotated[int, Field(ge=4, le=10_000), Unit("snippets")] = 64,
    cap: Annotated[float, Field(gt=0, le=120), Unit("dB")] = 30.0,
    context: Context,
) -> Quality:
    """Judge resynthesised textures: whether their statistics are right, and whether they copy their source.

    No number says it alone; each stands beside 'natural', what the second half of the source gets against the first.
    Halves are short: their statistics differ by about √2 as much as those of two recordings as long as the source.

    - SNR of each class of statistics, after McDermott and Simoncelli (Neuron 2011): 10 log10 Σ wanted² / Σ error²
      over bands within 50 dB of the strongest, no more than `cap`, with the same window on both sounds; their mean
      and the least one. Beside it the median error in standard deviations of the statistic (block jackknife), and
      the root mean square error.
    - copy: the largest normalised cross-correlation of each snippet with any place of the source, mean and highest,
      beside that of snippets of each half of the source with the other half. 1 is a copy; a resynthesis should not
      be more than 0.05 above. repetition: the same with other places of the same sound, a snippet away or more.
    - frechet: Fréchet distance of log-mel spectra (mean, deviation and movement of 40 bands in each snippet, 8
      principal components); moments: distance of moments, correlations and modulations of envelopes that are not
      compressed. Neither is descended on by `invert`. Both compare halves of the source with pieces as long.
    - diversity, of takes: the distance in dB of their log-mel spectra, moment by moment, and how much of one is found
      in another; each take against the next three.

    Sounds are compared channel by channel; of several channels and takes the table has the mean, the CSV each take.
    What channels have in common (interaural classes) is compared where the statistics are of several: not of a source
    of one channel, nor beside a silent channel. Where it is next to nothing its SNR is low: see its error.
    Recorded are snr_mean, snr_min, copy, copy_control, repetition, frechet, frechet_natural, diversity and more.

    Parameters
    ----------
    result
        What was made; of takes, each.
    source
        What it was made from. Of one channel it is compared with every channel of the result.
    statistics
        What the result should have, where that is not what the source has: also blended, scaled or moving ones. Unless
        given those of the source in the published auditory model.
    snippet
        Length of a snippet; a quarter of the shortest sound where that is less.
    snippets
        Number of snippets of each channel at most; they overlap by half. Beyond about a minute there are fewer.
    cap
        Ratio beyond which nearer is not better.

    Raises
    ------
    MistakeError
        Where sample rates or channels do not go together, a sound is too short, the source is silent, there are no
        takes, or a sample is NaN or infinite.
    """
    from nodes.textures.auditory.model import published
    from nodes.textures.quality.assessing import Judge, Settings, quality_of
    from nodes.textures.quality.held_out import LONGEST
    from nodes.textures.quality.table import as_csv, as_text

    results = result.all() if isinstance(result, Takes) else [result]
    labels = tuple(result.labels) if isinstance(result, Takes) else ("",)
    model = statistics.model if statistics is not None else published(source.sample_rate)
    _refuse(results, source, statistics, model.least_samples())
    sounding = _sounding(source, context)
    rate = source.sample_rate
    shortest = min(audio.length for audio in [*results, source])
    size = min(round(snippet * rate), shortest // SHARE)
    if size < round(snippet * rate):
        context.note(f"snippets are {size / rate:.3f} s long, a quarter of the shortest sound, not {snippet:g} s")
    settings = Settings(size, snippets, cap, context.device)
    longest = max(audio.length for audio in [*results, source])
    few = settings.affordable(longest)
    if few < 2 * longest // size - 1:
        context.note(f"of {longest / rate:.0f} s {few} snippets, evenly spaced, are searched for copies")
    if longest > 2 * LONGEST * rate:
        context.note(f"by held-out measures {LONGEST:g} s from each half of long sounds are compared")
    judge = Judge(source, statistics, sounding, settings)
    each = [judge.scores(audio) for audio in context.progress(results)]
    diversity = judge.diversity(results, PAIRS) if len(results) > 1 else None
    value = quality_of(labels, each, diversity, cap)
    return Quality(value, Text(as_csv(value), "csv"), Text(as_text(value)))


def _refuse(results: list[Audio], source: Audio, statistics: TextureStatistics | None, least: int) -> None:
    """Refuse sounds that cannot be compared."""
    from nodes.values.blocks import require_finite_sound

    if not results:
        raise mistake("there are no takes to judge", parameter="result", given="0 takes", allowed="1 or more")
    if statistics is not None:
        _refuse_rate("statistics", statistics.sample_rate, source)
    known = None if statistics is None else statistics.channels
    _refuse_channels(source.channels, [audio.channels for audio in results], known)
    for name, audio in [("source", source), *(("result", audio) for audio in results)]:
        _refuse_rate(name, audio.sample_rate, source)
        if audio.length < least:
            raise mistake(
                "a sound is too short to be judged",
                parameter=name,
                given=f"{audio.length} samples ({audio.length / audio.sample_rate:.3f} s)",
                allowed=f"{least} samples ({least / audio.sample_rate:.3f} s) or more; 3 s and more are wise",
            )
        require_finite_sound(audio.samples, audio.sample_rate, f"the {name}")


def _refuse_rate(name: str, rate: int, source: Audio) -> None:
    if rate != source.sample_rate:
        raise mistake(
            "sounds of different sample rates cannot be compared",
            parameter=name,
            given=f"{rate} Hz beside a source at {source.sample_rate} Hz",
            hint="resample one of them",
        )


def _refuse_channels(source: int, results: Sequence[int], statistics: int | None) -> None:
    """Refuse numbers of channels that cannot be compared."""
    for result in results:
        if source > 1 and result != source:
            raise _channels("result", result, source)
    counts = {source} if source > 1 else set(results)
    allowed = {1, *counts} if len(counts) == 1 else {1}
    if counts and statistics not in (None, *allowed):
        raise _channels("statistics", statistics, source)


def _channels(name: str, channels: int | None, source: int) -> Exception:
    return mistake(
        "the channels do not go together",
        parameter=name,
        given=f"{channels} beside a source of {source}",
        allowed="as many as the source has; or a source of one channel",
        hint="mix the source down to one channel",
    )


def _sounding(source: Audio, context: Context) -> list[int]:
    """Return the channels of the source that are not constant; tell which are."""
    sounding = [channel for channel in range(source.channels) if np.ptp(source.samples[channel]) > 0]
    silent = [str(channel + 1) for channel in range(source.channels) if channel not in sounding]
    if not sounding:
        raise mistake(
            "the source is silent: there is nothing to compare with",
            parameter="source",
            given=f"{source.duration:.3f} s in which no sample differs from another",
        )
    if silent:
        context.note(f"channels that are silent in the source are left out: {', '.join(silent)}")
    return sounding
