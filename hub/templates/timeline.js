// The time line of the page where footage is found: from and to by dragging over a lane, or by two handles with the keys. What is typed in the
// fields says the same, and all works without this.
"use strict";
(() => {
  const lanes = document.getElementById("lanes");
  if (!lanes) return;
  const [begin, end] = [Number(lanes.dataset.begin), Number(lanes.dataset.end)];
  const fields = ["from", "to"].map((id) => document.getElementById(id));
  const handles = ["from-at", "to-at"].map((id) => document.getElementById(id));
  const format = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: lanes.dataset.zone, ...options });
  const [time, name] = [format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }), format({ timeZoneName: "short" })];
  const zone = (ms) => name.formatToParts(ms).find((part) => part.type === "timeZoneName").value;
  // A day with two zones says of every time which it is.
  const two = zone(begin) !== zone(end - 1);
  const clock = (ms) => time.format(ms).replace(/^24/, "00") + (two ? " " + zone(ms) : "");
  const marks = [...lanes.querySelectorAll(".lane svg")].map((svg) => {
    const mark = svg.querySelector(".marked") || svg.appendChild(document.createElementNS(svg.namespaceURI, "rect"));
    mark.setAttribute("class", "marked");
    mark.setAttribute("y", "0");
    mark.setAttribute("height", "36");
    return mark;
  });
  const share = (ms) => ((ms - begin) * 100) / (end - begin);
  const show = (from, to) => {
    [from, to] = [Math.min(from, to), Math.max(from, to)].map((ms) => Math.round(ms / 1000) * 1000);
    for (const mark of marks) {
      mark.setAttribute("x", share(from) + "%");
      mark.setAttribute("width", share(to) - share(from) + "%");
    }
    [from, to].forEach((ms, i) => {
      fields[i].value = ms >= end ? clock(end - 1000) : clock(ms);
      handles[i].value = String(ms);
      handles[i].setAttribute("aria-valuetext", fields[i].value);
    });
  };
  // Where the marks are at first: what was typed, else nothing.
  const drawn = marks[0];
  if (drawn && drawn.hasAttribute("width")) {
    const at = (attribute) => (parseFloat(drawn.getAttribute(attribute)) * (end - begin)) / 100;
    handles[0].value = String(begin + at("x"));
    handles[1].value = String(begin + at("x") + at("width"));
  }
  handles.forEach((handle, i) => {
    handle.setAttribute("aria-valuetext", fields[i].value || clock(Number(handle.value)));
    handle.addEventListener("input", () => show(Number(handles[0].value), Number(handles[1].value)));
  });
  lanes.querySelector(".handles").hidden = false;
  for (const svg of lanes.querySelectorAll(".lane svg")) {
    let from = null;
    const at = (event) => {
      const box = svg.getBoundingClientRect();
      return begin + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (end - begin);
    };
    svg.addEventListener("pointerdown", (event) => { from = at(event); svg.setPointerCapture(event.pointerId); });
    svg.addEventListener("pointermove", (event) => { if (from !== null && Math.abs(at(event) - from) > 2000) show(from, at(event)); });
    svg.addEventListener("pointerup", () => { from = null; });
    svg.addEventListener("pointercancel", () => { from = null; });
  }
})();
