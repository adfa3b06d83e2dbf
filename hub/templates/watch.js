// Watching: films of several cameras on one clock, with the time of day that the recorder gave them; every frame, and every gap with how long it is.
import { Film } from "/film.js";

const root = document.getElementById("watch");
const words = root.dataset;
const deck = root.querySelector(".deck");
const [clock, pace, said] = [".clock time", ".pace", ".said"].map((name) => deck.querySelector(name));
const place = document.getElementById("place");
const marks = root.querySelector(".marks");
const button = (name) => deck.querySelector(`[data-do=${name}]`);
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// The clock on the wall.
const format = new Intl.DateTimeFormat("en-GB", { timeZone: words.zone, weekday: "short", day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short" });
const parts = (ms) => Object.fromEntries(format.formatToParts(ms).map((part) => [part.type, part.value]));
const time = (ms, fine) => {
  const p = parts(ms);
  const thousandths = fine ? "." + String(Math.floor(((ms % 1000) + 1000) % 1000)).padStart(3, "0") : "";
  return `${p.hour}:${p.minute}:${p.second}${thousandths}`;
};
const whole = (ms, fine) => { const p = parts(ms); return `${p.weekday} ${p.day} ${p.month} ${p.year} ${time(ms, fine)} ${p.timeZoneName}`; };
const length = (ms) => (ms < 60000 ? (ms / 1000).toFixed(ms < 10000 ? 1 : 0) + " s" : filled(words.length, { m: Math.floor(ms / 60000), s: Math.round((ms % 60000) / 1000) }));

// Silence between two segments that is no gap on record.
const SILENT = 500;
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
const films = [...root.querySelectorAll(".film")].map((part) => new Film(part, stands));
const begin = Math.min(...films.map((film) => film.span[0]));
const end = Math.max(...films.map((film) => film.span[1]));
let now = begin;
// How fast it goes: 0 stands, less goes back.
let going = 1;
let speed = 1;
let drawn = 0;
const marked = { in: null, out: null, moments: [] };

const say = (text) => { if (said.textContent !== text) said.textContent = text; };

// What is said of a film by itself.
function stands(film) {
  const [off, broken] = film.part.querySelectorAll(".problem");
  off.hidden = film.state !== "off";
  broken.hidden = film.state !== "broken";
  if (film.sound && film === films[0]) button("sound").hidden = false;
  if (film.checked) film.part.querySelector(".kind").textContent = words.masters;
  drawn = 0;
}

const cover = (film, found) => {
  const over = film.part.querySelector(".cover");
  over.hidden = found.kind === "there" || (found.kind === "gap" && found.to - found.from <= SILENT);
  if (over.hidden) return;
  const gap = found.kind === "gap" && { from: time(found.from), to: time(found.to), length: length(found.to - found.from) };
  const text = { gap: gap && filled(words.gap, gap), coming: words.coming, gone: words.coming, over: words.over, cannot: words.cannot, ended: words.ended, off: "" }[found.kind];
  if (over.textContent !== text) over.textContent = text;
};

const go = (value) => {
  going = value;
  if (value > 0) speed = value;
  button("play").textContent = value ? words.pause : words.play;
  pace.textContent = value === 1 || value === 0 ? "" : filled(words.speed, { speed: String(value).replace("-", "−") });
  if (!value) for (const film of films) film.video.pause();
};

// To a moment, where whatever plays goes on from.
const to = (wall) => { now = Math.min(end, Math.max(begin, wall)); };

const hop = (from, wall) => {
  if (wall - from > SILENT) say(filled(words.hopped, { length: length(wall - from), from: time(from), to: time(wall) }));
  to(wall);
};

// Where the film that leads stood, and since when it has not moved: at the edge of what there is a player stands a little before it.
let stood = { second: -1, since: 0 };
const stuck = (film, found) => {
  const second = film.video.currentTime;
  if (second !== stood.second || film.video.seeking) stood = { second, since: performance.now() };
  return performance.now() - stood.since > 250 && found.end - second < 0.35;
};

// It was said that a camera is waited for.
let waits = false;
const onward = () => {
  const found = films.map((film) => film.at(now));
  found.forEach((f, n) => { if (f.kind === "gone") films[n].begin(now); });
  const late = films.find((_, n) => found[n].kind === "coming" || found[n].kind === "gone");
  if (late) {
    for (const film of films) film.video.pause();
    waits = films.length > 1 && found.some((f) => f.kind === "there");
    if (waits) say(filled(words.waiting, { camera: late.camera }));
    return;
  }
  if (waits) { waits = false; say(""); }
  const lead = films.find((_, n) => found[n].kind === "there");
  if (!lead) {
    const next = found.filter((f) => f.kind === "gap").sort((a, b) => a.to - b.to)[0];
    if (next && next.to < end) return hop(now, next.to);
    go(0);
    return say(words.end);
  }
  films.forEach((film, n) => {
    if (found[n].kind === "there") film.play(now, going, film === lead);
    else film.video.pause();
  });
  const here = found[films.indexOf(lead)];
  if (stuck(lead, here)) {
    const edge = lead.wall(here.end) + 1;
    if (lead.at(edge).kind === "coming") {
      for (const film of films) if (film !== lead) film.video.pause();
      return;
    }
    stood.second = -1;
    return to(edge);
  }
  if (!lead.video.seeking && !lead.video.paused) {
    const wall = lead.wall(lead.video.currentTime);
    if (Math.abs(wall - now) < 5000) now = wall;
  }
  if (now >= end) { go(0); say(words.end); }
};

let before = performance.now();
const tick = () => {
  const past = performance.now() - before;
  before += past;
  if (going > 0) onward();
  else {
    if (going < 0) {
      to(now + past * going);
      if (now <= begin) go(0);
    }
    for (const film of films) {
      const found = film.at(now);
      if (found.kind === "there") film.still(now);
      else film.video.pause();
      if (found.kind === "gone" && going === 0) film.begin(now);
    }
  }
  show();
};

const NS = "http://www.w3.org/2000/svg";
const shape = (name, all) => {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(all)) made.setAttribute(key, value);
  return made;
};
const share = (wall) => Math.min(100, Math.max(0, ((wall - begin) * 100) / Math.max(1, end - begin)));
const upright = (wall, kind) => shape("line", { class: kind, x1: share(wall) + "%", x2: share(wall) + "%", y1: 0, y2: 20 });

// A lane for each camera: what has come, and gaps between.
const draw = () => {
  drawn = performance.now();
  const lanes = films.map((film) => {
    const lane = shape("svg", { width: "100%", height: 20, role: "img", "aria-label": film.camera });
    lane.append(shape("rect", { class: "none", x: 0, y: 4, width: "100%", height: 12 }));
    const all = film.stretches();
    all.forEach(([from, till], n) => {
      lane.append(shape("rect", { class: "recorded", x: share(from) + "%", y: 4, width: share(till) - share(from) + "%", height: 12 }));
      const next = all[n + 1];
      if (next) lane.append(shape("rect", { class: "gap", x: share(till) + "%", y: 8, width: share(next[0]) - share(till) + "%", height: 4 }));
    });
    if (marked.in !== null && marked.out !== null) lane.append(shape("rect", { class: "marked", x: share(marked.in) + "%", y: 0, width: share(marked.out) - share(marked.in) + "%", height: 20 }));
    for (const wall of marked.moments) lane.append(upright(wall, "mark"));
    return lane;
  });
  deck.querySelector(".line").replaceChildren(...lanes);
};

const show = () => {
  clock.textContent = whole(now, going <= 0 || speed < 1);
  clock.setAttribute("datetime", new Date(now).toISOString());
  if (document.activeElement !== place || going) place.value = String(now);
  place.setAttribute("aria-valuetext", time(now));
  for (const film of films) cover(film, film.at(now));
  if (performance.now() - drawn > 1000) draw();
};

// What each player shows just now, told by the recorder's clock.
for (const film of films) {
  const picture = film.part.querySelector(".picture");
  const shown = (_, frame) => {
    const wall = film.wall(frame.mediaTime);
    picture.textContent = filled(words.picture, { time: time(wall, true) });
    picture.dataset.at = String(Math.round(wall));
    film.video.requestVideoFrameCallback(shown);
  };
  film.video.requestVideoFrameCallback?.(shown);
  film.part.querySelectorAll(".problem")[1].querySelector("button").addEventListener("click", () => film.begin(now));
  if (film.look) setInterval(() => film.ask(), 2000);
  // A click chooses the camera whose frames are stepped through.
  film.part.querySelector(".screen").addEventListener("click", () => { chosen = film; act.play(); });
}

let chosen = films[0];
const step = (on) => {
  go(0);
  const stepped = [chosen, ...films].find((film) => film.beside(now, on) !== null);
  if (!stepped) return say(on ? words.end : "");
  const wall = stepped.beside(now, on);
  const apart = Math.abs(wall - now);
  const gap = apart > SILENT && !films.some((film) => film.at((wall + now) / 2).kind === "there");
  say("");
  if (gap) hop(Math.min(now, wall), Math.max(now, wall));
  to(wall);
};

const faster = (by) => {
  const at = SPEEDS.indexOf(Math.abs(going || speed));
  const next = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + by))];
  if (going < 0) go(-next); else if (going > 0) go(next); else { speed = next; pace.textContent = next === 1 ? "" : filled(words.speed, { speed: next }); }
};

const list = () => {
  const all = [["in", marked.in], ["out", marked.out], ...marked.moments.map((wall) => ["moment", wall])].filter(([, wall]) => wall !== null);
  marks.querySelector(".nothing").hidden = all.length > 0;
  const names = { in: button("in").textContent, out: button("out").textContent, moment: button("mark").textContent };
  const rows = all.map(([kind, wall]) => {
    const row = document.createElement("li");
    const [lead, away] = [document.createElement("button"), document.createElement("button")];
    lead.type = away.type = "button";
    lead.textContent = `${names[kind]}: ${whole(wall, true)}`;
    lead.addEventListener("click", () => { go(0); to(wall); });
    away.textContent = words.remove;
    away.setAttribute("aria-label", `${words.remove}: ${lead.textContent}`);
    away.addEventListener("click", () => {
      if (kind === "moment") marked.moments = marked.moments.filter((m) => m !== wall); else marked[kind] = null;
      list();
      deck.focus();
    });
    row.append(lead, away);
    return row;
  });
  marks.querySelector("ol").replaceChildren(...rows);
  const ask = marks.querySelector("a");
  ask.hidden = !(marked.in !== null && marked.out !== null && marked.in < marked.out);
  const typed = (wall) => new Date(wall).toISOString();
  const cameras = films.map((film) => "cam=" + encodeURIComponent(film.camera));
  if (!ask.hidden) ask.href = "/find?" + [...cameras, "from=" + encodeURIComponent(typed(marked.in)), "to=" + encodeURIComponent(typed(marked.out))].join("&");
  draw();
};
const mark = (kind) => {
  const wall = Math.round(now);
  if (kind === "moment") marked.moments = [...new Set([...marked.moments, wall])].sort((a, b) => a - b); else marked[kind] = wall;
  say(`${button(kind === "moment" ? "mark" : kind).textContent}: ${time(wall, true)}`);
  list();
};

const act = {
  play: () => {
    if (going) return go(0);
    if (now >= end - 50) to(begin);
    say("");
    go(speed);
  },
  forwards: () => go(going > 0 ? SPEEDS[Math.min(SPEEDS.length - 1, SPEEDS.indexOf(going) + 1)] : 1),
  backwards: () => go(going < 0 ? -SPEEDS[Math.min(SPEEDS.length - 1, SPEEDS.indexOf(-going) + 1)] : -1),
  on: () => step(true),
  back: () => step(false),
  faster: () => faster(1),
  slower: () => faster(-1),
  in: () => mark("in"),
  out: () => mark("out"),
  mark: () => mark("moment"),
  sound: () => {
    const video = films[0].video;
    video.muted = !video.muted;
    button("sound").setAttribute("aria-pressed", String(!video.muted));
  },
};
for (const one of deck.querySelectorAll("[data-do]")) one.addEventListener("click", () => act[one.dataset.do]());

// Keys count while the player has the focus, so that they are nobody else's.
deck.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const field = event.target.matches("input");
  if (field && event.target.id !== "place") return;
  const key = event.key.toLowerCase();
  const five = event.shiftKey ? 5000 : 0;
  const jump = (by) => { to(now + by); };
  const all = {
    k: act.play, l: act.forwards, j: act.backwards, ",": act.back, ".": act.on, i: act.in, o: act.out, m: act.mark, "+": act.faster, "=": act.faster, "-": act.slower,
    arrowleft: () => (five ? jump(-five) : act.back()), arrowright: () => (five ? jump(five) : act.on()), home: () => to(begin), end: () => { go(0); to(end - 1); },
  };
  if (event.target.tagName !== "BUTTON") all[" "] = act.play;
  if (!all[key]) return;
  event.preventDefault();
  all[key]();
});

place.min = String(begin);
place.max = String(end);
place.addEventListener("input", () => to(Number(place.value)));

// A time that is typed is one of the span, as the clock on the wall shows it.
const goto = document.getElementById("goto");
const seek = () => {
  const typed = /^\s*(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?\s*$/.exec(goto.value);
  const wanted = typed && [typed[1].padStart(2, "0"), typed[2], typed[3] || "00"].join(":");
  const of = (text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  const apart = wanted && ((of(wanted) - of(time(begin)) + 86400) % 86400) * 1000;
  const base = begin - (begin % 1000);
  // An hour that comes twice, or not at all, lies an hour off.
  const found = wanted && [0, 3600000, -3600000].map((off) => base + apart + off).find((wall) => wall >= base && wall <= end && time(wall) === wanted);
  if (!found) return say(words.outside);
  say("");
  go(0);
  to(found);
};
goto.form.addEventListener("submit", (event) => { event.preventDefault(); seek(); });
goto.form.querySelector("button").addEventListener("click", seek);

deck.hidden = false;
go(1);
for (const film of films) film.begin(begin);
setInterval(tick, 40);
deck.focus({ preventScroll: true });
addEventListener("pagehide", () => { for (const film of films) film.blank("ended"); });
