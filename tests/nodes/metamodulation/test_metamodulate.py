"""Edits of coefficients, against sounds whose modulations are known, and against each other."""

import dataclasses
import itertools

import numpy as np
import pytest
from contexts import make_context
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plane_sounds import RATE, audio, beating_noise, chirps, constant, distance, metamodulate, spins, vibrato

from nodes.metamodulation import node
from nodes.metamodulation.transposition import transposed_spectrum
from nodes.scattering.node import scatter
from pipelines.quantities import Envelope

SMALL = {"octaves": 9, "quality": 6, "averaging": 1 / 16}
REVERSING = Envelope(((0.0, 1.0), (0.5, -1.0)))


def noise(channels=1, length=RATE, seed=0):
    return audio(*0.1 * np.random.default_rng(seed).standard_normal((channels, length)))


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    return make_context(tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="module")
def plain(context):
    return scatter(noise(2, 5000), **SMALL, context=context)


def same(first, second):
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in ("order1", "order2", "colours"))


def points(scattering, rate=None, scale=None):
    """Paths of one rate and scale."""
    chosen = np.ones(len(scattering.rates2), bool)
    chosen &= True if rate is None else np.isclose(scattering.rates2, rate)
    return np.flatnonzero(chosen & (True if scale is None else np.isclose(scattering.scales2, scale)))


@pytest.mark.parametrize(
    "nothing",
    [
        {},
        {"spin": constant(1), "transpose_rate": Envelope(((0.0, 0.0), (2.0, 0.0)))},
        {"gains": [{"rate": [0, 1e5], "gain": constant(0)}]},
        {"spin": Envelope(((0.0, 1.0), (50.0, 1.0), (60.0, -1.0)))},
        {"blur": Envelope(((50.0, 0.0), (60.0, 1.0)))},
        {"blur_order2": Envelope(((50.0, 0.0), (60.0, 1.0)))},
        {"transpose_rate": Envelope(((50.0, 0.0), (60.0, 1.0)))},
        {"transpose_scale": Envelope(((50.0, 0.0), (60.0, 1.0)))},
        {"transpose_frequency": Envelope(((50.0, 0.0), (60.0, 1.0)))},
    ],
)
def test_where_nothing_is_asked_nothing_changes(plain, nothing):
    assert same(metamodulate(plain, **nothing), plain)


def test_only_coefficients_change_and_the_input_is_left_alone(plain):
    before = plain.order2.copy()
    found = metamodulate(plain, spin=constant(-1), transpose_rate=constant(0.7), blur=constant(0.3))
    assert np.array_equal(before, plain.order2)
    for field in dataclasses.fields(plain):
        if field.name not in ("order1", "order2", "colours"):
            assert getattr(found, field.name) is getattr(plain, field.name)
    assert found.order2.dtype == plain.order2.dtype
    assert not np.array_equal(found.order1, plain.order1)


EDIT = st.fixed_dictionaries(
    {
        "transpose_rate": st.floats(-3, 3),
        "transpose_scale": st.floats(-2, 2),
        "transpose_frequency": st.floats(-2, 2),
        "spin": st.floats(-1, 1),
        "blur": st.floats(0, 1),
        "blur_order2": st.floats(0, 1),
    }
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edit=EDIT, factor=st.floats(0.1, 10), seed=st.integers(0, 99))
def test_edits_are_linear_and_keep_coefficients_positive(plain, edit, factor, seed):
    random = np.random.default_rng(seed)
    edit = {name: constant(value) for name, value in edit.items()}

    def drawn():
        orders = {n: random.random(getattr(plain, n).shape).astype(np.float32) for n in ("order1", "order2")}
        return dataclasses.replace(plain, **orders)

    first, second = drawn(), drawn()
    both = {n: getattr(first, n) + factor * getattr(second, n) for n in ("order1", "order2")}
    whole = metamodulate(dataclasses.replace(plain, **both), **edit)
    for name in both:
        parts = [getattr(metamodulate(each, **edit), name) for each in (first, second)]
        np.testing.assert_allclose(getattr(whole, name), parts[0] + factor * parts[1], rtol=1e-4, atol=1e-5)
        assert getattr(whole, name).min() >= 0


def test_spin_reversal_is_the_scattering_of_the_sound_played_backwards(context):
    sound = chirps()
    choices = {"octaves": 11, "quality": 8, "averaging": "global", "boundary": "circular", "precision": "double"}
    ahead = scatter(sound, **choices, context=context)
    back = scatter(audio(sound.samples[0, ::-1]), **choices, context=context)
    found = metamodulate(ahead, spin=constant(-1))
    assert distance(ahead.order2, back.order2) > 0.5
    assert distance(found.order2, back.order2) < 1e-4
    assert spins(found) == pytest.approx(spins(ahead)[::-1])
    assert np.array_equal(metamodulate(found, spin=constant(-1)).order2, ahead.order2)


def test_without_spin_rising_and_falling_are_alike(plain):
    found = metamodulate(plain, spin=constant(0))
    for rate in np.unique(plain.rates2):
        for scale in np.unique(plain.scales2[plain.scales2 > 0]):
            rising, falling = (points(plain, rate, sign * scale) for sign in (1, -1))
            np.testing.assert_array_equal(found.order2[:, rising], found.order2[:, falling])
            mean = (plain.order2[:, rising] + plain.order2[:, falling]) / 2
            np.testing.assert_allclose(found.order2[:, rising], mean, rtol=1e-6)
    flat = points(plain, scale=0)
    assert np.array_equal(found.order2[:, flat], plain.order2[:, flat])


def test_spin_follows_its_envelope(plain):
    found, back = metamodulate(plain, spin=REVERSING), metamodulate(plain, spin=constant(-1))
    for number, time in enumerate(plain.times):
        share = min(2 * max(time, 0), 1)
        wanted = (1 - share) * plain.order2[..., number] + share * back.order2[..., number]
        np.testing.assert_allclose(found.order2[..., number], wanted, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", ["joint", "time"])
def test_an_octave_of_rate_brings_each_rate_to_the_next(context, kind):
    plain = scatter(noise(), **SMALL, kind=kind, context=context)
    rates, found = np.unique(plain.rates2), metamodulate(plain, transpose_rate=constant(1))
    scales = [None] if kind == "time" else np.unique(plain.scales2)
    for slow, fast in itertools.pairwise(rates):
        for scale in scales:
            source, target = points(plain, slow, scale), points(plain, fast, scale)
            common = min(len(source), len(target))
            wanted = plain.order2[:, source[:common]]
            np.testing.assert_allclose(found.order2[:, target[:common]], wanted, rtol=1e-5)
    assert not found.order2[:, points(plain, rates[0])].any()


def test_an_octave_of_scale_brings_each_scale_to_the_next_and_leaves_scale_0(context):
    plain = scatter(noise(), **SMALL, octave_averaging=2.0, octave_span=2.0, context=context)
    found, scales = metamodulate(plain, transpose_scale=constant(-1)), np.unique(plain.scales2)
    for sign in (1, -1):
        sizes = scales[scales > 0]
        for coarse, fine in itertools.pairwise(sizes):
            source, target = points(plain, scale=sign * fine), points(plain, scale=sign * coarse)
            np.testing.assert_array_equal(found.order2[:, target], plain.order2[:, source])
        assert not found.order2[:, points(plain, scale=sign * sizes[-1])].any()
    flat = points(plain, scale=0)
    assert np.array_equal(found.order2[:, flat], plain.order2[:, flat])


def test_fractions_of_an_octave_lie_between_and_follow_an_envelope(plain):
    whole = [metamodulate(plain, transpose_rate=constant(octaves)).order2 for octaves in (0, 1)]
    half = metamodulate(plain, transpose_rate=constant(0.5)).order2
    np.testing.assert_allclose(half, (whole[0] + whole[1]) / 2, rtol=1e-4, atol=1e-8)
    moving = metamodulate(plain, transpose_rate=Envelope(((0.0, 0.0), (0.3, 1.0)))).order2
    late = plain.times >= 0.3
    np.testing.assert_allclose(moving[..., late], whole[1][..., late], rtol=1e-6)
    np.testing.assert_allclose(moving[..., 0], whole[0][..., 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("sound", "rate", "octaves", "nearer"),
    [(vibrato, 5.0, 0.25, 0.25), (vibrato, 5.0, -0.25, 0.25), (vibrato, 5.0, 1, 0.6), (beating_noise, 5.6, 0.5, 0.9)],
)
def test_what_is_transposed_is_like_the_faster_sound_and_needs_no_correction_of_level(
    context, sound, rate, octaves, nearer
):
    """Dilation: filters of constant quality and an L1 norm of 1 give a modulation the same modulus at each rate."""
    choices = {"octaves": 12, "quality": 8, "averaging": "global", "boundary": "circular", "rates": [1, 300]}
    choices["rates_per_octave"] = 4 if octaves % 1 else 1
    slow, fast = (scatter(sound(r), **choices, context=context) for r in (rate, rate * 2**octaves))
    found = metamodulate(slow, transpose_rate=constant(octaves)).order2
    assert distance(found, fast.order2) < nearer * distance(slow.order2, fast.order2)
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(fast.order2), rel=0.2)


def test_what_is_transposed_in_frequency_is_like_the_higher_sound(context):
    choices = {"octaves": 11, "quality": 8, "averaging": "global", "boundary": "circular"}
    low, high = (scatter(vibrato(5.0, centre=centre), **choices, context=context) for centre in (600.0, 900.0))
    found = metamodulate(low, transpose_frequency=constant(np.log2(1.5)))
    for name in ("order1", "order2"):
        before, after = (distance(getattr(each, name), getattr(high, name)) for each in (low, found))
        assert after < 0.3 * before
    assert abs(np.log2(np.argmax(found.colours) / np.argmax(high.colours))) < 0.3
    assert found.colours.sum() == pytest.approx(low.colours.sum(), rel=0.01)


def test_a_spectrum_that_moves_is_spread_over_where_it_has_been():
    power = np.zeros((1, 65), np.float32)
    power[0, 16] = 1.0
    found = transposed_spectrum(power, np.array([0.0, 1.0, 1.0, -1.0]))
    assert found[0, [8, 16]] == pytest.approx([0.25, 0.25])
    assert found[0, 31:34] == pytest.approx([0.125, 0.25, 0.125])
    assert found.sum() == pytest.approx(1)
    assert not transposed_spectrum(power, np.array([3.0])).any()


def test_blur_is_a_mean_over_log_frequency(context):
    tone = scatter(audio(0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)), **SMALL, context=context)
    found = metamodulate(tone, blur=constant(0.5)).order1.mean((0, 2))
    octaves = np.log2(tone.frequencies1)
    near = np.abs(octaves - np.log2(1000)) < 1
    assert found[near].max() < 0.5 * tone.order1.mean((0, 2)).max()
    assert (found * octaves)[near].sum() / found[near].sum() == pytest.approx(np.log2(1000), abs=0.15)
    flat = dataclasses.replace(tone, order1=np.ones_like(tone.order1), order2=np.ones_like(tone.order2))
    both = metamodulate(flat, blur=constant(0.7), blur_order2=constant(0.7))
    np.testing.assert_allclose(both.order1, 1, rtol=1e-5)
    np.testing.assert_allclose(both.order2, 1, rtol=1e-5)


def test_gains_hold_in_their_region_alone(plain):
    region = {"rate": [100.0, 1000.0], "scale": [0.5, 2.0], "frequency": [500.0, 4000.0], "gain": constant(-20)}
    found = metamodulate(plain, gains=[region])
    rates, scales, frequencies = plain.rates2, plain.scales2, plain.frequencies2
    inside = (rates >= 100) & (rates <= 1000) & (scales >= 0.5) & (scales <= 2)
    inside &= (frequencies >= 500) & (frequencies <= 4000)
    assert 0 < inside.sum() < len(inside)
    np.testing.assert_allclose(found.order2[:, inside], 0.1 * plain.order2[:, inside], rtol=1e-5)
    assert np.array_equal(found.order2[:, ~inside], plain.order2[:, ~inside])
    assert np.array_equal(found.order1, plain.order1)


def test_gains_of_frequencies_are_of_both_orders_and_move(plain):
    fading = Envelope(((0.0, 0.0), (0.3, -np.inf)))
    found = metamodulate(plain, gains=[{"frequency": [0.0, 1000.0], "gain": fading}])
    late, low1, low2 = plain.times >= 0.3, plain.frequencies1 <= 1000, plain.frequencies2 <= 1000
    assert not found.order1[:, low1][..., late].any()
    assert not found.order2[:, low2][..., late].any()
    assert np.array_equal(found.order2[:, ~low2], plain.order2[:, ~low2])
    assert np.array_equal(found.order1[..., 0], plain.order1[..., 0])


def test_the_spectrum_of_a_start_follows_the_bands(plain):
    bins = np.linspace(0, RATE / 2, plain.colours.shape[1])
    removed = metamodulate(plain, gains=[{"frequency": [1000.0, 3000.0], "gain": constant(-np.inf)}]).colours
    deep, outside = (bins > 1150) & (bins < 2600), (bins < 800) | (bins > 3500)
    assert plain.colours[:, deep].any() and not removed[:, deep].any()
    assert np.array_equal(removed[:, outside], plain.colours[:, outside])
    louder = metamodulate(plain, gains=[{"frequency": [0.0, 1e4], "gain": Envelope(((0.0, 0.0), (0.6, 12.0)))}])
    ratio = louder.order1.mean(-1) / plain.order1.mean(-1)
    assert ratio.min() > 1.1 and ratio.max() < 4
    np.testing.assert_allclose(louder.colours.sum() / plain.colours.sum(), np.mean(ratio**2), rtol=0.1)
    modulations = metamodulate(plain, gains=[{"rate": [0.0, 1e5], "gain": constant(-np.inf)}], spin=constant(-1))
    assert modulations.colours is plain.colours


def test_the_spectrum_of_a_blurred_tone_is_as_wide_as_its_bands_and_bounded(context):
    tone = scatter(audio(0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)), **SMALL, context=context)
    found = metamodulate(tone, blur=constant(0.5))
    bins = np.linspace(0, RATE / 2, tone.colours.shape[1])
    beside = (bins > 700) & (bins < 900)
    assert found.colours[:, beside].sum() > tone.colours[:, beside].sum()
    assert found.colours.max() < tone.colours.max()
    assert np.isfinite(found.colours).all()
    faint = dataclasses.replace(tone, order1=np.where(tone.order1 > tone.order1.max() / 2, tone.order1, 1e-30))
    assert metamodulate(faint, blur=constant(0.5)).colours.max() <= 1e6 * tone.colours.max()


def test_gains_come_last_and_add_up(plain):
    gains = [{"rate": [200.0, 1e5], "gain": constant(-6)}, {"rate": [0.0, 1e5], "gain": constant(-6)}]
    moved = metamodulate(plain, transpose_rate=constant(1))
    found = metamodulate(plain, transpose_rate=constant(1), gains=gains)
    fast = plain.rates2 >= 200
    np.testing.assert_allclose(found.order2[:, fast], 10**-0.6 * moved.order2[:, fast], rtol=1e-5)
    np.testing.assert_allclose(found.order2[:, ~fast], 10**-0.3 * moved.order2[:, ~fast], rtol=1e-5)


@pytest.mark.parametrize("edit", [{"spin": constant(-0.5)}, {"transpose_scale": constant(0.5)}, {"blur": constant(1)}])
@pytest.mark.parametrize("shape", [(14, 500), (1, 1)])
def test_any_number_of_channels_and_samples(context, edit, shape):
    sound = audio(*np.random.default_rng(0).standard_normal(shape), rate=192_000)
    source = scatter(sound, octaves=8, quality=6, context=context)
    found = metamodulate(source, **edit)
    assert found.order2.shape == source.order2.shape
    assert np.isfinite(found.order2).all()
    alone = metamodulate(scatter(audio(sound.samples[-1], rate=192_000), octaves=8, quality=6, context=context), **edit)
    np.testing.assert_allclose(found.order2[-1], alone.order2[0], rtol=1e-3, atol=1e-6)


def test_silence_stays_silence(context):
    silence = scatter(audio(np.zeros(4000)), **SMALL, context=context)
    found = metamodulate(silence, spin=constant(-1), transpose_rate=constant(2), blur=constant(1))
    assert not found.order1.any()
    assert not found.order2.any()
    assert np.array_equal(found.colours, silence.colours)


def test_scatterings_that_know_no_bands_are_edited_too(context):
    choices = {"octave_averaging": "global", "order1": "scales"}
    source = scatter(noise(), **SMALL, **choices, context=context)
    moved = metamodulate(source, transpose_frequency=constant(1), blur=constant(1), blur_order2=constant(1))
    assert np.array_equal(moved.order1, source.order1)
    assert np.isfinite(moved.colours).all()
    assert np.array_equal(moved.order2, source.order2)
    found = metamodulate(source, transpose_rate=constant(1), spin=constant(-1))
    rates = np.unique(source.rates2)
    scale = source.scales2.max()
    fast, slow = points(source, rates[3], scale), points(source, rates[2], -scale)
    np.testing.assert_array_equal(found.order2[:, fast], source.order2[:, slow])


@pytest.mark.parametrize("choices", [{"logarithm": 0.1}, {"normalise": True}])
def test_coefficients_are_compressed_after_the_edit(context, choices):
    raw, squeezed = (scatter(noise(), **SMALL, **more, context=context) for more in ({}, choices))
    found = metamodulate(squeezed, transpose_rate=constant(1))
    assert np.array_equal(found.order2, metamodulate(raw, transpose_rate=constant(1)).order2)
    coefficients = found.coefficients()["order2"]
    assert np.isfinite(coefficients).all()
    slowest, fast = points(raw, raw.rates2.min()), points(raw, np.unique(raw.rates2)[2])
    assert not coefficients[:, slowest].any()
    assert coefficients[:, fast].min() > 0


def test_notes_tell_what_was_lost_and_which_envelopes_outlast_the_sound(tmp_path, plain):
    def notes(**edits):
        context = make_context(tmp_path)
        node.metamodulate(plain, **edits, context=context)
        return context.recorder.notes

    late = Envelope(((0.0, 0.0), (99.0, 1.0)))
    assert notes(transpose_rate=late) == [f"transpose_rate goes on until 99 s, the sound until {5000 / RATE:.6g} s"]
    lost = notes(transpose_frequency=constant(16))
    assert [note.split(":")[0] for note in lost] == [f"nothing is left of the energy of order{n}" for n in (1, 2)]
    assert "-40 dB is left of the energy of order1" in notes(gains=[{"frequency": [0, 1e5], "gain": constant(-40)}])[0]
    assert notes(spin=constant(-1), blur=constant(0.5), transpose_rate=constant(1)) == []
