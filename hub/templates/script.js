// The one script of these pages: passkeys, footage that arrives, and a word before a session ends. All else works without it.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const keys = (list) => list.split(" ").filter(Boolean).map((id) => ({ type: "public-key", id: bytes(id) }));

  const make = async (d) => {
    const made = await navigator.credentials.create({ publicKey: {
      challenge: bytes(d.challenge), rp: { id: d.party, name: d.party },
      user: { id: bytes(d.user), name: d.name, displayName: d.name },
      pubKeyCredParams: [{ type: "public-key", alg: -7 }], excludeCredentials: keys(d.keys),
      authenticatorSelection: { userVerification: "required" }, attestation: "none", timeout: 240000 } });
    return { id: text(made.rawId), type: made.type, response: {
      clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) } };
  };
  const use = async (d) => {
    const used = await navigator.credentials.get({ publicKey: {
      challenge: bytes(d.challenge), rpId: d.party, allowCredentials: keys(d.keys), userVerification: "required", timeout: 240000 } });
    return { id: text(used.rawId), type: used.type, response: {
      clientDataJSON: text(used.response.clientDataJSON), authenticatorData: text(used.response.authenticatorData),
      signature: text(used.response.signature) } };
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", async (event) => {
      if (form.elements.credential.value) return;
      event.preventDefault();
      const said = form.querySelector("[role=alert]");
      said.hidden = true;
      try {
        const done = await (form.dataset.passkey === "create" ? make : use)(form.dataset);
        form.elements.credential.value = JSON.stringify(done);
        form.submit();
      } catch (why) {
        said.textContent = "The passkey was not used: " + why.message + " Nothing was done; try again.";
        said.hidden = false;
      }
    });
  }

  // Footage that is watched before it is checked: the player is blank once it is turned off.
  for (const part of document.querySelectorAll("section[data-film]")) {
    const video = part.querySelector("video");
    const [off, broken] = part.querySelectorAll(".problem");
    let stretch = 0;
    const play = () => { broken.hidden = true; video.src = part.dataset.film + "?stretch=" + stretch; video.play().catch(() => {}); };
    const blank = () => { off.hidden = false; broken.hidden = true; video.removeAttribute("src"); video.load(); video.hidden = true; clearInterval(timer); };
    const ask = async () => {
      const answer = await fetch(part.dataset.look, { credentials: "same-origin", headers: { accept: "application/json" } }).catch(() => null);
      const look = answer && answer.ok ? await answer.json() : null;
      if (look && look.off) blank();
      return look;
    };
    const timer = setInterval(ask, 2000);
    video.addEventListener("error", async () => {
      if (!video.getAttribute("src")) return;
      await ask();
      broken.hidden = !off.hidden;
    });
    video.addEventListener("ended", async () => {
      const look = await ask();
      if (!look || look.off || look.stretches <= stretch + 1) return;
      stretch += 1;
      play();
    });
    broken.querySelector("button").addEventListener("click", play);
  }

  const ends = document.getElementById("ends");
  if (!ends) return;
  let timer;
  const most = Date.now() + Number(ends.dataset.most) * 1000;
  const wait = (seconds) => { timer = setTimeout(() => { ends.hidden = false; }, Math.max(0, seconds - 300) * 1000); };
  wait(Number(ends.dataset.left));
  ends.querySelector("button").addEventListener("click", async () => {
    const answer = await fetch("/api/v1/declaration", { credentials: "same-origin", headers: { accept: "application/json" } }).catch(() => null);
    if (!answer || answer.status === 401) { location.reload(); return; }
    ends.hidden = true;
    clearTimeout(timer);
    wait(Math.min(1800, (most - Date.now()) / 1000));
  });
})();
