// One film as it arrives: the recorder's fragments, read as they come, handed to the browser's player, and when each of their frames was taken.
// What the recorder writes stands in docs of its MP4: each fragment begins with the clock (prft), and names every frame (trun).

const TICKS = 90000;
// So many seconds of a film may lie before the span that was asked for.
const BEFORE = 600;
// A film out of a package is asked for as it is watched: so many seconds ahead, and behind what is watched so many stay.
const AHEAD = 90;
const BEHIND = 30;
// A picture is asked for so long after it begins, so that rounding does not show the one before it.
const SURE = 0.004;
// Two frames with more than this between them have a gap between them.
const GAP = 0.5;

const word = (bytes, at) => String.fromCharCode(...bytes.subarray(at, at + 4));
const u32 = (bytes, at) => ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
const u64 = (bytes, at) => u32(bytes, at) * 4294967296 + u32(bytes, at + 4);
const hex = (n) => n.toString(16).padStart(2, "0");
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// Boxes of that kind in [from, to): where what they hold begins and ends.
const boxes = (bytes, kind, from, to) => {
  const found = [];
  for (let at = from; at + 8 <= to;) {
    const size = u32(bytes, at);
    if (size < 8) break;
    if (word(bytes, at + 4) === kind) found.push([at + 8, at + size]);
    at += size;
  }
  return found;
};

const after = (bytes, kind) => {
  for (let at = 0; at + 4 <= bytes.length; at += 1) if (bytes[at] === kind.charCodeAt(0) && word(bytes, at) === kind) return at + 4;
  return 0;
};

// How the browser calls what stands in a film's beginning.
export const codecs = (begin) => {
  const all = [];
  const [avc, hevc] = [after(begin, "avcC"), after(begin, "hvcC")];
  if (avc) all.push("avc1." + [1, 2, 3].map((n) => hex(begin[avc + n])).join(""));
  if (hevc) {
    let [flags, turned] = [u32(begin, hevc + 2), 0];
    for (let n = 0; n < 32; n += 1) { turned = ((turned << 1) | (flags & 1)) >>> 0; flags >>>= 1; }
    const more = [...begin.subarray(hevc + 6, hevc + 12)];
    while (more.length && more[more.length - 1] === 0) more.pop();
    const profile = ["", "A", "B", "C"][begin[hevc + 1] >> 6] + (begin[hevc + 1] & 31);
    all.push(["hvc1", profile, turned.toString(16), (begin[hevc + 1] & 32 ? "H" : "L") + begin[hevc + 12], ...more.map((n) => n.toString(16))].join("."));
  }
  if (after(begin, "mp4a")) all.push("mp4a.40.2");
  return all;
};

// When a fragment's first frame was taken, and when each of its frames is shown, in seconds of the film.
const fragment = (bytes) => {
  const [seconds, part] = [u32(bytes, 16), u32(bytes, 20)];
  const era = seconds < 2147483648 ? 4294967296 : 0;
  const wall = (seconds + era - 2208988800) * 1000 + Math.round((part * 1000) / 4294967296);
  const frames = [];
  const [moof] = boxes(bytes, "moof", 32, bytes.length);
  const [traf] = moof ? boxes(bytes, "traf", ...moof) : [];
  if (!traf) throw new Error("a fragment without frames");
  const [[decoded], [run]] = [boxes(bytes, "tfdt", ...traf)[0], boxes(bytes, "trun", ...traf)[0]];
  let time = u64(bytes, decoded + 4);
  const count = u32(bytes, run + 4);
  for (let n = 0, at = run + 12; n < count; n += 1, at += 16) {
    const length = u32(bytes, at);
    const begin = time + (u32(bytes, at + 12) | 0);
    frames.push([begin / TICKS, (begin + length) / TICKS]);
    time += length;
  }
  frames.sort((a, b) => a[0] - b[0]);
  return { bytes, wall, media: u64(bytes, 24) / TICKS, frames };
};

// Takes a film's bytes in pieces of any size, and gives back its beginning and its fragments, whole.
export class Reader {
  constructor() { this.held = new Uint8Array(0); }

  push(more) {
    const all = new Uint8Array(this.held.length + more.length);
    all.set(this.held);
    all.set(more, this.held.length);
    this.held = all;
    const parts = [];
    for (let part = this.next(); part; part = this.next()) parts.push(part);
    return parts;
  }

  next() {
    let at = 0;
    for (;;) {
      if (this.held.length < at + 8) return null;
      const size = u32(this.held, at);
      const kind = word(this.held, at + 4);
      if (size < 8) throw new Error("no film of this recorder's");
      if (this.held.length < at + size) return null;
      at += size;
      if (kind !== "moov" && kind !== "mdat") continue;
      const bytes = this.held.slice(0, at);
      this.held = this.held.slice(at);
      return kind === "moov" ? { begin: bytes } : fragment(bytes);
    }
  }
}

export class Film {
  // `changed`: told when it stands otherwise.
  constructor(part, changed) {
    this.part = part;
    this.video = part.querySelector("video");
    this.camera = part.dataset.camera;
    this.look = part.dataset.look;
    this.span = [Number(part.dataset.from), Number(part.dataset.to)];
    this.origin = this.span[0] - BEFORE * 1000;
    this.changed = changed;
    this.run = 0;
    this.state = "coming";
    this.sound = false;
    // It began as it arrived, and is of checked masters by now.
    this.checked = false;
    this.clear();
  }

  clear() {
    // Frames as they are shown, in the player's seconds, and when the first of each fragment was taken.
    this.frames = [];
    this.marks = [];
    this.asked = this.span[0];
    // Where the clock stands, in the player's seconds.
    this.wanted = BEFORE;
    // What lies before it the player let go.
    this.dropped = -1;
  }

  // coming, whole, broken, off, ended, cannot
  stands(state) {
    this.state = state;
    this.changed(this);
  }

  // Fetches the film; from that moment on, where that can be asked for.
  async begin(from) {
    const run = ++this.run;
    this.stop?.abort();
    this.stop = new AbortController();
    this.clear();
    if (from > this.span[0] && !this.look) this.asked = from;
    this.stands("coming");
    const source = new MediaSource();
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = URL.createObjectURL(source);
    this.buffer = null;
    this.video.src = this.address;
    await new Promise((open) => source.addEventListener("sourceopen", open, { once: true }));
    try {
      for (let stretch = 0; await this.stretch(source, stretch, run); stretch += 1);
      if (run !== this.run) return;
      if (source.readyState === "open") source.endOfStream();
      this.stands("whole");
    } catch (why) {
      if (run !== this.run || ["off", "ended", "cannot"].includes(this.state)) return;
      console.warn(this.camera, why);
      await this.ask();
      if (run !== this.run) return;
      const masters = this.part.dataset.masters;
      if (!masters) return this.stands("broken");
      // All of it may be here by now, and checked.
      [this.part.dataset.film, this.look] = [masters, ""];
      delete this.part.dataset.masters;
      this.checked = true;
      this.begin(this.wall(this.video.currentTime));
    }
  }

  // One film has one kind of pictures; false once there are no more.
  async stretch(source, number, run) {
    if (number > 0 && this.look) {
      const look = await this.ask();
      if (!look || look.stretches <= number) return false;
    }
    const from = this.asked > this.span[0] ? "&from=" + Math.round(this.asked) : "";
    const answer = await fetch(this.part.dataset.film + "?stretch=" + number + from, { credentials: "same-origin", signal: this.stop.signal });
    if (answer.status === 204) return false;
    if (!answer.ok) throw new Error("the hub answers " + answer.status);
    const [reader, parts] = [answer.body.getReader(), new Reader()];
    let begin = null;
    for (;;) {
      const { value, done } = await reader.read();
      if (run !== this.run) { reader.cancel().catch(() => {}); return false; }
      if (done) return true;
      for (const part of parts.push(value)) {
        if (part.begin) { begin = part.begin; continue; }
        if (begin) await this.prepare(source, begin, part);
        begin = null;
        await this.append(part.bytes, run);
        if (run !== this.run) return false;
        this.note(part);
      }
      while (!this.look && run === this.run && this.end() - this.wanted > AHEAD) await wait(200);
    }
  }

  // The player is told what comes, and where on the clock it belongs.
  async prepare(source, begin, first) {
    const all = codecs(begin);
    const kind = 'video/mp4; codecs="' + all.join(", ") + '"';
    if (!MediaSource.isTypeSupported(kind)) { this.stands("cannot"); throw new Error(kind); }
    this.sound = all.includes("mp4a.40.2");
    if (this.buffer) this.buffer.changeType(kind);
    else this.buffer = source.addSourceBuffer(kind);
    this.shift = (first.wall - this.origin) / 1000 - first.media;
    this.buffer.timestampOffset = this.shift;
    await this.append(begin, this.run);
  }

  async append(bytes, run) {
    for (;;) {
      try {
        this.buffer.appendBuffer(bytes);
        await this.settled();
        return;
      } catch (why) {
        if (why.name !== "QuotaExceededError") throw why;
      }
      // The player is full: what lies behind makes room.
      const until = this.wanted - BEHIND;
      const held = this.video.buffered;
      if (held.length && held.start(0) < until) {
        this.buffer.remove(held.start(0), until);
        this.dropped = until;
        await this.settled();
      } else await wait(250);
      if (run !== this.run) return;
    }
  }

  settled() {
    const buffer = this.buffer;
    return new Promise((done, failed) => {
      buffer.onupdateend = done;
      buffer.onerror = () => failed(new Error("the player does not take it"));
    });
  }

  note(part) {
    this.marks.push({ at: part.media + this.shift, wall: part.wall });
    for (const [begin, end] of part.frames) this.frames.push([begin + this.shift, end + this.shift]);
    this.changed(this);
  }

  // How its look stands: turned off, over, or not theirs any more.
  async ask() {
    if (!this.look || this.state === "off" || this.state === "ended") return null;
    const answer = await fetch(this.look, { credentials: "same-origin", headers: { accept: "application/json" } }).catch(() => null);
    const look = answer && answer.ok ? await answer.json() : null;
    if (look && look.off) this.blank("off");
    if (answer && (answer.status === 401 || answer.status === 403)) this.blank("ended");
    return look;
  }

  // Nothing of it is shown any more: it was turned off, or whoever watches may not any longer.
  blank(state) {
    this.run += 1;
    this.stop?.abort();
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
    this.clear();
    this.stands(state);
  }

  end() { return this.frames.length ? this.frames[this.frames.length - 1][1] : -1; }

  // The last of them that begins at or before that; -1: none does.
  last(all, at, key) {
    let [low, high] = [0, all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (key(all[middle]) <= at) low = middle + 1; else high = middle;
    }
    return low - 1;
  }

  // When what the player shows at that second was taken.
  wall(second) {
    const mark = this.marks[Math.max(0, this.last(this.marks, second + 0.0005, (m) => m.at))];
    return mark ? mark.wall + (second - mark.at) * 1000 : this.origin + second * 1000;
  }

  // The player's second of a moment.
  second(wall) {
    const mark = this.marks[Math.max(0, this.last(this.marks, wall, (m) => m.wall))];
    return mark ? mark.at + (wall - mark.wall) / 1000 : (wall - this.origin) / 1000;
  }

  // What there is of a moment: a picture (there), nothing (gap, to when), nothing yet (coming), nothing any more (gone: the player let it go), or the end (over).
  at(wall) {
    if (["off", "ended", "cannot"].includes(this.state)) return { kind: this.state };
    const second = this.second(wall);
    this.wanted = second;
    const held = this.video.buffered;
    for (let n = 0; n < held.length; n += 1) {
      if (second >= held.start(n) - 0.005 && second < held.end(n) - 0.01) return { kind: "there", end: held.end(n) };
    }
    if (second < this.dropped) return { kind: "gone" };
    const frames = this.frames;
    const before = this.last(frames, second, (f) => f[0]);
    if (!frames.length) return { kind: this.state === "coming" ? "coming" : "over" };
    if (before < 0) {
      if (this.asked > this.span[0]) return { kind: "gone" };
      return { kind: "gap", from: this.span[0], to: this.wall(frames[0][0]) };
    }
    if (before === frames.length - 1) {
      return { kind: this.state === "coming" ? "coming" : "over", from: this.wall(frames[before][1] - 0.001) };
    }
    // On it goes where the player has pictures again.
    let to = Infinity;
    for (let n = 0; n < held.length; n += 1) if (held.start(n) > second) to = Math.min(to, held.start(n));
    if (to === Infinity) return { kind: this.state === "coming" ? "coming" : "over" };
    return { kind: "gap", from: this.wall(frames[before][1] - 0.001), to: this.wall(to) };
  }

  // The frame after a moment, or before it; null: there is none. A frame is named by when it was taken.
  beside(wall, onward) {
    const second = this.second(wall);
    const here = this.last(this.frames, second + SURE, (f) => f[0]);
    const wanted = onward ? here + 1 : here - 1;
    const frame = this.frames[wanted];
    return frame ? this.wall(frame[0]) : null;
  }

  // Stretches that have come, by the clock.
  stretches() {
    const all = [];
    for (const [begin, end] of this.frames) {
      const before = all[all.length - 1];
      if (before && begin - before[1] <= GAP) before[1] = Math.max(end, before[1]);
      else all.push([begin, end]);
    }
    return all.map(([begin, end]) => [this.wall(begin), this.wall(end - 0.001)]);
  }

  // Shows the picture of a moment.
  still(wall) {
    const video = this.video;
    if (!video.paused) video.pause();
    const want = this.second(wall) + SURE;
    if (!video.seeking && Math.abs(video.currentTime - want) > 0.0005) video.currentTime = want;
  }

  // Plays from a moment on, or goes on, as fast as that; `leads`: the others follow it.
  play(wall, speed, leads) {
    const video = this.video;
    if (video.seeking) return;
    const off = this.second(wall) - video.currentTime;
    if (Math.abs(off) > (leads ? 0.08 : 0.5)) { video.currentTime = this.second(wall) + SURE; return; }
    video.playbackRate = leads ? speed : Math.min(16, Math.max(0.1, speed * Math.min(1.25, Math.max(0.75, 1 + off))));
    if (video.paused) video.play().catch(() => {});
  }
}
