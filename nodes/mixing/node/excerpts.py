"""One take of several, a stretch of a sound, and a sound made longer."""

from nodes.mixing.facts import cut_facts, loop_facts, take_facts
from nodes.mixing.gains import FadeShape
from nodes.mixing.looping import looped, require_loop
from nodes.mixing.node.sequencing import Label
from nodes.mixing.summing import Feed, Part, summed
from nodes.mixing.tracks import cut_markers, fades, stretch_of
from nodes.values.audio import Audio, Takes
from pipelines.mistakes import listed, mistake, nearest
from pipelines.node import node
from pipelines.quantities import Seconds


@node(facts=take_facts)
def take(takes: Takes, *, index: int | None = None, label: Label | None = None) -> Audio:
    """Select one of several takes, by its place or by its label; the last where neither is given.

    The iterates of an inversion are labelled with their numbers: `label: 10` is what sounded after ten
    iterations, `index: 10` the eleventh take that was kept.

    Parameters
    ----------
    takes
        The takes.
    index
        Place from 0; negative ones count from the end, -1 is the last.
    label
        Label, in full; a number is read as its text.

    Raises
    ------
    MistakeError
        Where there is no such take, several have the label, or both index and label are given.
    """
    if index is not None and label is not None:
        raise mistake("a take is selected by index or by label, not by both", parameter="index")
    if label is not None:
        return takes.take(_labelled(takes, label))
    place = -1 if index is None else index
    if not -len(takes) <= place < len(takes):
        raise mistake(
            "there is no such take",
            parameter="index",
            given=str(place),
            allowed=f"{-len(takes)} to {len(takes) - 1}" if len(takes) else "nothing: there are no takes",
        )
    return takes.take(place)


def _labelled(takes: Takes, label: str) -> int:
    if takes.labels.count(label) != 1:
        raise mistake(
            "several takes have this label" if label in takes.labels else "no take has this label",
            parameter="label",
            given=label,
            allowed=listed(takes.labels),
            hint="select by index" if label in takes.labels else nearest(label, takes.labels),
        )
    return takes.labels.index(label)


@node(facts=cut_facts)
def cut(
    audio: Audio,
    *,
    start: Seconds = 0.0,
    duration: Seconds | None = None,
    fade_in: Seconds = 0.0,
    fade_out: Seconds = 0.0,
    shape: FadeShape = "linear",
) -> Audio:
    """Take a stretch out of a sound; times are rounded to the nearest sample.

    Parameters
    ----------
    audio
        A sound.
    start
        Where the stretch begins.
    duration
        How long it is; up to the end of the sound where it is not given.
    fade_in
        Duration of a fade at the beginning of the stretch.
    fade_out
        Duration of a fade at its end.
    shape
        'linear' in amplitude, or 'equal_power', sin(πx/2).

    Raises
    ------
    MistakeError
        Where the stretch is empty or goes on after the end of the sound, a fade is longer than the stretch,
        or a sample is NaN or infinite.
    """
    rate = audio.sample_rate
    first, last = stretch_of(audio.length, rate, start, duration)
    inside = Audio(audio.samples[:, first:last], rate, cut_markers(audio.markers, first / rate, last / rate))
    gains = fades(inside, "the stretch", fade_in, fade_out, shape)
    straight = tuple(Feed(channel, channel) for channel in range(audio.channels))
    part = Part("the stretch", inside, 0, gains, straight)
    return Audio(summed([part], inside.channels, inside.length), rate, inside.markers)


@node(facts=loop_facts)
def loop(audio: Audio, *, duration: Seconds, crossfade: Seconds = 0.0, shape: FadeShape = "equal_power") -> Audio:
    """Repeat a sound up to a duration, the end of each pass crossfaded into the beginning of the next.

    The first pass begins as the sound does, the last one is cut at the duration. The markers of the first
    pass are kept.

    Parameters
    ----------
    audio
        A sound.
    duration
        Duration of the result.
    crossfade
        How long two passes overlap, at most half of the sound.
    shape
        'equal_power', sin(πx/2), which suits textures, or 'linear'.

    Raises
    ------
    MistakeError
        Where the sound is empty, the crossfade is longer than half of it, the duration is less than a
        sample, or a sample is NaN or infinite.
    """
    rate = audio.sample_rate
    require_loop(audio.length, rate, duration, crossfade)
    overlap, length = round(crossfade * rate), round(duration * rate)
    markers = cut_markers(audio.markers, 0.0, length / rate)
    return Audio(looped(audio.samples, rate, length, overlap, shape), rate, markers)
