"""Coefficients against Kymatio 0.3 and against the definition, and the symmetries that they have."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kymatio.scattering1d.frontend import base_frontend
from kymatio.scattering1d.frontend.numpy_frontend import ScatteringNumPy1D
from slow_scattering import Slow, gliding, noise, rel

from nodes.scattering.core.circle import Circle
from nodes.scattering.core.design import Design
from nodes.scattering.core.transform import Transform


def orders(sound, design, circle=None):
    transform = Transform(design, circle or len(sound), dtype=torch.float64)
    found = transform.forward(torch.tensor(np.asarray(sound, np.float64))[None])
    return found.order1[0].numpy(), found.order2[0].numpy(), transform


def kymatio(sound, design):
    """Kymatio's rows in our order, without the powers of two by which version 0.3 divides them, and its padding."""
    peer = ScatteringNumPy1D(J=design.octaves, shape=len(sound), Q=design.quality, T=design.averaging)
    rows, meta = peer(sound), peer.meta()
    rows *= 2.0 ** np.minimum(np.nan_to_num(meta["j"]), peer.log2_T).sum(1)[:, None]
    first, second = meta["order"] == 1, meta["order"] == 2
    by_rate = np.lexsort((meta["n"][second, 0], meta["n"][second, 1]))
    padded, averaging = peer._N_padded, design.averaging
    circle = Circle(len(sound), peer.pad_left, padded, padded // averaging, averaging, design.boundary)
    return rows[first], rows[second][by_rate], meta["xi"][second][by_rate], circle


FORMS = [(6, 1, 2**6), (7, 8, 2**7), (8, 12, 2**8), (6, 16, 2**6), (8, 4, 2**6), (6, 4, 2**9)]


@pytest.mark.parametrize("boundary", ["circular", "reflect"])
@pytest.mark.parametrize("make", [noise, gliding])
@pytest.mark.parametrize(("octaves", "quality", "averaging"), FORMS)
def test_time_scattering_is_that_of_kymatio(monkeypatch, make, octaves, quality, averaging, boundary):
    if boundary == "circular":
        monkeypatch.setattr(base_frontend, "compute_temporal_support", lambda *_, **__: 0)
    sound = make(2**12)
    design = Design("time", octaves, quality, averaging=averaging, boundary=boundary, sampling="full")
    first, second, centres, circle = kymatio(sound, design)
    found1, found2, transform = orders(sound, design, circle)
    assert rel(found1, first) < (2e-3 if quality == 1 else 1e-4)
    assert rel(found2, second) < (2e-3 if quality == 1 else 1e-4)
    paths = transform.paths()["order2"]
    np.testing.assert_allclose(np.stack([paths.frequency, paths.rate], 1), centres, rtol=1e-9)
    fitted1, fitted2, _ = orders(sound, dataclasses.replace(design, sampling="fitted"), circle)
    assert rel(fitted1, first) < 3e-3 and rel(fitted2, second) < 3e-3


JOINT = {"octaves": 6, "quality": 6, "band_octaves": 2, "boundary": "circular", "sampling": "full"}


def stride_of(design):
    """Return the places of each filter where nothing is averaged and sampling is full: Kymatio's."""

    def rows(scale, bands):
        octave = scale.wavelet.octave if scale.wavelet else 0
        return np.arange(0, bands, min(2**octave, 2**design.band_octaves))

    return rows


@pytest.mark.parametrize(("make", "averaging"), [(noise, 64), (gliding, 16), (noise, 0), (gliding, 0)])
@pytest.mark.parametrize("bands", [0, 4, 16, -1])
def test_joint_scattering_is_what_its_definition_says_at_the_rates_of_kymatio(make, averaging, bands):
    design = Design(averaging=averaging, band_averaging=bands, **JOINT)
    sound = make(1024)
    first, second, transform = orders(sound, design)
    slow = Slow(sound, design, transform.times, halvings=transform.circle.depth)
    assert rel(first, slow.order1) < 1e-6
    assert rel(second, slow.order2(stride_of(design))) < 1e-6


@pytest.mark.parametrize(("make", "averaging"), [(noise, 64), (gliding, 0)])
@pytest.mark.parametrize("bands", [0, 4, -1])
def test_joint_scattering_is_nearly_what_its_definition_says_at_the_full_rate(make, averaging, bands):
    design = Design(averaging=averaging, band_averaging=bands, **JOINT)
    sound = make(1024)
    first, second, transform = orders(sound, design)
    slow = Slow(sound, design, transform.times)
    assert rel(first, slow.order1) < 1e-4
    assert rel(second, slow.order2(stride_of(design))) < 2e-4


@pytest.mark.parametrize(("make", "averaging"), [(noise, 64), (gliding, 64), (noise, 0)])
@pytest.mark.parametrize("bands", [4, 16, -1])
def test_fitted_sampling_changes_little(make, averaging, bands):
    design = Design(averaging=averaging, band_averaging=bands, **JOINT | {"sampling": "fitted"})
    sound = make(1024)
    first, second, transform = orders(sound, design)
    slow = Slow(sound, design, transform.times)
    assert rel(first, slow.order1) < 3e-3
    assert rel(second, slow.order2()) < 3e-3


@pytest.mark.parametrize("make", [noise, gliding])
def test_fitted_sampling_leaves_out_places_and_keeps_the_others(make):
    sound, full = make(1024), Design(averaging=64, **JOINT)
    _, fitted, transform = orders(sound, dataclasses.replace(full, sampling="fitted"))
    _, every, whole = orders(sound, dataclasses.replace(full))
    slow = Slow(sound, full, transform.times).order2()
    fewer, first = [], 0
    for _, carriers in full.modulators:
        for scale in full.scale_filters:
            fewer += [first + np.arange(0, carriers, STRIDES[abs(scale.scale)])]
            first += carriers
    assert len(fitted) < len(every)
    assert rel(fitted, slow[np.concatenate(fewer)]) < 3e-3
    assert set(zip(*transform.paths()["order2"][:3], strict=True)) <= set(
        zip(*whole.paths()["order2"][:3], strict=True)
    )


STRIDES = {0.0: 4, 0.35: 1, 0.175: 2, 0.0875: 4}


@pytest.mark.parametrize("wavelet", ["morlet", "gammatone"])
@pytest.mark.parametrize("length", [777, 1024])
def test_beside_the_sound_is_the_sound_mirrored(length, wavelet):
    design = Design(averaging=32, band_averaging=4, **JOINT | {"boundary": "reflect", "wavelet": wavelet})
    sound = noise(length)
    first, second, transform = orders(sound, design)
    assert transform.circle.before >= 4 * 64
    total = transform.circle.total

    def gammatone(each):
        bins = np.arange(total) / total
        return each.response(np.where(bins - each.centre < 0.5, bins, bins - 1))

    response = gammatone if wavelet == "gammatone" else None
    before = transform.circle.before
    slow = Slow(sound, design, transform.times, before, total - before - length, response)
    close = 2e-4 if wavelet == "morlet" else 1e-2
    assert rel(first, slow.order1) < close
    assert rel(second, slow.order2()) < close


@pytest.mark.parametrize("bands", [0, 4, -1])
@pytest.mark.parametrize("averaging", [64, 0])
def test_the_first_order_can_have_scales(averaging, bands):
    design = Design(averaging=averaging, band_averaging=bands, band_scales=True, **JOINT)
    sound = gliding(1024)
    first, _, transform = orders(sound, design)
    slow = Slow(sound, design, transform.times)
    assert rel(first, slow.scales1(stride_of(design))) < 1e-4
    paths = transform.paths()["order1"]
    assert len(paths.scale) == len(paths.frequency) == len(first)
    assert (paths.scale >= 0).all() and np.isnan(paths.rate).all()


def test_more_frames_than_are_weighed_densely_are_the_same_frames():
    sound = noise(2048)
    design = Design(averaging=16, band_averaging=4, **JOINT)
    first, second, transform = orders(sound, design)
    assert len(transform.times) == 128
    slow = Slow(sound, design, transform.times)
    assert rel(first, slow.order1) < 1e-4 and rel(second, slow.order2()) < 3e-4


def spins(sound, design):
    _, second, transform = orders(sound, design)
    scale = transform.paths()["order2"].scale
    return second[scale > 0], second[scale < 0], second[scale == 0]


def chirp(rising=True):
    length = 1024
    t = np.arange(length) / length
    phase = 2 * np.pi * length * 0.01 * (2 ** (5 * t) - 1) / (5 * np.log(2))
    sound = np.sin(phase) * np.hanning(length)
    return sound if rising else sound[::-1].copy()


@pytest.mark.parametrize("sampling", ["full", "fitted"])
@pytest.mark.parametrize("averaging", [64, 0])
@pytest.mark.parametrize("bands", [0, 4, -1])
def test_time_reversal_swaps_the_spins(averaging, bands, sampling):
    design = Design(averaging=averaging, band_averaging=bands, **JOINT | {"sampling": sampling})
    sound = noise(1024)
    reversed_sound = np.roll(sound[::-1], 1)
    up, down, level = spins(sound, design)
    up_back, down_back, level_back = spins(reversed_sound, design)
    for found, wanted in ((up_back, down), (down_back, up), (level_back, level)):
        assert rel(np.roll(found[:, ::-1], 1, 1) if averaging else found, wanted) < 1e-9


@pytest.mark.parametrize("wavelet", ["morlet", "gammatone"])
@pytest.mark.parametrize("boundary", ["circular", "reflect"])
def test_a_rising_chirp_has_positive_scales(wavelet, boundary):
    design = Design(averaging=0, **JOINT | {"wavelet": wavelet, "boundary": boundary})
    up, down, _ = spins(chirp(), design)
    assert np.square(up).sum() > 5 * np.square(down).sum()
    up, down, _ = spins(chirp(rising=False), design)
    assert np.square(down).sum() > 5 * np.square(up).sum()


ANY = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["time", "joint"]),
        "averaging": st.sampled_from([0, 8, 32]),
        "boundary": st.sampled_from(["reflect", "circular"]),
        "wavelet": st.sampled_from(["morlet", "gammatone"]),
        "sampling": st.sampled_from(["full", "fitted"]),
        "orders": st.sampled_from([1, 2]),
    }
)


@settings(max_examples=25, deadline=None)
@given(ANY, st.integers(1, 700), st.sampled_from([-3.0, 1e-6, 1e4]))
def test_a_louder_sound_has_proportionally_louder_coefficients(form, length, gain):
    design = Design(octaves=5, quality=3, band_octaves=2, **form)
    sound = noise(length)
    first, second, transform = orders(sound, design)
    louder1, louder2, _ = orders(gain * sound, design)
    np.testing.assert_allclose(louder1, abs(gain) * first, rtol=1e-9, atol=1e-12 * abs(gain))
    np.testing.assert_allclose(louder2, abs(gain) * second, rtol=1e-9, atol=1e-12 * abs(gain))
    assert first.shape == (len(design.carriers), len(transform.times))
    assert second.shape == (len(transform.paths()["order2"].rate), len(transform.times))


@settings(max_examples=20, deadline=None)
@given(ANY.filter(lambda form: form["averaging"]), st.integers(1, 31), st.sampled_from([1024, 2048]))
def test_a_shift_around_the_circle_by_frames_shifts_the_frames(form, frames, length):
    design = Design(octaves=5, quality=3, band_octaves=2, **form | {"boundary": "circular"})
    sound, step = noise(length), form["averaging"]
    first, second, _ = orders(sound, design)
    shifted1, shifted2, _ = orders(np.roll(sound, frames * step), design)
    np.testing.assert_allclose(shifted1, np.roll(first, frames, 1), atol=1e-6)
    np.testing.assert_allclose(shifted2, np.roll(second, frames, 1), atol=1e-6)


@pytest.mark.parametrize("boundary", ["circular", "reflect"])
@pytest.mark.parametrize("length", [1024, 1000, 1021])
def test_a_global_average_is_the_mean_over_the_sound(length, boundary):
    sound = noise(length)
    design = Design(averaging=0, **JOINT | {"boundary": boundary})
    first, second, transform = orders(sound, design)
    every = dataclasses.replace(design, averaging=1)
    bands, moduli, whole = orders(sound, every)
    assert len(whole.times) >= length and transform.times.tolist() == [length / 2]
    assert rel(first[:, 0], bands.mean(1)) < 5e-3
    assert rel(second[:, 0], moduli.mean(1)) < 5e-3


@pytest.mark.parametrize("boundary", ["circular", "reflect"])
def test_a_global_average_of_a_stationary_sound_does_not_change_with_its_length(boundary):
    tone = np.cos(2 * np.pi * 0.125 * np.arange(8192)) * (1 + np.cos(2 * np.pi * np.arange(8192) / 64))
    design = Design(averaging=0, **JOINT | {"boundary": boundary})
    found = [orders(tone[: length + 1 if boundary == "reflect" else length], design) for length in (1024, 4096)]
    assert rel(found[0][0], found[1][0]) < 5e-3 and rel(found[0][1], found[1][1]) < 5e-3


def test_silence_around_a_sound_lowers_its_global_average_in_proportion():
    sound = noise(512)
    design = Design(averaging=0, **JOINT)
    mean = [orders(np.pad(sound, (2048, extra)), design)[1] * (2048 + 512 + extra) for extra in (2048, 5632)]
    assert rel(mean[0], mean[1]) < 1e-3


def test_channels_are_transformed_apart():
    transform = Transform(Design(averaging=64, **JOINT | {"boundary": "reflect"}), 1000)
    sounds = torch.tensor(np.stack([noise(1000, seed) for seed in range(3)]), dtype=torch.float32)
    together = transform.forward(sounds)
    for channel in range(3):
        alone = transform.forward(sounds[channel : channel + 1])
        torch.testing.assert_close(together.order1[channel], alone.order1[0])
        torch.testing.assert_close(together.order2[channel], alone.order2[0])


def test_single_precision_is_enough():
    design, sound = Design(averaging=64, **JOINT), gliding(1024)
    first, second, _ = orders(sound, design)
    single = Transform(design, 1024).forward(torch.tensor(sound, dtype=torch.float32)[None])
    assert single.order1.dtype == single.order2.dtype == torch.float32
    assert rel(single.order1[0], first) < 1e-5 and rel(single.order2[0], second) < 1e-5


def trembling(octave):
    t = np.arange(8192)
    return np.sin(2 * np.pi * 0.04 * 2.0**octave * t) * (1 + np.cos(2 * np.pi * t / 1024))


def test_a_mean_over_the_bands_hardly_changes_with_an_octave():
    base = {"octaves": 11, "quality": 8, "averaging": 0, "band_octaves": 3, "boundary": "circular"}

    def change(**more):
        found = [orders(trembling(octave), Design(**base, **more)) for octave in (0, 1)]
        return rel(found[1][0], found[0][0]), rel(found[1][1], found[0][1])

    assert min(change()) > 1.0
    assert change(band_averaging=-1)[1] < 0.15
    assert max(change(band_averaging=-1, band_scales=True)) < 0.15


def test_an_order_that_is_not_asked_for_is_empty():
    first, second, transform = orders(noise(512), Design(averaging=64, orders=1, **JOINT))
    assert len(first) == len(transform.design.carriers)
    assert second.shape == (0, 8) and not transform.design.modulators
    assert all(len(axis) == 0 for axis in transform.paths()["order2"])


def test_rates_and_scales_out_of_range_are_left_out_and_the_others_stay():
    sound = noise(1024)
    every, all_rows = Design(averaging=64, **JOINT), orders(sound, Design(averaging=64, **JOINT))
    few = dataclasses.replace(every, rates=(0.01, 0.05), scales=(0.1, 0.2))
    _, found, transform = orders(sound, few)
    paths, all_paths = transform.paths()["order2"], all_rows[2].paths()["order2"]
    scale = np.abs(all_paths.scale)
    chosen = (all_paths.rate >= 0.01) & (all_paths.rate <= 0.05) & (scale >= 0.1) & (scale <= 0.2)
    np.testing.assert_array_equal(paths.rate, all_paths.rate[chosen])
    np.testing.assert_array_equal(paths.scale, all_paths.scale[chosen])
    np.testing.assert_allclose(found, all_rows[1][chosen], atol=1e-12)
