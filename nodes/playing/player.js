"use strict";
(() => {
  // Times are in seconds of the sound; `context.currentTime` is the one clock of all tracks.
  const LEAD = 0.05; // from a start's order to its sound, so that all tracks are in time for it
  const FADE = 0.003; // time constant of every change of a level: done after about 10 ms
  const STEP = 5;
  const main = document.querySelector("main");
  const find = (name) => document.getElementById(name);
  const rate = Math.min(96000, Math.max(8000, Number(main.dataset.rate)));
  const tracks = [...document.querySelectorAll(".track")].map(track);
  const [mix, ...stems] = tracks;
  const player = { tracks, context: null, seconds: Number(main.dataset.seconds), ready: false };
  let run = null; // what sounds now: its sources, their gain, when it began and where
  let place = 0; // where it stands while nothing sounds
  let loop = null; // [from, to] of what is played again and again
  let compare = false; // whether the mix is heard instead of the stems

  const whole = (time) => Math.round(time * rate) / rate; // samples between samples would have to be guessed

  function track(row) {
    const part = (name) => row.querySelector(`.${name}`);
    const own = { row, name: row.dataset.name, buffer: null, gain: null, muted: false, solo: false, level: 1 };
    const press = (name, change) => part(name)?.addEventListener("click", () => { change(); mixTracks(); });
    press("mute", () => { own.muted = !own.muted; compare = false; });
    press("solo", () => { own.solo = !own.solo; compare = false; });
    press("compare", () => { compare = !compare; });
    const fader = part("fader");
    const set = () => {
      const decibels = Number(fader.value);
      const silent = decibels <= Number(fader.min);
      own.level = silent ? 0 : 10 ** (decibels / 20);
      const text = silent ? "silent" : `${decibels > 0 ? "+" : ""}${decibels} dB`.replace("-", "−");
      part("level").textContent = text;
      fader.setAttribute("aria-valuetext", text);
      mixTracks();
    };
    fader.addEventListener("input", set);
    fader.addEventListener("dblclick", () => { fader.value = 0; set(); });
    return own;
  }

  function levelOf(own) {
    if (compare || own === mix) return compare && own === mix ? own.level : 0;
    const heard = stems.some((stem) => stem.solo) ? own.solo : !own.muted;
    return heard ? own.level : 0;
  }

  function mixTracks() {
    for (const own of tracks) {
      for (const [name, on] of [["mute", own.muted], ["solo", own.solo], ["compare", compare]]) {
        own.row.querySelector(`.${name}`)?.setAttribute("aria-pressed", on);
      }
      own.row.classList.toggle("silent", levelOf(own) === 0);
      own.gain?.gain.setTargetAtTime(levelOf(own), player.context.currentTime, FADE);
    }
  }

  // Decoding waits for no click: an offline context may decode where a sounding one must not begin yet.
  async function decode() {
    const decoder = new OfflineAudioContext(1, 1, rate);
    for (const [number, own] of tracks.entries()) {
      find("state").textContent = `Preparing ${number + 1} of ${tracks.length}`;
      const holder = find(`sound-${number}`);
      const text = atob(holder.textContent.trim());
      holder.remove(); // its memory is needed for the samples
      const bytes = new Uint8Array(text.length);
      for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
      own.buffer = await decoder.decodeAudioData(bytes.buffer);
    }
    for (const name of ["play", "loop", "seek"]) find(name).disabled = false;
    find("state").textContent = "";
    player.ready = true;
  }

  function position() {
    if (!run) return place;
    const at = run.from + Math.max(0, player.context.currentTime - run.when);
    if (!loop) return Math.min(at, player.seconds);
    const [from, to] = loop;
    return at < to ? at : from + ((at - from) % (to - from));
  }

  // All sources are given one time of the context's clock and one place: they are in step to the sample.
  function start(from) {
    const context = (player.context ??= new AudioContext({ sampleRate: rate, latencyHint: "interactive" }));
    const when = context.currentTime + LEAD;
    const fade = context.createGain();
    fade.gain.setValueAtTime(0, 0);
    fade.gain.setTargetAtTime(1, when, FADE);
    fade.connect(context.destination);
    const sources = tracks.map((own) => {
      const source = context.createBufferSource();
      source.buffer = own.buffer;
      if (loop) [source.loop, source.loopStart, source.loopEnd] = [true, ...loop];
      own.gain = context.createGain(); // the last run fades with gains of its own
      own.gain.gain.value = levelOf(own);
      source.connect(own.gain).connect(fade);
      source.start(when, from);
      return source;
    });
    run = { sources, fade, when, from };
    const mine = run;
    sources[0].addEventListener("ended", () => { if (run === mine) { stop(); place = 0; show(); } });
    context.resume().catch((error) => { find("state").textContent = `No sound: ${error.message}`; });
    find("play").textContent = "Pause";
    requestAnimationFrame(follow);
  }

  function stop() {
    if (!run) return;
    place = whole(position());
    const now = player.context.currentTime;
    run.fade.gain.cancelScheduledValues(now);
    run.fade.gain.setTargetAtTime(0, now, FADE);
    for (const source of run.sources) source.stop(now + 8 * FADE);
    run = null;
    find("play").textContent = "Play";
    show();
  }

  function toggle() {
    if (!player.ready) return;
    if (run) stop();
    else start(place >= player.seconds ? 0 : place);
  }

  function seek(to) {
    if (!player.ready) return;
    const sounding = run !== null;
    stop();
    place = whole(Math.min(Math.max(to, 0), player.seconds));
    if (loop && (place < loop[0] || place >= loop[1])) setLoop(null);
    if (sounding) start(place);
    show();
  }

  function setLoop(part) {
    const at = position();
    const sounding = run !== null;
    stop();
    loop = part && part.map(whole);
    place = loop && (at < loop[0] || at >= loop[1]) ? loop[0] : whole(at);
    find("loop").setAttribute("aria-pressed", part !== null);
    const [from, to] = part && part[1] - part[0] < player.seconds ? part : [0, 0]; // all is not shown as a part
    for (const [name, value] of [["--from", from], ["--to", to]]) {
      main.style.setProperty(name, value / (player.seconds || 1));
    }
    if (sounding) start(place);
    show();
  }

  function clock(time) {
    const tenths = Math.floor(time * 10 + 1e-6);
    return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
  }

  function show() {
    const at = position();
    main.style.setProperty("--at", at / (player.seconds || 1));
    find("time").textContent = clock(at);
    find("seek").value = at;
    find("seek").setAttribute("aria-valuetext", clock(at));
  }

  function follow() {
    if (!run) return;
    show();
    requestAnimationFrame(follow);
  }

  function listenTo(wave) {
    let begun = null;
    const timeAt = (event) => {
      const box = wave.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * player.seconds;
    };
    const dragged = (event) => Math.abs(event.clientX - begun.x) > 5;
    wave.addEventListener("pointerdown", (event) => {
      if (!player.ready || event.button !== 0) return;
      begun = { x: event.clientX, time: timeAt(event) };
      wave.setPointerCapture(event.pointerId);
    });
    wave.addEventListener("pointermove", (event) => {
      if (!begun || !dragged(event)) return;
      const [from, to] = [begun.time, timeAt(event)].sort((a, b) => a - b);
      main.style.setProperty("--from", from / player.seconds);
      main.style.setProperty("--to", to / player.seconds);
    });
    wave.addEventListener("pointerup", (event) => {
      if (!begun) return;
      const part = [begun.time, timeAt(event)].sort((a, b) => a - b);
      if (dragged(event) && part[1] - part[0] > 0.02) setLoop(part);
      else seek(part[0]);
      begun = null;
    });
    wave.addEventListener("pointercancel", () => { begun = null; setLoop(loop); });
  }

  const KEYS = {
    Space: toggle,
    Home: () => seek(0),
    ArrowLeft: () => seek(position() - STEP),
    ArrowRight: () => seek(position() + STEP),
    KeyL: () => find("loop").click(),
    Digit0: () => mix.row.querySelector(".compare").click(),
  };
  stems.slice(0, 9).forEach((stem, number) => {
    KEYS[`Digit${number + 1}`] = (event) => stem.row.querySelector(event.shiftKey ? ".mute" : ".solo").click();
  });

  function heed(event) {
    const act = KEYS[event.code];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    const focused = document.activeElement;
    if (event.code === "Space" && focused.matches("button:focus-visible")) return; // it presses that button
    if (/Arrow|Home/.test(event.code) && focused.matches("input")) return; // it moves that slider
    event.preventDefault();
    if (!event.repeat || event.code.startsWith("Arrow")) act(event);
  }

  find("play").addEventListener("click", toggle);
  find("loop").addEventListener("click", () => player.ready && setLoop(loop ? null : [0, player.seconds]));
  find("seek").addEventListener("input", (event) => seek(Number(event.target.value)));
  document.querySelectorAll(".wave").forEach(listenTo);
  document.addEventListener("keydown", heed);
  document.addEventListener("keyup", (event) => {
    if (event.code === "Space" && !document.activeElement.matches("button:focus-visible")) event.preventDefault();
  });
  if (location.protocol === "file:") document.title = decodeURIComponent(location.pathname.split("/").pop()).replace(/\.html$/, "");
  Object.assign(player, { position, seek, toggle, setLoop, levelOf });
  window.player = player;
  mixTracks();
  decode().catch((error) => { find("state").textContent = `This browser cannot decode the sounds: ${error.message}`; });
})();
