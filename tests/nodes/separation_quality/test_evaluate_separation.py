import json
import math
from pathlib import Path

import numpy as np
import pytest
from contexts import make_context

from nodes.separation_quality.node import Evaluation, evaluate_separation
from nodes.values import Audio, Takes
from pipelines.mistakes import MistakeError
from pipelines.node import NodeSpec
from pipelines.value import pack, unpack

RATE = 1000

MUSEVAL = {
    "sdr": [
        [7.412101, 7.657423, 7.865086, 6.826654],
        [9.944072, 9.609124, 8.394693, 8.138835],
        [3.368654, 6.942106, 7.82925, 6.751722],
    ],
    "isr": [
        [9.899103, 9.942297, 9.946146, 9.883534],
        [10.561839, 10.561775, 9.744024, 8.427819],
        [9.962446, 9.983941, 9.982148, 9.895401],
    ],
    "sir": [
        [13.646398, 14.366636, 15.503451, 11.020724],
        [24.627226, 21.552326, 18.077815, 21.580761],
        [6.519151, 12.297681, 15.136675, 10.965015],
    ],
    "sar": [
        [13.868231, 14.184971, 14.228637, 14.284503],
        [19.908224, 18.377262, 15.730683, 19.156787],
        [8.315225, 12.618045, 13.91907, 14.254726],
    ],
}
"""What museval 0.4.1 says of `noises`, with 64 taps, windows of 2000 samples, 1000 apart, from the second window on."""


def noises() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    references = generator.standard_normal((3, 2, 6000))
    references[1] = np.cumsum(references[1], axis=1) * 0.05
    references[2, :, :2500] = 0
    leaked = 0.8 * references + 0.3 * np.roll(references, 3, axis=2)[:, ::-1] + 0.1 * references.sum(axis=0)
    estimates = leaked + 0.2 * generator.standard_normal((3, 2, 6000))
    return references.astype(np.float32), estimates.astype(np.float32)


def audios(sounds: np.ndarray) -> list[Audio | Takes]:
    return [Audio(sound, RATE) for sound in sounds]


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    references, estimates = noises()
    return evaluate_separation(
        audios(estimates),
        audios(references),
        names=["voice", "drums", "rest"],
        window=2.0,
        hop=1.0,
        taps=64,
        context=make_context(tmp_path_factory.mktemp("scratch")),
    )


def test_ratios_are_those_of_museval(evaluation: Evaluation) -> None:
    for ratio, wanted in MUSEVAL.items():
        found = evaluation.value.windows[ratio]
        assert np.isnan(found[:, 0]).all(), "a reference is silent in the first window"
        np.testing.assert_allclose(found[:, 1:], wanted, atol=2e-5)


def test_ratios_of_a_single_window_are_those_of_a_dense_projection(tmp_path: Path) -> None:
    references, estimates = (sounds[:2, :, 3000:3400].astype(np.float64) for sounds in noises())
    taps, length = 5, 400 + 4

    def delayed(sources: np.ndarray) -> np.ndarray:
        columns = np.zeros((length, len(sources) * 2 * taps))
        for number, channel in enumerate(sources.reshape(-1, 400)):
            for tap in range(taps):
                columns[tap : tap + 400, number * taps + tap] = channel
        return columns

    given = audios(estimates.astype(np.float32)), audios(references.astype(np.float32))
    found = evaluate_separation(*given, window=60.0, taps=taps, context=make_context(tmp_path)).value.windows
    for number in range(2):
        estimate, target = (np.pad(s[number], ((0, 0), (0, taps - 1))).T for s in (estimates, references))
        own, both = (
            columns @ np.linalg.lstsq(columns, estimate, rcond=None)[0]
            for columns in (delayed(references[number : number + 1]), delayed(references))
        )
        pairs = {
            "sdr": (target, estimate - target),
            "isr": (target, own - target),
            "sir": (own, both - own),
            "sar": (both, estimate - both),
        }
        for ratio, (wanted, error) in pairs.items():
            expected = 10 * np.log10(np.sum(wanted**2) / np.sum(error**2))
            assert found[ratio][number] == pytest.approx([expected], abs=1e-4), ratio


def test_whole_ratios_and_gains_are_those_of_their_formulas(evaluation: Evaluation) -> None:
    references, estimates = (sounds.astype(np.float64) for sounds in noises())
    mix = references.sum(axis=0)

    def plain(target: np.ndarray, estimate: np.ndarray) -> float:
        return float(10 * np.log10(np.sum(target**2) / np.sum((target - estimate) ** 2)))

    def invariant(target: np.ndarray, estimate: np.ndarray) -> float:
        along = np.sum(target * estimate) / np.sum(target**2) * target
        return float(10 * np.log10(np.sum(along**2) / np.sum((along - estimate) ** 2)))

    whole = evaluation.value.whole
    for number, (target, estimate) in enumerate(zip(references, estimates, strict=True)):
        assert whole["usdr"][number] == pytest.approx(plain(target, estimate), abs=1e-6)
        assert whole["si_sdr"][number] == pytest.approx(invariant(target, estimate), abs=1e-6)
        assert whole["usdr_gain"][number] == pytest.approx(plain(target, estimate) - plain(target, mix), abs=1e-6)
        assert whole["si_sdr_gain"][number] == pytest.approx(
            invariant(target, estimate) - invariant(target, mix), abs=1e-6
        )


def test_a_perfect_estimate_has_no_error_and_level_does_not_count_for_si_sdr(tmp_path: Path) -> None:
    references, _ = noises()
    perfect = evaluate_separation(audios(references), audios(references), taps=8, context=make_context(tmp_path)).value
    assert np.isposinf(perfect.whole["usdr"]).all() and np.isposinf(perfect.windows["sdr"][:, 3:]).all()
    assert not any(name.endswith("_sdr") and "si" not in name for name in perfect.measure())
    louder = evaluate_separation(
        audios(4 * references), audios(references), taps=8, context=make_context(tmp_path)
    ).value
    assert (louder.whole["si_sdr"] > 120).all()
    np.testing.assert_allclose(louder.whole["usdr"], -10 * np.log10(9), atol=1e-5)


def test_equal_channels_and_silent_sources_have_an_answer(tmp_path: Path) -> None:
    references, estimates = noises()
    twice = [np.repeat(sounds[:, :1], 2, axis=1) for sounds in (estimates, references)]
    twin = evaluate_separation(audios(twice[0]), audios(twice[1]), taps=16, context=make_context(tmp_path)).value
    single = [sounds[:, :1] for sounds in (estimates, references)]
    one = evaluate_separation(audios(single[0]), audios(single[1]), taps=16, context=make_context(tmp_path)).value
    for ratio, values in one.windows.items():
        np.testing.assert_allclose(twin.windows[ratio], values, atol=1e-3)
    silent = evaluate_separation(
        audios(estimates), audios(0 * references), taps=16, context=make_context(tmp_path)
    ).value
    assert all(np.isnan(values).all() for values in silent.windows.values()) and "mean_sdr" not in silent.measure()
    assert silent.draw() is not None


def test_takes_pair_with_references_in_order_and_give_their_labels(tmp_path: Path) -> None:
    references, estimates = noises()
    takes = Takes(tuple(references[:2]), RATE, ("voice", "drums"))
    found = evaluate_separation(
        audios(estimates), [takes, Audio(references[2], RATE)], taps=8, context=make_context(tmp_path)
    ).value
    assert found.names == ("voice", "drums", "3")
    assert len(found.times) == 6 and found.times[0] == 0.5


def test_table_csv_numbers_and_storage_say_the_same(evaluation: Evaluation) -> None:
    value = evaluation.value
    lines = evaluation.csv.text.splitlines()
    assert lines[0] == "source,ratio,seconds,dB" and len(lines) == 1 + 3 * (5 * 5 + 4)
    assert "voice,sdr,1," in lines and "voice,sdr,2,7.4121" in lines
    median = float(np.median(MUSEVAL["sdr"][0]))
    assert value.measure()["voice_sdr"] == pytest.approx(median, abs=1e-5)
    assert value.measure()["mean_usdr"] == pytest.approx(value.whole["usdr"].mean())
    assert f"voice  {median:.1f}" in evaluation.text.text and f"voice {median:.1f} (+" in value.describe()
    tree, arrays = pack(value)
    again = unpack(json.loads(json.dumps(tree)), arrays)
    assert again.measure() == value.measure() and again.describe() == value.describe()
    assert math.isfinite(value.draw().get_figwidth())


def refused(
    tmp_path: Path, estimates: list[Audio | Takes], references: list[Audio | Takes], **parameters: object
) -> str:
    with pytest.raises(MistakeError) as error:
        evaluate_separation(estimates, references, context=make_context(tmp_path), **parameters)  # type: ignore[arg-type]
    return str(error.value)


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    references, estimates = (audios(sounds) for sounds in noises())
    assert "2 estimates and 3 references" in refused(tmp_path, estimates[:2], references)
    assert "2 names of 3 sources" in refused(tmp_path, estimates, references, names=["a", "b"])
    assert "length: 6000, 7000" in refused(tmp_path, [Audio(np.zeros((2, 7000), np.float32), RATE)], references[:1])
    assert "1365 taps" in refused(tmp_path, estimates, references, taps=4000)
    empty: list[Audio | Takes] = [Audio(np.zeros((1, 0), np.float32), RATE)]
    assert "empty" in refused(tmp_path, empty, empty)
    broken = np.full((2, 6000), np.nan, np.float32)
    assert "an estimate holds" in refused(tmp_path, [Audio(broken, RATE)], references[:1])


def test_other_channels_are_refused_before_anything_runs() -> None:
    rule = NodeSpec("evaluate_separation", evaluate_separation, "").mark.facts
    assert rule is not None
    parameters = {"names": None, "taps": 512}
    stereo, mono = ({"kind": "Audio", "channels": count} for count in (2, 1))
    assert rule({"estimates": [stereo], "references": [stereo]}, parameters) == {}
    with pytest.raises(MistakeError, match="channels: 1, 2"):
        rule({"estimates": [stereo], "references": [mono]}, parameters)
    with pytest.raises(MistakeError, match="2 estimates and 1 references"):
        rule({"estimates": [stereo, stereo], "references": [stereo]}, parameters)
    with pytest.raises(MistakeError, match="256 taps with these sounds"):
        rule({"estimates": [{"kind": "Takes"}], "references": [{"kind": "Audio", "channels": 32}]}, parameters)
