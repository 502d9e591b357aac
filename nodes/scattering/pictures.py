"""The same picture of several takes, each scattered as one scattering was."""

from __future__ import annotations

from collections.abc import Sequence

from nodes.scattering.analysis import scattering_of
from nodes.scattering.choices import require_sound
from nodes.scattering.maps import RateScaleMap, rate_scale_energy
from nodes.scattering.multiples import Frame
from nodes.scattering.paths import Sort
from nodes.scattering.scattergrams import Scattergram, require_order, scattergram_of
from nodes.scattering.value import Scattering
from nodes.values.audio import Audio, Takes
from pipelines.context import Context
from pipelines.mistakes import mistake


def frames_of(
    takes: Takes, like: Scattering, chosen: Sequence[int], order: int | None, sort: Sort, target: bool, context: Context
) -> list[Frame]:
    """Return the pictures of the chosen takes, and of `like` itself as the last one where `target` says so.

    Parameters
    ----------
    takes, like, chosen
        Sounds, how they are scattered, and places of those that are.
    order, sort
        Of scattergrams; None for maps of rate and scale.
    target
        Whether `like` is shown too.
    context
        Its device is used, and it hears of the progress.
    """
    if takes.sample_rate != like.sample_rate:
        raise mistake(
            "takes and scattering differ in their sample rates",
            parameter="takes",
            given=f"{takes.sample_rate} Hz",
            allowed=f"{like.sample_rate} Hz",
        )
    if order is not None:
        require_order(like, order)
    model = _picture(like, order, sort, None)

    def frame(index: int) -> Frame:
        found = _scattered(takes.take(index), like, context.device)
        return Frame(takes.labels[index], _picture(found, order, sort, model))

    frames = context.map(frame, list(chosen))
    return [*frames, Frame("target", model)] if target else frames


def _scattered(audio: Audio, like: Scattering, device: str) -> Scattering:
    require_sound(audio)
    return scattering_of(audio, like.design, chunk=like.chunk, double=like.double, device=device)


def _picture(
    found: Scattering, order: int | None, sort: Sort, model: Scattergram | RateScaleMap | None
) -> Scattergram | RateScaleMap:
    if order is None:
        return rate_scale_energy(found)
    rows = model.chosen if isinstance(model, Scattergram) else None
    return scattergram_of(found, f"order{order}", sort, chosen=rows)
