// Every page works without this. It adds keys 1 to 5, counts the time in front of the page, sends
// once a click, and keeps an answer in the browser until the server has said that it is saved.
"use strict";
(() => {
  const BOX = "mores:", DAYS = 864e5;
  const form = document.getElementById("rate");
  let busy = false;

  const store = (work) => { try { return work(localStorage); } catch { return null; } };
  const say = (words, late) => {
    const state = form && form.querySelector(".state");
    if (!state) return;
    state.textContent = words;
    state.classList.toggle("late", Boolean(late));
    if (late) state.scrollIntoView({ block: "nearest" });
  };
  const lock = (on) => {
    busy = on;
    if (form) for (const one of form.querySelectorAll("button")) one.setAttribute("aria-disabled", on);
  };

  // The browser's own sending: the server's page is then shown as it is.
  const plainly = (url, body) => {
    const copy = document.createElement("form");
    copy.method = "post";
    copy.action = url;
    for (const [name, value] of new URLSearchParams(body)) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name, value });
      copy.append(field);
    }
    document.body.append(copy);
    copy.submit();
  };

  // No countdown: a screen reader would read it out every second.
  const pause = (seconds) => new Promise((done) => {
    if (form) say(form.dataset.later.replace("{n}", seconds), true);
    const stop = () => { clearTimeout(clock); removeEventListener("online", stop); done(); };
    const clock = setTimeout(stop, seconds * 1000);
    addEventListener("online", stop);
  });

  // Sends until the server has answered; the key in the body makes sending twice harmless.
  const deliver = async (name, url, body) => {
    for (let wait = 2; ; wait = Math.min(30, wait * 2)) {
      if (form) say(form.dataset.saving);
      try {
        const signal = AbortSignal.timeout && AbortSignal.timeout(3e4);
        const answer = await fetch(url, { method: "POST", body: new URLSearchParams(body), signal });
        const refused = [401, 403].includes(answer.status);
        if (answer.ok || (answer.status < 500 && ![408, 425, 429].includes(answer.status))) {
          // Not signed in: it stays, to be sent once the person has opened their link again.
          if (!refused) store((box) => box.removeItem(name));
          return { ok: answer.ok, refused, url: answer.url };
        }
      } catch { /* no network: try again */ }
      await pause(wait);
    }
  };

  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    lock(true);
    tick();
    form.elements.seconds.value = (active / 1000).toFixed(1);
    const fields = new URLSearchParams(new FormData(form)), by = event.submitter;
    if (by && by.name) fields.append(by.name, by.value);
    const body = fields.toString(), url = form.getAttribute("action"), name = BOX + fields.get("key");
    store((box) => box.setItem(name, JSON.stringify({ url, body, at: Date.now() })));
    const answer = await deliver(name, url, body);
    if (answer.ok) location.assign(answer.url);
    else plainly(url, body);
  };

  // Answers that an earlier page could not deliver. The session may be a new one, so this page's
  // token replaces the stored one.
  const resend = async () => {
    const token = document.querySelector("input[name=csrf]");
    if (!token) return;
    for (const name of store((box) => Object.keys(box)) || []) {
      if (!name.startsWith(BOX)) continue;
      const kept = store((box) => JSON.parse(box.getItem(name)));
      if (!kept || Date.now() - kept.at > 3 * DAYS) { store((box) => box.removeItem(name)); continue; }
      const fields = new URLSearchParams(kept.body);
      fields.set("csrf", token.value);
      const here = form && form.querySelector("[name=item]").value === fields.get("item");
      if (here) lock(true);
      const answer = await deliver(name, kept.url, fields.toString());
      if (answer.ok && here) return location.assign(answer.url);
      if (!answer.ok && !answer.refused) return plainly(kept.url, fields.toString());
      if (here) lock(false);
      say("");
    }
  };

  // Time counts while the page is visible and was used, or played something, within the last
  // minute. No keys are recorded.
  let active = 0, last = performance.now(), used = last;
  const tick = () => {
    const now = performance.now();
    if (!document.hidden && now - used < 6e4) active += Math.min(now - last, 2000);
    last = now;
  };

  const WRITING = "textarea, select, input:not([type=radio]):not([type=checkbox])";
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest(WRITING)) return;
    const arabic = "٠١٢٣٤٥".indexOf(event.key);
    const key = arabic < 0 ? event.key.toLowerCase() : String(arabic);
    const value = key === "0" || key === "x" ? "cannot" : key;
    if (/^([1-5]|cannot)$/.test(value)) {
      const radio = form.querySelector(`[name=answer][value="${value}"]`);
      radio.checked = true;
      radio.focus();
    } else if (key === "enter" && event.target.matches("body, main")) {
      form.requestSubmit();
    }
  };

  // The other forms: one sending a click.
  addEventListener("submit", (event) => {
    const data = event.target.dataset;
    if (event.target === form) return;
    if (data.sent) event.preventDefault();
    data.sent = "yes";
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const one of document.forms) delete one.dataset.sent;
    lock(false);
    say("");
  });

  // The owner's overview: only what differs is put in place, so focus, place and open parts stay.
  const sync = (old, now) => {
    const at = document.activeElement;
    if (old.nodeName !== now.nodeName) { if (!old.contains(at)) old.replaceWith(now); return; }
    if (old.nodeType === 3) { if (old.data !== now.data) old.data = now.data; return; }
    for (const { name, value } of now.attributes || [])
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    if (old.childNodes.length === now.childNodes.length)
      [...now.childNodes].forEach((one, i) => sync(old.childNodes[i], one));
    else if (old === at || !old.contains(at)) old.replaceChildren(...now.childNodes);
  };
  const update = async () => {
    if (document.hidden || !document.querySelector("[data-live] input").checked) return;
    try {
      const answer = await fetch(location.href);
      if (answer.status === 401) return location.reload();
      if (!answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      next.querySelector("[data-live]").hidden = false;
      sync(document.querySelector("main"), next.querySelector("main"));
    } catch { /* no network: the next time */ }
  };
  const live = document.querySelector("[data-live]");
  if (live) {
    live.hidden = false;
    setInterval(update, 2e4);
  }

  if (form) {
    form.addEventListener("submit", submit);
    for (const kind of ["pointerdown", "pointermove", "keydown", "scroll", "timeupdate"])
      addEventListener(kind, () => { used = performance.now(); }, { passive: true, capture: true });
    setInterval(tick, 1000);
    if (form.dataset.keys === "on") addEventListener("keydown", press);
  }
  resend();
})();
