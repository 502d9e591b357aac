"""The auditory statistics from their formulas, in float64 and at the full rate: a reference that shares no code.

McDermott and Simoncelli (Neuron 2011); every mean, of σ as well, is under one window, and a steady envelope counts as
one whose deviation is STILL of its mean.
"""

import numpy as np

STILL = 2e-4
FAR, NEAR = (1, 2, 3, 5, 8, 11, 16, 21), (1, 2)


def erb_number(f):
    return 9.265 * np.log(1 + f / (24.7 * 9.265))


def bands_of(model, f):
    """Half cosines on the scale of equivalent rectangular bandwidths; a low-pass and a high-pass fill up to 1."""
    numbers = np.linspace(erb_number(model.lowest), erb_number(model.highest), model.bands + 2)
    rows = []
    for b in range(model.bands):
        place = (erb_number(f) - numbers[b + 1]) / (numbers[1] - numbers[0])
        rows.append(np.where(np.abs(place) < 1, np.cos(np.pi / 2 * place), 0.0))
    total = np.sum(np.square(rows), axis=0)
    rest = np.sqrt(np.maximum(1 - total, 0))
    below = erb_number(f) < numbers[1]
    above = erb_number(f) > numbers[-2]
    return np.array([rest * below, *rows, rest * above])


def analytic(spectrum, size):
    """The analytic signal of the half spectrum of a real one."""
    whole = np.zeros(size, complex)
    whole[: len(spectrum)] = 2 * spectrum
    whole[0] /= 2
    if size % 2 == 0:
        whole[size // 2] /= 2
    return np.fft.ifft(whole)


def window_of(count, seconds, duration, edge, lag=0.0):
    """The window, which adds up to 1; or with a lag what it is that much later, nothing beyond the sound."""
    weights = np.zeros(count)
    for k in range(count):
        time = k * seconds / count + lag
        nearest = min(time, duration - time)
        if edge == 0:
            weights[k] = time < min(duration, seconds)
        elif nearest > 0:
            weights[k] = 1.0 if nearest >= edge else np.sin(np.pi / 2 * nearest / edge) ** 2
    return weights / weights.sum() if weights.any() else weights


def envelopes_of(model, sound, places):
    """Analytic bands at the audio rate; compressed envelopes at `places` moments, below half the envelope rate."""
    size = len(sound)
    spectrum = np.fft.rfft(sound)
    slow = np.arange(places // 2 + 1) * model.sample_rate / size < model.envelope_rate / 2
    bands, compressed = [], []
    for response in bands_of(model, np.arange(size // 2 + 1) * model.sample_rate / size):
        band = analytic(spectrum * response, size)
        envelope = np.fft.rfft((np.abs(band) ** 2 + model.floor) ** (model.compression / 2)) / size
        kept = np.zeros(places // 2 + 1, complex)
        kept[slow] = envelope[: len(kept)][slow]
        bands.append(band)
        compressed.append(np.maximum(np.fft.irfft(kept * places, n=places), 0))
    return np.array(bands), np.array(compressed)


def constant_q(model, f):
    def bank(at):
        centres = np.exp(np.linspace(np.log(model.slowest), np.log(model.fastest), model.modulation_bands))
        rows = [np.where(np.abs(at / c - 1) < 0.5, np.cos(np.pi * (at / c - 1)), 0.0) for c in centres]
        return np.array(rows), centres

    few = min(3, (model.modulation_bands - 1) // 2)
    _, centres = bank(f)
    dense, _ = bank(np.linspace(centres[few], centres[-1 - few], 50_001))
    return bank(f)[0] / np.sqrt((dense**2).sum(0).mean())


def octaves(model, f):
    centres = [model.fastest / 2**k for k in range(1, 30) if model.fastest / 2**k > 1][::-1]
    with np.errstate(divide="ignore"):
        places = [np.log2(f / c) for c in centres]
    return np.array([np.where(np.abs(p) < 1, np.cos(np.pi / 2 * np.clip(p, -1, 1)), 0.0) for p in places])


def statistics(model, sound, duration, edge, at_audio_rate=False):
    """All classes of one sound, each in the order in which the model tells its axes."""
    seconds = len(sound) / model.sample_rate
    places = len(sound) if at_audio_rate else model.frames(len(sound))
    bands, envelopes = envelopes_of(model, sound, places)
    w, fine = window_of(places, seconds, duration, edge), window_of(len(sound), seconds, duration, edge)
    count = len(envelopes)
    mean = envelopes @ w
    centred = envelopes - mean[:, None]
    m2, m3, m4 = (centred**power @ w for power in (2, 3, 4))
    scale = m2 + (STILL * mean) ** 2
    f = np.arange(places // 2 + 1) / seconds
    spectra = np.fft.rfft(centred)

    power = np.zeros((count, model.modulation_bands))
    for n, response in enumerate(constant_q(model, f)):
        for k in range(count):
            power[k, n] = np.fft.irfft(spectra[k] * response, n=places) ** 2 @ w / scale[k]

    still = STILL**2 * scale
    slower, near, phase = None, [], []
    for response in octaves(model, f):
        turning = np.array([analytic(row * response, places) for row in spectra])
        if slower is not None:
            sigma = np.sqrt(turning.real**2 @ w + still)
            near += [
                (turning[k].real * turning[k + d].real) @ w / (sigma[k] * sigma[k + d])
                for d in NEAR
                for k in range(count - d)
            ]
            coarse = np.sqrt(slower.real**2 @ w + still)
            parts = [(slower.real * part) @ w / (coarse * sigma) for part in (turning.real, turning.imag)]
            phase.append(np.stack(parts, -1))
        slower = turning**2 / np.maximum(np.abs(turning), 1e-300)
    below = np.where(f < 2, np.cos(np.pi / 4 * f), 0.0)
    swell = np.array([np.fft.irfft(row * below, n=places) for row in spectra])
    faster = np.array([np.fft.irfft(np.fft.rfft(row**2) * below, n=places) for row in centred - swell])
    faster -= (faster @ w)[:, None]
    ground = (centred - swell) ** 2 @ w + still
    depth = np.sqrt(swell**2 @ w + still)

    return {
        "band_power": bands.real**2 @ fine,
        "envelope_mean": mean,
        "envelope_variation": np.sqrt(m2) / mean,
        "envelope_skewness": m3 / scale**1.5,
        "envelope_kurtosis": m4 / scale**2,
        "envelope_correlation": np.array(
            [
                (centred[k] * centred[k + d]) @ w / np.sqrt(scale[k] * scale[k + d])
                for d in FAR
                for k in range(count - d)
            ]
        ),
        "envelope_autocorrelation": (autocovariance(centred, seconds, duration, edge) / scale[:, None]).ravel(),
        "modulation_power": power.ravel(),
        "modulation_correlation": np.array(near),
        "modulation_phase": np.stack(phase, 1).ravel(),
        "swell_correlation": np.array(
            [(swell[k] * swell[k + d]) @ w / (depth[k] * depth[k + d]) for d in FAR for k in range(count - d)]
        ),
        "swell_coupling": (swell * faster) @ w / (depth * ground),
    }


def autocovariance(centred, seconds, duration, edge):
    """Products with what comes a lag later, from 10 ms to 0.75 s; none are known beyond half of a sound."""
    places = centred.shape[1]
    spectra, f = np.fft.rfft(centred), np.arange(places // 2 + 1) / seconds
    now, found = window_of(places, seconds, duration, edge), []
    for lag in 0.01 * 75 ** (np.arange(16) / 15):
        later = np.fft.irfft(spectra * np.exp(2j * np.pi * f * lag), n=places)  # between two moments, band-limited
        both = np.sqrt(now * window_of(places, seconds, duration, edge, lag))
        known = lag <= seconds / 2 and both.sum() > 0
        found.append((centred * later) @ both / both.sum() if known else np.zeros(len(centred)))
    return np.stack(found, 1)


def interaural(model, sounds, duration, edge):
    """What each channel has in common with the one before it, the first with the last."""
    size, places = sounds.shape[1], model.frames(sounds.shape[1])
    seconds = size / model.sample_rate
    w, fine = (window_of(count, seconds, duration, edge) for count in (places, size))
    bands, centred, scale = [], [], []
    for sound in sounds:
        band, envelopes = envelopes_of(model, sound, places)
        mean = envelopes @ w
        bands.append(band)
        centred.append(envelopes - mean[:, None])
        scale.append(centred[-1] ** 2 @ w + (STILL * mean) ** 2)
    coherence, correlation = [], []
    for own in range(len(sounds)):
        other = own - 1
        powers = [np.abs(bands[each]) ** 2 @ fine for each in (own, other)]
        turned = (bands[own] * bands[other].conj()) @ fine / np.sqrt(powers[0] * powers[1])
        coherence.append(np.stack([turned.real, turned.imag], -1).ravel())
        correlation.append((centred[own] * centred[other]) @ w / np.sqrt(scale[own] * scale[other]))
    return {"interaural_coherence": np.array(coherence), "interaural_correlation": np.array(correlation)}
