"""The page that plays stems, in a real browser: what is heard is compared sample by sample."""

from __future__ import annotations

import base64
import io
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from browsers import PROGRAM, Browser

import nodes.playing.page
from nodes.playing.page import player_page
from nodes.values import Audio

RATE = 44100
NAMES = ("vocals", "drums", "bass & <script>alert(1)</script>")
Array = np.ndarray[Any, Any]

in_browser = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here")

OFFLINE = """
window.AudioContext = function () {  // what would sound is rendered, so that it can be compared
  const context = new OfflineAudioContext(2, 44100 * 2, 44100);
  context.resume = async () => {};
  return context;
};
window.render = async (acts) => {
  const context = player.context;
  const go = OfflineAudioContext.prototype.resume.bind(context);
  for (const [time, act] of acts) context.suspend(time).then(() => { act(); go(); });
  const heard = await context.startRendering();
  return [0, 1].map((channel) => btoa(bytesOf(heard.getChannelData(channel))));
};
const bytesOf = (samples) => {
  const bytes = new Uint8Array(samples.buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
};
"""

WATCHED = """
window.starts = [];
const begin = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, offset) {
  starts.push({ when, offset, loop: this.loop ? [this.loopStart, this.loopEnd] : null });
  return begin.call(this, when, offset);
};
"""


def tones(seconds: float = 3.0, rate: int = RATE, channels: int = 2) -> tuple[Audio, dict[str, Audio]]:
    generator = np.random.default_rng(0)
    parts = {
        name: Audio((0.1 * generator.standard_normal((channels, int(seconds * rate)))).astype(np.float32), rate)
        for name in NAMES
    }
    mix = np.sum([part.samples for part in parts.values()], axis=0, dtype=np.float32)
    return Audio(np.clip(mix, -0.99, 0.99), rate), parts


def in_16_bits(audio: Audio) -> Array:
    file = io.BytesIO()
    soundfile.write(file, audio.samples.T, audio.sample_rate, format="FLAC", subtype="PCM_16")
    file.seek(0)
    return soundfile.read(file, dtype="float32", always_2d=True)[0].T


def sounds_in(page: str) -> list[tuple[Array, int]]:
    found = re.findall(r'<script type="text/plain" id="sound-\d+">([^<]*)</script>', page)
    return [
        (data.T, rate)
        for data, rate in (soundfile.read(io.BytesIO(base64.b64decode(text)), always_2d=True) for text in found)
    ]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def tags_of(page: str | None) -> list[tuple[str, dict[str, str | None]]]:
    assert page is not None
    tags = Tags()
    tags.feed(page)
    return tags.found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = player_page(*tones())
    assert text is not None
    path = tmp_path_factory.mktemp("page") / "a piece_stems.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


def ready(browser: Browser, page: Path, before: str = "") -> None:
    browser.open(page, before)
    browser.until("player.ready || document.getElementById('state').textContent.startsWith('This browser')")
    assert browser.run("player.ready"), browser.run("document.getElementById('state').textContent")


def rendered(browser: Browser, *acts: tuple[float, str]) -> Array:
    """Return what is heard for two seconds: channels × samples. Acts are times in seconds and scripts."""
    script = ", ".join(f"[{at}, () => {{ {act} }}]" for at, act in acts)
    channels = browser.run(f"render([{script}])")
    return np.stack([np.frombuffer(base64.b64decode(channel), np.float32) for channel in channels])


def test_the_sounds_are_there_to_the_bit_and_in_order() -> None:
    mix, parts = tones()
    page = player_page(mix, parts)
    assert page is not None
    for (samples, rate), sound in zip(sounds_in(page), [mix, *parts.values()], strict=True):
        assert rate == RATE
        np.testing.assert_array_equal(samples.astype(np.float32), in_16_bits(sound))


def test_one_page_asks_for_nothing_else_and_names_are_escaped() -> None:
    tags = tags_of(player_page(*tones(0.1)))
    assert [tag for tag, _ in tags].count("script") == 1 + 4  # its own, and the sounds
    assert not {"src", "srcset", "action"} & {name for _, attributes in tags for name in attributes}
    assert [attributes["href"] for tag, attributes in tags if "href" in attributes] == ["data:,"]
    policy = next(a["content"] for _, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'")


def test_every_control_has_a_name_and_a_state() -> None:
    tags = tags_of(player_page(*tones(0.1)))
    buttons = [attributes for tag, attributes in tags if tag == "button"]
    assert len(buttons) == 2 + 1 + 2 * len(NAMES) and all(button["type"] == "button" for button in buttons)
    named = [button["aria-label"] for button in buttons if "aria-label" in button]
    assert {f"Mute {name}" for name in NAMES} | {f"Solo {name}" for name in NAMES} < set(named)
    assert all(button.get("aria-pressed") == "false" for button in buttons if button.get("id") != "play")
    assert all("aria-label" in attributes for tag, attributes in tags if tag == "input")


def test_the_same_sounds_give_the_same_page() -> None:
    assert player_page(*tones(0.5)) == player_page(*tones(0.5))


def test_a_mapped_sound_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    mix, parts = tones(1.0)
    np.save(tmp_path / "mix.npy", mix.samples)
    mapped = Audio(np.load(tmp_path / "mix.npy", mmap_mode="r"), RATE)
    assert player_page(mapped, parts) == player_page(mix, parts)


def test_of_a_long_sound_the_page_plays_the_beginning_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes.playing.page, "MOST", 8 * RATE)
    page = player_page(*tones(2.0))
    assert page is not None and "The first 0:01.0 of 0:02.0" in page
    assert [samples.shape for samples, _ in sounds_in(page)] == [(2, RATE)] * 4
    assert "The first" not in (player_page(*tones(1.0)) or "")


def test_what_is_beyond_full_scale_makes_all_softer_alike() -> None:
    mix = Audio(np.full((1, 1000), -2.0, np.float32), RATE)
    page = player_page(mix, {"a": Audio(np.full((1, 1000), 0.5, np.float32), RATE)})
    assert page is not None and "6.0 dB softer" in page
    assert [float(samples[0, 5]) for samples, _ in sounds_in(page)] == pytest.approx([-1.0, 0.25], abs=1e-4)


def test_edges() -> None:
    assert (
        player_page(Audio(np.zeros((2, 0), np.float32), RATE), {"a": Audio(np.zeros((2, 0), np.float32), RATE)}) is None
    )
    for channels, rate, length in ((1, 8000, 1), (8, 192_000, 5000), (14, 44100, 300)):
        silence = Audio(np.zeros((channels, length), np.float32), rate)
        page = player_page(silence, {"a": silence})
        assert page is not None
        assert [(samples.shape, found) for samples, found in sounds_in(page)] == [((1, length), rate)] * 2
    broken = np.full((2, 100), 0.25, np.float32)
    broken[0, 3], broken[1, 4], broken[1, 5] = np.nan, np.inf, -np.inf
    page = player_page(Audio(broken, RATE), {})
    assert page is not None and "nan" not in page.split("<ol")[1].split("</ol>")[0]
    ((samples, _),) = sounds_in(page)
    assert samples[0, 3] == samples[1, 4] == samples[1, 5] == 0 and samples[0, 4] == 0.25


def test_a_page_is_made_quickly() -> None:
    mix, parts = tones(30.0)
    began = time.process_time()
    player_page(mix, parts)
    assert time.process_time() - began < 2  # about 0.4 s on an idle core


@in_browser
def test_the_page_loads_quietly_and_decodes_all(browser: Browser, page: Path) -> None:
    ready(browser, page)
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]
    found = browser.run("player.tracks.map(t => [t.name, t.buffer.length, t.buffer.sampleRate])")
    assert found == [[name, 3 * RATE, RATE] for name in ("mix", *NAMES)]
    assert browser.run("document.title") == "a piece_stems" and browser.run("player.context") is None


@in_browser
def test_all_sources_begin_at_one_time_and_place(browser: Browser, page: Path) -> None:
    ready(browser, page, WATCHED)
    browser.press("Space", " ")
    browser.until("player.position() > 0.2")
    assert browser.run("document.getElementById('play').textContent") == "Pause"
    x, y = wave_point(browser, 2 / 3)
    browser.drag((x, y), (x, y))
    assert browser.run("player.position()") == pytest.approx(2, abs=0.3)
    browser.until("player.position() > 2.2")
    browser.press("Space", " ")
    stood = browser.run("player.position()")
    starts = browser.run("starts")
    assert len(starts) == 8
    for run in (starts[:4], starts[4:]):
        assert all(start == run[0] for start in run) and run[0]["when"] > 0
    assert starts[4]["offset"] == pytest.approx(2, abs=0.01)
    time.sleep(0.1)
    assert browser.run("player.position()") == stood > 2.2
    assert browser.complaints() == []


def wave_point(browser: Browser, share: float, row: int = 1) -> tuple[float, float]:
    box = browser.run(
        f"(() => {{ const b = document.querySelectorAll('.wave')[{row}].getBoundingClientRect();"
        " return [b.left, b.top, b.width, b.height]; })()"
    )
    return box[0] + share * box[2], box[1] + box[3] / 2


@in_browser
def test_at_its_end_it_stops_and_stands_at_the_beginning(browser: Browser, page: Path) -> None:
    ready(browser, page)
    browser.run("player.seek(2.8), player.toggle()")
    browser.until("document.getElementById('play').textContent === 'Play'")
    assert browser.run("player.position()") == 0


LEAD = round(0.05 * RATE)
SETTLED = LEAD + RATE // 20


@in_browser
def test_stems_sound_in_step_to_the_sample(browser: Browser, page: Path) -> None:
    ready(browser, page, OFFLINE)
    browser.run("player.seek(0.333333), player.toggle()")
    heard = rendered(browser)
    _, parts = tones()
    wanted = sum(in_16_bits(part) for part in parts.values())[:, round(0.333333 * RATE) :]
    assert not heard[:, :LEAD].any()
    np.testing.assert_allclose(
        heard[:, SETTLED:], wanted[:, SETTLED - LEAD :][:, : heard.shape[1] - SETTLED], atol=5e-5
    )


def played(sound: Audio | None, first: int, last: int) -> Array:
    """Return what is heard of a sound that began at 0, from one sample of the rendering to another."""
    return np.zeros((2, last - first)) if sound is None else in_16_bits(sound)[:, first - LEAD : last - LEAD]


@in_browser
def test_solo_mute_and_mix_are_heard_at_once_without_a_break(browser: Browser, page: Path) -> None:
    ready(browser, page, OFFLINE)
    browser.run("player.toggle()")
    click = "document.querySelectorAll('.track')[{}].querySelector('.{}').click();"
    acts = [
        (0.4, click.format(2, "solo")),
        (0.8, click.format(2, "solo") + click.format(1, "mute") + click.format(3, "mute")),
        (1.2, click.format(0, "compare")),
        (1.6, click.format(0, "compare") + click.format(2, "mute")),
    ]
    heard = rendered(browser, *acts)
    mix, parts = tones()
    for second, sound in ((0.4, parts["drums"]), (0.8, parts["drums"]), (1.2, mix), (1.6, None)):
        first, last = round((second + 0.1) * RATE), round((second + 0.39) * RATE)
        np.testing.assert_allclose(heard[:, first:last], played(sound, first, last), atol=5e-5)
    assert browser.complaints() == []


@in_browser
def test_keys_press_the_buttons(browser: Browser, page: Path) -> None:
    ready(browser, page)
    pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map(b => b.className || b.id)"
    levels = "player.tracks.map(player.levelOf)"
    assert browser.run(levels) == [0, 1, 1, 1]
    browser.press("Digit2", "2")
    assert browser.run(pressed) == ["solo"] and browser.run(levels) == [0, 0, 1, 0]
    browser.press("Digit3", "3")
    assert browser.run(levels) == [0, 0, 1, 1]
    browser.press("Digit0", "0")
    assert browser.run(levels) == [1, 0, 0, 0] and "compare" in browser.run(pressed)
    browser.press("Digit2", "2")
    browser.press("Digit3", "3")
    browser.press("Digit1", "!", shift=True)
    assert browser.run(pressed) == ["mute"] and browser.run(levels) == [0, 0, 1, 1]
    browser.press("ArrowRight", "ArrowRight")
    assert browser.run("player.position()") == 3
    browser.press("Home", "Home")
    assert browser.run("player.position()") == 0
    browser.run("document.querySelector('.solo').focus()")  # by script, as by Tab: focus is to be seen
    browser.press("KeyL", "l")
    assert browser.run(pressed) == ["loop", "mute"]


@in_browser
def test_a_level_in_decibels(browser: Browser, page: Path) -> None:
    ready(browser, page)
    set_to = """(() => {{
      const fader = document.querySelectorAll('.fader')[1];
      fader.value = {};
      fader.dispatchEvent(new Event('input'));
      return [player.levelOf(player.tracks[1]), fader.getAttribute('aria-valuetext')];
    }})()"""
    assert browser.run(set_to.format(-6)) == [pytest.approx(0.501187), "−6 dB"]
    assert browser.run(set_to.format(12)) == [pytest.approx(3.981072), "+12 dB"]
    assert browser.run(set_to.format(-60)) == [0, "silent"]


@in_browser
def test_what_is_dragged_over_is_looped(browser: Browser, page: Path) -> None:
    ready(browser, page, OFFLINE + WATCHED)
    browser.drag(wave_point(browser, 1 / 3), wave_point(browser, 1 / 2, 2))
    browser.press("Space", " ")
    starts = browser.run("starts")
    assert len(starts) == 4 and all(start == starts[0] for start in starts)
    first, last = starts[0]["loop"]
    assert (first, last) == pytest.approx((1.0, 1.5), abs=0.01) and starts[0]["offset"] == first
    heard = rendered(browser)
    turn = round((last - first) * RATE)
    once, again = heard[:, SETTLED : LEAD + turn], heard[:, SETTLED + turn : LEAD + 2 * turn]
    assert np.abs(once).max() > 0.1
    np.testing.assert_allclose(again, once, atol=1e-6)
    browser.press("KeyL", "l")
    assert browser.run("document.getElementById('loop').getAttribute('aria-pressed')") == "false"
