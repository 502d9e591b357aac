"""The statistics from their formulas, one loop after another, in float64: a reference that shares no code."""

import numpy as np


def group_weights(model):
    """Triangles between edges that are evenly spaced in equivalent rectangular bandwidths, a bin apart at least."""
    bins = np.arange(model.n_fft // 2 + 1) * model.sample_rate / model.n_fft
    if not model.groups:
        return np.eye(len(bins))
    numbers = np.linspace(0, 9.265 * np.log(1 + model.sample_rate / 2 / (24.7 * 9.265)), model.groups + 2)
    edges = 24.7 * 9.265 * (np.exp(numbers / 9.265) - 1)
    edges = np.minimum(np.maximum(edges, bins[1] * np.arange(len(edges))), bins[-1])
    rows = np.array([np.interp(bins, edges[b : b + 3], [0, 1, 0]) for b in range(model.groups)])
    return rows / rows.sum(1, keepdims=True)


def magnitudes(model, sound):
    n_fft, hop = model.n_fft, model.hop
    hann = np.sin(np.pi * np.arange(n_fft) / n_fft) ** 2
    hann /= np.sqrt((hann**2).sum())
    columns = []
    for start in range(0, len(sound), hop):
        frame = [sound[(start - n_fft // 2 + n) % len(sound)] for n in range(n_fft)]
        columns.append(np.abs(np.fft.rfft(hann * frame)) ** 2)
    return np.sqrt(group_weights(model) @ np.array(columns).T) ** model.compression


def fading(model, count, duration, edge):
    """Frames within the duration, faded from the first possible centre of one to the last; all frames of a loop."""
    if edge == 0 and duration >= count * model.hop / model.sample_rate:
        return np.ones(count) / count
    weights = np.zeros(count)
    for k in range(count):
        first = k * model.hop - model.n_fft / 2
        before, after = first / model.sample_rate, duration - (first + model.n_fft) / model.sample_rate
        nearest = min(before, after)
        if edge == 0:
            weights[k] = before >= 0 and after > 0
        elif nearest > 0:
            weights[k] = 1.0 if nearest >= edge else np.sin(np.pi / 2 * nearest / edge) ** 2
    return weights / weights.sum()


def lagged(first, second, weights, lag, circular):
    """The correlation of the first with what comes `lag` frames later in the second; both have a mean of 0."""
    top = left = right = common = 0.0
    for t in range(len(first)):
        other = t + lag
        if circular:
            other %= len(first)
        elif not 0 <= other < len(first):
            continue
        weight = np.sqrt(weights[t] * weights[other])
        common += weight
        top += weight * first[t] * second[other]
        left += weight * first[t] ** 2
        right += weight * second[other] ** 2
    return top / np.sqrt(left * right) if common > 0.01 else 0.0


def spaced(model, longest, count):
    last = max(1.0, longest * model.sample_rate / model.hop)
    return sorted({round(last ** (i / (count - 1))) for i in range(count)})


def statistics(model, sound, duration, edge):
    rows = magnitudes(model, sound)
    weights = fading(model, rows.shape[1], duration, edge)
    circular = bool((weights > 0).all())
    mean = rows @ weights
    centred = rows - mean[:, None]
    deviation = np.sqrt(centred**2 @ weights)
    lags = spaced(model, model.longest_lag, model.lags)
    cross = spaced(model, model.longest_cross_lag, model.cross_lags)
    both = [-lag for lag in cross[::-1]] + [0] + cross
    return {
        "bin_mean": mean,
        "bin_variation": deviation / mean,
        "bin_skewness": centred**3 @ weights / deviation**3,
        "bin_kurtosis": centred**4 @ weights / deviation**4,
        "bin_autocorrelation": np.array([lagged(c, c, weights, lag, circular) for c in centred for lag in lags]),
        "bin_crosscorrelation": np.array(
            [
                lagged(centred[low], centred[low + distance], weights, lag, circular)
                for distance in model.distances
                for low in range(len(centred) - distance)
                for lag in both
            ]
        ),
    }
