"""Edits of statistics: `texture_edit`."""

from nodes.textures.editing.checks import edit_facts
from nodes.textures.editing.parameters import Edits
from nodes.textures.value import TextureStatistics
from pipelines.context import Context
from pipelines.node import node


@node(facts=edit_facts)
def texture_edit(statistics: TextureStatistics, *, edits: Edits, context: Context) -> TextureStatistics:
    """Scale statistics of a sound, weigh them, reverse them or make them those of noise, as a target for `invert`.

    Each edit is of a region - classes, a range of frequencies, a range of rates of modulation; of all where none is
    given - and has one or more of `amount`, `weight`, `flip` and `structure`. Edits are made in the order in which they
    are written, and within one: structure or amount, flip, weight. Where edits overlap, their amounts and weights
    multiply. What no edit touches stays as it is, to the bit.

    What no sound can have is changed to the nearest that one can, and a note tells how much: kurtosis is at least
    skewness² + 1, correlations of bands, and what channels have in common, are entries of a matrix without negative
    eigenvalues, and what the modulation bands of a band have of its variance adds up to no more than all of it.
    Autocorrelations are kept between -1 and 1, and no more is asked of them.

    Parameters
    ----------
    statistics
        What is edited.
    edits
        As [{class: correlations, frequency: [200, 2 kHz], amount: 0.5}, {rate: [8, 32], weight: 0}]:

        - class: the name of a class, or a list of names. For several: levels (band_power, envelope_mean), moments,
          modulations, swells, correlations (of one channel), interaural (what channels have in common: how wide a
          sound is, and where), structure (all but levels and interaural).
        - frequency, rate: [low, high] in Hz, ends included. A correlation of two bands is in a range where both are.
        - amount: 0 to 8, a number or an envelope over the seconds of the output. 1 as it is, more exaggerates.
          Correlations are scaled as Fisher's z, 0 is none; of `modulation_phase` and `interaural_coherence` the radius
          is. Of interaural classes 0 lets each channel go its own way, as wide as can be, and 2 makes a sound narrower.
          Skewness and `swell_coupling` are multiplied; kurtosis is scaled as its difference to noise. Levels are scaled
          as logarithms of their ratio to noise that has the spectrum of the sound: 0 is as smooth as noise.
          `band_power`, the spectrum, is scaled as its ratio to the mean of all bands, 0 is flat, and only where it is
          named; `envelope_mean` goes with it.
        - weight: how much it counts in `invert`, 0 leaves it free; a number or an envelope from 0 on, times the weight
          that it has.
        - flip: true changes the sign of all that has one (skewness, correlations); real or imaginary that of one part
          of `modulation_phase` and `interaural_coherence`: imaginary makes attacks decays, and the channel that comes
          first the one that follows, as in a sound turned back to front.
        - structure: noise takes the values of noise that has the spectrum of the sound, with independent channels.

        Where anything moves, swells do not count: statistics that move are held in stretches too short for them.

    Raises
    ------
    MistakeError
        Where an edit is of a class or of paths that there are not, or flips what has no sign.
    """
    from nodes.textures.editing.editing import edited

    found, notes = edited(statistics, edits, context.device)
    for text in notes:
        context.note(text)
    return found
