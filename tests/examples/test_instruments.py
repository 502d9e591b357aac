import re
from pathlib import Path

import instruments
import numpy as np
import pytest
import soundfile
from instruments import Note

RATE = 8000
MIDI = {"C3": 48, "D3": 50, "E3": 52, "G3": 55}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two instruments with the same partials: one swells, one is struck; a third trembles."""
    where, t = tmp_path_factory.mktemp("nötes"), np.arange(RATE) / RATE
    shapes = {"swell": t, "struck": np.exp(-8 * t), "trembling_string": 1 + np.sin(2 * np.pi * 9 * t)}
    for name, shape in shapes.items():
        for pitch, key in MIDI.items():
            tone = sum(np.sin(2 * np.pi * 440 * 2 ** ((key - 69) / 12) * n * t) / n for n in (1, 2, 3))
            soundfile.write(where / f"{name}_{pitch}_v90.wav", 0.2 * shape * tone, RATE)
    (where / "readme.txt").write_text("no sound")
    return where


def test_names_tell_label_and_pitch(tmp_path):
    names = ["french_horn_C3_v90", "flute-A4_sms", "trumpet_As3_v70", "piano_F#2", "notes", "piano_v90"]
    for name in names:
        (tmp_path / f"{name}.wav").touch()
    (tmp_path / "cello_C2_v70.txt").touch()
    found = {(note.label, note.pitch) for note in instruments.notes_in(tmp_path)}
    assert found == {("french_horn", "C3"), ("flute", "A4"), ("trumpet", "As3"), ("piano", "F#2")}


def test_a_folder_without_notes_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=re.escape("no file named like oboe_B4_v70.flac")):
        instruments.notes_in(tmp_path)
    with pytest.raises(SystemExit, match="is not a folder"):
        instruments.notes_in(tmp_path / "nowhere")


def test_sounds_are_read_in_mono_at_one_length_and_energy(tmp_path):
    stereo = np.random.default_rng(0).standard_normal((3000, 2)) * [[0.1, 0.0]]
    soundfile.write(tmp_path / "a.wav", stereo, 4000)
    soundfile.write(tmp_path / "silence.wav", np.zeros(10), 4000)
    sound = instruments.read(tmp_path / "a.wav", 8000, 1.0)
    assert sound.shape == (8000,)
    assert np.linalg.norm(sound) == pytest.approx(1, abs=1e-6)
    assert np.abs(sound[6100:]).max() < 1e-6
    assert not instruments.read(tmp_path / "silence.wav", 8000, 1.0).any()


def test_a_pitch_is_never_learned_from_where_it_is_tested(monkeypatch):
    notes = [Note(Path(f"{i}.wav"), "ab"[i % 2], p) for i, p in enumerate(["C3", "C3", "D3", "D3"] * 3)]
    heard = []

    def classified(rows, labels, test, logarithm):
        heard.append({notes[int(i)] for i in rows[:, 0]} | {None})
        for i in test[:, 0]:
            note = notes[int(i)]
            assert all(n is None or (n.label, n.pitch) != (note.label, note.pitch) for n in heard[-1])
        return np.array([notes[int(i)].label for i in test[:, 0]])

    monkeypatch.setattr(instruments, "classified", classified)
    found = instruments.cross_validated(np.arange(12.0)[:, None], notes, False, 3)
    assert (found == [note.label for note in notes]).all()
    assert len(heard) == 6


def test_an_instrument_with_one_pitch_is_refused():
    notes = [Note(Path("a"), "a", "C3"), Note(Path("b"), "b", "C3")]
    with pytest.raises(SystemExit, match="two pitches"):
        instruments.cross_validated(np.zeros((2, 1)), notes, False, 1)


def test_the_interval_of_no_misses_ends_where_none_would_be_seen_in_one_of_forty_tries():
    low, high = instruments.interval(0.3, 72)
    assert (low, high) == pytest.approx((0, 1 - 0.025 ** (1 / 72)))


def test_confusions_are_told_by_their_share():
    found = np.array([["oboe", "oboe", "flute"], ["flute", "oboe", "flute"]])
    assert instruments.confusions(found, np.array(["flute", "flute", "flute"])) == "flute taken for oboe (50 %)"
    assert instruments.confusions(found[:1, :1], np.array(["oboe"])) == "no confusions"


def test_instruments_are_told_apart_by_their_envelopes(folder, capsys):
    instruments.main([str(folder), "--sample-rate", "8000", "--duration", "1", "--octaves", "10", "--seeds", "2"])
    printed = capsys.readouterr().out
    assert "12 notes of 3 instruments" in printed
    line = next(line for line in printed.splitlines() if line.startswith("| joint, log"))
    assert float(line.split("|")[2]) == 0
    assert "joint, log: no confusions" in printed


def test_other_folders_can_be_recognised(folder, capsys):
    arguments = [str(folder), "--test", str(folder), "--sample-rate", "8000", "--duration", "1", "--octaves", "10"]
    instruments.main(arguments)
    assert "12 others of 3 of these are recognised" in capsys.readouterr().out
