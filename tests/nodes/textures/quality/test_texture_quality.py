import csv
import io

import numpy as np
import pytest
from contexts import make_context

from nodes.textures.auditory.model import AuditoryModel
from nodes.textures.measuring import statistics_of
from nodes.textures.node.quality import texture_quality
from nodes.textures.quality.value import TextureQuality
from nodes.values.audio import Audio, Takes
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.value import as_stored

RATE = 8000
HEADLINE = {"snr_mean", "snr_min", "copy", "copy_control", "repetition", "frechet", "frechet_natural"}


def sound(seconds=4.0, seed=0, channels=1, rate=RATE):
    """Return noise with bursts that all bands have in common."""
    draw = np.random.default_rng(seed)
    length = round(seconds * rate)
    places = np.arange(0, length + 400, 400)
    bursts = np.interp(np.arange(length), places, draw.exponential(size=len(places)))
    return Audio((0.05 * bursts * draw.standard_normal((channels, length))).astype(np.float32), rate)


@pytest.fixture
def context(tmp_path):
    return make_context(tmp_path)


def test_the_source_itself_turned_in_time_has_its_statistics_and_is_a_copy(context):
    source = sound()
    found = texture_quality(Audio(np.roll(source.samples, 5000, 1), RATE), source, context=context).value.measure()
    assert found.keys() >= HEADLINE
    assert found["snr_mean"] > 15
    assert found["copy"] > 0.85 > 0.3 > found["copy_control"]
    assert found["repetition"] == pytest.approx(found["repetition_control"], abs=0.03)
    assert found["frechet"] < found["frechet_natural"] * 1.2
    assert context.recorder.notes == []


def test_another_sound_of_the_same_process_is_no_copy_and_within_natural_variability(context):
    found = texture_quality(sound(seed=1), sound(), context=context).value.measure()
    assert found["copy"] == pytest.approx(found["copy_control"], abs=0.05)
    assert found["frechet"] < 2.5 * found["frechet_natural"]
    assert found["moments"] < 1.5 * found["moments_natural"]


def test_noise_of_the_same_spectrum_lacks_what_is_not_spectrum(context):
    source = sound()
    spectrum = np.abs(np.fft.rfft(source.samples[0]))
    phases = np.exp(2j * np.pi * np.random.default_rng(5).random(len(spectrum)))
    plain = Audio(np.fft.irfft(spectrum * phases, source.length).astype(np.float32)[None], RATE)
    value = texture_quality(plain, source, context=context).value
    assert value.scores["snr"]["band_power"][0] > 15
    assert value.scores["snr"]["envelope_correlation"][0] < 3
    found = value.measure()
    assert found["copy"] < found["copy_control"] + 0.05
    assert found["frechet"] > 3 * found["frechet_natural"]
    assert found["moments"] > found["moments_natural"]


def test_statistics_that_are_given_are_what_is_wanted(context):
    source, other = sound(), sound(seed=1)
    statistics = statistics_of(other, AuditoryModel(RATE, highest=4000.0, bands=20))
    found = texture_quality(other, source, statistics, cap=40.0, context=context).value
    assert set(found.scores["snr"]) == set(statistics.classes)
    assert found.measure()["snr_min"] == found.measure()["snr_mean"] == 40


def test_takes_are_told_apart(context):
    source, one, two = sound(), sound(seed=1).samples, sound(seed=2, seconds=5).samples
    takes = Takes((one, one, two), RATE, ("a", "b", "c"))
    value, table, text = texture_quality(takes, source, context=context)
    assert value.takes == ("a", "b", "c")
    between = value.scores["diversity"]
    assert between["copy"][0] > between["copy"][2]
    assert between["level_distance"][0] < between["level_distance"][2]
    assert value.measure()["diversity"] == pytest.approx(between["level_distance"].mean())
    assert len({row["take"] for row in csv.DictReader(io.StringIO(table.text))}) == 3
    assert "log-mel distance" in text.text
    same = texture_quality(Takes((one, one), RATE, ("a", "b")), source, context=context).value
    assert same.scores["diversity"]["level_distance"].tolist() == [0, 0]
    assert same.scores["diversity"]["copy"] == pytest.approx([1, 1], abs=1e-3)


def test_the_table_holds_every_score(context):
    value, table, text = texture_quality(sound(seed=1), sound(), context=context)
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert table.ending == "csv"
    assert len(rows) == sum(len(names) for names in value.scores.values())
    for row in rows:
        number = value.scores[row["group"]][row["name"]][0]
        assert row["value"] == "" if np.isnan(number) else float(row["value"]) == pytest.approx(number, rel=1e-5)
    assert all(name.replace("_", " ") in text.text for name in value.scores["snr"])
    assert max(map(len, text.text.splitlines())) <= 120


def test_the_value_is_stored_drawn_and_described(context, tmp_path):
    value = texture_quality(sound(seed=1), sound(), context=context).value
    again = as_stored(value)
    assert isinstance(again, TextureQuality)
    assert again.measure() == value.measure()
    assert f"{value.measure()['snr_mean']:.1f} dB mean" in value.describe()
    assert [path.name for path in value.write(tmp_path, "judged")] == ["judged.png"]


def test_the_same_inputs_give_the_same_scores(context):
    first, second = (texture_quality(sound(seed=1), sound(), context=context).csv.text for _ in range(2))
    assert first == second


def test_channels_are_compared_each_with_its_own(context):
    both = Audio(np.concatenate([sound().samples, sound(seed=1).samples]), RATE)
    crossed = Audio(both.samples[::-1].copy(), RATE)
    assert texture_quality(both, both, context=context).value.measure()["copy"] == pytest.approx(1, abs=1e-3)
    assert texture_quality(crossed, both, context=context).value.measure()["copy"] < 0.4
    assert texture_quality(both, sound(), context=context).value.measure()["copy"] == pytest.approx(0.55, abs=0.2)


def test_what_channels_have_in_common_is_in_the_table_where_the_source_is_of_several(context):
    one, two = sound().samples, sound(seed=1).samples
    near, far = (Audio(np.concatenate([one, share * one + two]), RATE) for share in (1.0, 0.0))
    linked = {"interaural_coherence", "interaural_correlation"}
    value, table, text = texture_quality(far, near, context=context)
    assert linked <= value.scores["snr"].keys() == value.natural["snr"].keys()
    assert value.scores["snr"]["interaural_coherence"][0] < 3 < value.natural["snr"]["interaural_coherence"][0]
    assert "interaural coherence" in text.text and "interaural_correlation" in table.text
    assert value.draw() is not None
    mono = texture_quality(near, sound(), context=context).value
    assert not linked & mono.scores["snr"].keys()
    with pytest.raises(MistakeError, match="channels"):
        texture_quality(sound(), near, context=context)


def test_statistics_of_several_channels_are_compared_channel_by_channel_beside_a_source_of_one(context):
    both = Audio(np.concatenate([sound().samples, 0.1 * sound(seed=1).samples]), RATE)
    statistics = statistics_of(both, AuditoryModel(RATE, highest=4000.0, bands=12))
    found = texture_quality(both, sound(), statistics, context=context).value
    assert set(found.scores["snr"]) == set(AuditoryModel.domains)
    assert found.measure()["snr_min"] == 30
    assert np.isnan(found.natural["snr"]["interaural_coherence"][0])
    takes = Takes((both.samples, sound().samples), RATE, ("a", "b"))
    with pytest.raises(MistakeError, match="channels"):
        texture_quality(takes, sound(), statistics, context=context)


def test_channels_that_are_silent_in_the_source_are_left_out(context):
    source = Audio(np.concatenate([sound(1).samples, np.zeros((1, RATE), np.float32)]), RATE)
    found = texture_quality(source, source, context=context).value.measure()
    assert found["snr_mean"] == 30
    assert context.recorder.notes[0] == "channels that are silent in the source are left out: 2"


def test_a_silent_result_is_bad_but_no_error(context):
    value, _, text = texture_quality(Audio(np.zeros((1, 2 * RATE), np.float32), RATE), sound(), context=context)
    found = value.measure()
    assert found["snr_mean"] < 3
    assert "copy" not in found
    assert "–" in text.text
    assert value.draw() is not None


@pytest.mark.parametrize("seconds", [0.3, 1.0])
def test_short_sounds_are_judged_with_shorter_snippets(context, seconds):
    found = texture_quality(sound(seconds), sound(seconds), context=context).value.measure()
    assert found["copy"] == pytest.approx(1, abs=1e-3)
    assert found["snr_mean"] == 30
    assert "a quarter of the shortest sound" in context.recorder.notes[0]


@pytest.mark.parametrize(("channels", "rate"), [(14, 8000), (1, 192_000), (2, 4000)])
def test_many_channels_and_high_and_low_rates(context, channels, rate):
    source = sound(1, 0, channels, rate)
    found = texture_quality(source, source, context=context).value.measure()
    assert found["copy"] == pytest.approx(1, abs=1e-3)
    assert found["snr_min"] == 30


@pytest.mark.parametrize("make", ["tone", "click", "square"])
def test_sounds_that_are_no_textures_have_finite_scores(context, make):
    samples = np.zeros((1, 3 * RATE), np.float32)
    if make == "click":
        samples[0, RATE] = 1
    else:
        samples[0] = np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE)
        samples = np.sign(samples) if make == "square" else samples
    source = Audio(samples, RATE)
    for result in (source, sound()):
        value = texture_quality(result, source, context=context).value
        assert np.isfinite(list(value.measure().values())).all()
        assert value.measure().keys() >= {"snr_mean", "snr_min", "copy"}


def test_long_sounds_are_searched_with_fewer_snippets_and_say_so(context):
    found = texture_quality(sound(5, seed=1), sound(50), snippets=8, context=context).value.measure()
    assert found["copy"] < 0.5
    assert any("8 snippets, evenly spaced" in note for note in context.recorder.notes)
    assert any("20 s from each half" in note for note in context.recorder.notes)


def nan():
    samples = sound(1).samples.copy()
    samples[0, 100] = np.nan
    return Audio(samples, RATE)


@pytest.mark.parametrize(
    ("result", "source", "words"),
    [
        (sound(1, rate=16_000), sound(1), "sample rates"),
        (sound(1), sound(1, channels=2), "channels"),
        (sound(0.1), sound(1), "too short"),
        (sound(1), sound(0.1), "too short"),
        (nan(), sound(1), "the result holds a sample that is not a finite number"),
        (sound(1), nan(), "the source holds a sample that is not a finite number"),
        (sound(1), Audio(np.full((1, RATE), 0.5, np.float32), RATE), "silent"),
        (Takes((), RATE, ()), sound(1), "no takes"),
    ],
)
def test_mistakes_are_told(context, result, source, words):
    with pytest.raises(MistakeError, match=words):
        texture_quality(result, source, context=context)


def test_statistics_of_other_rates_and_channels_are_refused(context):
    fast, wide = sound(1, rate=16_000), sound(1, channels=3)
    for audio, words in ((fast, "sample rates"), (wide, "channels")):
        statistics = statistics_of(audio, AuditoryModel(audio.sample_rate, highest=4000.0))
        with pytest.raises(MistakeError, match=words):
            texture_quality(sound(1), sound(1), statistics, context=context)


def test_inputs_may_be_read_only(context):
    result, source = sound(1, 1), sound(1)
    result.samples.flags.writeable = source.samples.flags.writeable = False
    assert texture_quality(result, source, context=context).value.measure()["copy"] < 0.5


def test_the_node_has_its_ports_and_documents_its_parameters():
    spec = NodeSpec("texture_quality", texture_quality, "here")
    assert list(spec.ports) == ["result", "source", "statistics"]
    assert list(spec.outputs) == ["value", "csv", "text"]
    assert all(parameter.doc for parameter in spec.parameters.values())
