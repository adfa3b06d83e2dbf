// The one script of these pages: passkeys, how a request goes on, the menu of a narrow screen, and a word before a session ends. All else
// works without it.
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

  // How a request goes on, as it does. When it is over, the page is asked for again: what may be done with it is another thing then.
  for (const part of document.querySelectorAll("[data-progress]")) {
    const news = new EventSource(part.dataset.progress);
    const said = part.nextElementSibling;
    const states = () => [...part.querySelectorAll("li")].map((row) => row.querySelector("strong").textContent + ": " + row.querySelector(".state").textContent.trim()).join("; ");
    let before = states();
    news.addEventListener("part", (event) => {
      // Whoever stands on a link of it stays there.
      const stood = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
      part.innerHTML = event.data;
      if (stood) [...part.querySelectorAll("a")].find((link) => link.getAttribute("href") === stood)?.focus();
      // Read out when it stands otherwise, not at every byte.
      if (states() !== before) said.textContent = before = states();
    });
    news.addEventListener("over", () => { news.close(); location.reload(); });
  }

  // On a narrow screen the pages are behind a button.
  const menu = document.querySelector("[aria-controls=pages]");
  if (menu) {
    const pages = document.getElementById("pages");
    const narrow = matchMedia("(max-width: 40.05em)");
    const show = (open) => {
      menu.hidden = !narrow.matches;
      pages.hidden = narrow.matches && !open;
      menu.setAttribute("aria-expanded", String(open));
    };
    menu.addEventListener("click", () => show(pages.hidden));
    narrow.addEventListener("change", () => show(false));
    show(false);
  }

  // A word before a session ends. When it has ended, what was typed stays: whoever signs in beside it and comes back can send it.
  const ends = document.getElementById("ends");
  if (!ends) return;
  const [soon, over] = ends.querySelectorAll("p");
  const [stay, door] = [ends.querySelector("button"), ends.querySelector("a")];
  let timers = [];
  const most = Date.now() + Number(ends.dataset.most) * 1000;
  const say = (ended) => { [soon.hidden, stay.hidden, over.hidden, door.hidden] = [ended, ended, !ended, !ended]; ends.hidden = false; };
  const wait = (seconds) => {
    timers.forEach(clearTimeout);
    ends.hidden = true;
    timers = [setTimeout(() => say(false), Math.max(0, seconds - 300) * 1000), setTimeout(() => say(true), seconds * 1000)];
  };
  wait(Number(ends.dataset.left));
  stay.addEventListener("click", async () => {
    const answer = await fetch("/api/v1/declaration", { credentials: "same-origin", headers: { accept: "application/json" } }).catch(() => null);
    if (!answer || answer.status === 401) { say(true); return; }
    wait(Math.min(1800, (most - Date.now()) / 1000));
  });
  document.addEventListener("visibilitychange", async () => {
    if (document.hidden || ends.hidden || over.hidden) return;
    const answer = await fetch("/account", { credentials: "same-origin" }).catch(() => null);
    if (!answer || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("input[name=form]");
    if (!fresh) return;
    for (const field of document.querySelectorAll("input[name=form]")) field.value = fresh.value;
    wait(Number(page.getElementById("ends").dataset.left));
  });
})();
