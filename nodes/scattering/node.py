"""Scattering transforms as nodes."""

from typing import Annotated, Literal

from pydantic import Field

from nodes.scattering.value import Scattering
from nodes.values.audio import Audio
from pipelines.context import Context
from pipelines.node import node
from pipelines.quantities import Seconds, Unit


@node
def scatter(
    audio: Audio,
    *,
    octaves: Annotated[int, Field(ge=1, le=20), Unit("octaves")] = 10,
    quality: Annotated[int, Field(ge=1, le=48), Unit("filters per octave")] = 12,
    averaging: Seconds | None = None,
    engine: Literal["fast", "kymatio"] = "fast",
    context: Context,
) -> Scattering:
    """Return the time scattering of a sound: how strong each band is, and how strong each modulation of it.

    Order 1 is the modulus of each of `quality` bands an octave, averaged; order 2 is the same of the modulus
    itself, with one band an octave (Mallat 2012; Andén and Mallat 2014). The longest filters, and the averaging
    unless it is given, have 2^octaves samples: at 44100 Hz 46 ms for 11 octaves. The shorter the averaging the
    more the coefficients determine the sound; the longer, the more freedom an inversion has. The sound is
    mirrored at both ends. Order 0 is left out. The coefficients are within about 1e-3 of Kymatio's (Andreux et
    al. 2020), whose version 0.3 divides them by powers of two: by 2^j of the one filter, or of both filters.

    Parameters
    ----------
    audio
        A sound of at least twice the longest filter.
    octaves
        Scale of the longest filters.
    quality
        Filters in each octave of the first order.
    averaging
        Time over which coefficients are averaged, rounded to a power of two of samples.
    engine
        'fast', or 'kymatio' for the same by the reference library, ten and more times slower.

    Raises
    ------
    MistakeError
        Where the sound is too short, a sample is NaN or infinite, or octaves are too few for the quality.
    """
    from nodes.scattering.analysis import averaging_samples, scattering_of
    from nodes.values.blocks import require_finite_sound

    require_finite_sound(audio.samples, audio.sample_rate)
    length = averaging_samples(averaging, octaves, audio.sample_rate)
    return scattering_of(audio, octaves, quality, length, engine, context.device)
