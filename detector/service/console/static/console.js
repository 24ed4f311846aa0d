// The console: a list of alerts, and beside it a case or an account.

import { accountOf } from "./account.js";
import { allowances } from "./allowances.js";
import { api, attempt, read, say, state, write } from "./api.js";
import { caseOf, titleOf } from "./case.js";
import { $, count, el, inOrder, when, words } from "./elements.js";
import { mode } from "./enforcement.js";
import { appeals, outcomesOf } from "./outcomes.js";

// ---- the list

function query() {
  const form = new FormData($("filters"));
  return new URLSearchParams([...form].filter(([, value]) => value !== ""));
}

function row(alert, joined) {
  const link = el("a", { href: `#alert=${encodeURIComponent(alert.id)}`, "data-id": alert.id },
    el("span", { class: `badge ${alert.severity}`, text: alert.severity }),
    el("span", { class: "risk", text: alert.risk.toFixed(1) }),
    el("span", { class: "title", text: titleOf(alert) }),
    el("span", { class: "why", text: `detected ${when(alert.detected_at)} UTC` }),
    el("span", { class: joined ? "since" : "quiet", text: `${words(alert.status)}${joined ? ` +${count(joined)}` : ""}` }));
  link.setAttribute("aria-current", alert.id === state.chosen);
  return el("li", {}, link);
}

const listed = inOrder();
async function list(more = false) {
  const latest = listed();
  const wanted = query();
  if (more) wanted.set("cursor", state.cursor);
  else if ($("alerts").children.length > 50) wanted.set("limit", "200");
  const page = await read(`/alerts?${wanted}`);
  if (!latest()) return;
  const held = document.activeElement?.dataset?.id;
  const rows = page.items.map((alert) => row(alert, page.joiners[alert.id]));
  if (more) $("alerts").append(...rows);
  else $("alerts").replaceChildren(...rows);
  if (held) document.querySelector(`#alerts a[data-id="${CSS.escape(held)}"]`)?.focus();
  state.cursor = page.next;
  $("more").hidden = page.next === null;
  $("none").hidden = $("alerts").children.length > 0;
}

// ---- the case, or an account

function render(subject, parts) {
  const article = $("case");
  const anew = article.dataset.subject !== subject;
  const held = article.contains(document.activeElement) ? (document.activeElement.dataset.key ?? "") : null;
  const draft = anew ? "" : ($("note")?.value ?? "");
  article.dataset.subject = subject;
  article.replaceChildren(...parts.filter((part) => part !== null));
  if (draft) $("note").value = draft;
  // What was focused is gone: without this, the keyboard would start anew at the top of the page.
  if (held !== null) (article.querySelector(`[data-key="${held}"]:enabled`) ?? article).focus({ preventScroll: true });
  if (anew && (held !== null || matchMedia("(max-width: 60rem)").matches)) article.scrollIntoView();
  document.title = `${subject} · Revenuer`;
}

// A button that is drawn anew between press and release swallows the click.
let released = Promise.resolve();
document.addEventListener("pointerdown", () => {
  released = new Promise((done) => {
    for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(done), { once: true });
    setTimeout(done, 1000);
  });
});

const shown = inOrder();
async function show(id) {
  const latest = shown();
  const path = `/alerts/${encodeURIComponent(id)}`;
  const [answer, past] = await Promise.all([api(path), read(`${path}/history`)]);
  const alert = await answer.json();
  // The picture needs the engine, which may be busy; the case does not wait for it for good.
  const [ties, said] = await Promise.all([
    alert.kind === "cluster" ? read(`/clusters/${encodeURIComponent(id)}/graph`).catch(() => null) : null, outcomesOf(alert.recommendation)]);
  await released;
  if (state.chosen !== id || !latest()) return;
  state.tag = answer.headers.get("ETag");
  state.seen = JSON.stringify([alert.status, alert.severity, alert.accounts, alert.merged_into, alert.recommendation?.action]);
  render(id, caseOf(alert, past, ties, said, { decide, undo, tell }));
}

async function showAccount(id) {
  const again = async (text) => {
    await showAccount(id);
    $("did").textContent = text;
  };
  const [account, allowed, naming] = await Promise.all([read(`/accounts/${encodeURIComponent(id)}`), allowances(id, again),
    read(`/alerts?account_id=${encodeURIComponent(id)}`)]);
  if (asked().get("account") === id) render(id, accountOf(account, allowed, naming.items));
}

async function tell(text) {
  await Promise.all([list(), show(state.chosen)]);
  $("did").textContent = text;
}

const decide = (id, status, note) => attempt(async () => {
  const text = note.value || null;
  const seen = state.seen;
  const send = () => write(`/alerts/${encodeURIComponent(id)}/triage`, { status, note: text }, { "If-Match": state.tag });
  await send().catch(async (error) => {
    if (error.status !== 412) throw error;
    // The counts of an active case grow all the time; what matters for a verdict seldom does.
    await show(id);
    if (state.seen !== seen) throw new Error("The case changed since it was read; this is how it stands now.");
    await send();
  });
  // Drawing the case anew kept the draft in a field of its own.
  note.value = $("note").value = "";
  await tell(`${id} is ${words(status)}.`);
});

const undo = (id) => attempt(async () => {
  await write(`/alerts/${encodeURIComponent(id)}/undo`);
  await tell(`The last decision on ${id} is taken back.`);
});

const asked = () => new URLSearchParams(location.hash.slice(1));

function choose() {
  const [id, account] = [asked().get("alert"), asked().get("account")];
  if (!state.token || (!id && !account)) return;
  state.chosen = id;
  for (const link of document.querySelectorAll("#alerts a")) link.setAttribute("aria-current", link.dataset.id === id);
  attempt(() => (id ? show(id) : showAccount(account)));
}

// ---- live

async function follow() {
  const mine = (state.stream = new AbortController());
  while (!mine.signal.aborted) {
    try {
      const from = state.last === null ? "" : `?after=${state.last}`;
      const answer = await api(`/alerts/stream${from}`, { signal: mine.signal });
      live("connected", true);
      // In the background: what was said of somebody's own doing stays.
      await mode().catch((error) => say(error.message));
      await events(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch {
      if (mine.signal.aborted) return;
    }
    live("connecting again …", false);
    await new Promise((done) => setTimeout(done, 2000));
  }
}

async function events(reader) {
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += value;
    const blocks = held.split("\n\n");
    held = blocks.pop();
    const seen = blocks.filter((block) => block.startsWith("id: "));
    if (!seen.length) continue;
    state.last = /^id: (\d+)/.exec(seen.at(-1))[1];
    await attempt(async () => {
      await Promise.all([list(), mode()]);
      if (state.chosen && seen.some((block) => block.includes(JSON.stringify(state.chosen)))) await show(state.chosen);
    });
  }
}

function live(text, on) {
  $("live").textContent = text;
  $("live").classList.toggle("on", on);
}

// ---- coming and going

function enter() {
  $("enter").hidden = true;
  $("main").hidden = $("leave").hidden = $("skip").hidden = false;
  attempt(async () => {
    await Promise.all([list(), appeals(), mode()]);
    follow();
    if (!asked().has("alert") && !asked().has("account")) {
      const first = document.querySelector("#alerts a");
      if (first) history.replaceState(null, "", first.hash);
    }
    choose();
  });
}

function leave() {
  state.stream?.abort();
  Object.assign(state, { token: null, chosen: null, last: null });
  sessionStorage.removeItem("token");
  live("not connected", false);
  $("alerts").replaceChildren();
  $("case").replaceChildren();
  $("case").removeAttribute("data-subject");
  $("did").textContent = $("appeals").textContent = "";
  $("appeals").hidden = $("mode").hidden = true;
  document.title = "Revenuer console";
  $("main").hidden = $("leave").hidden = $("skip").hidden = true;
  $("enter").hidden = false;
  $("token").focus();
}

function step(by) {
  const links = [...document.querySelectorAll("#alerts a")];
  const at = links.findIndex((link) => link.dataset.id === state.chosen);
  const next = links[Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
  next?.click();
}

$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = $("token").value.trim();
  $("token").value = "";
  sessionStorage.setItem("token", state.token);
  enter();
});
$("leave").addEventListener("click", leave);
$("more").addEventListener("click", () => attempt(() => list(true)));
$("filters").addEventListener("input", () => attempt(list));
$("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = $("filters").elements.account_id.value.trim();
  if (id) location.hash = `account=${encodeURIComponent(id)}`;
});
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("case").focus();
});
window.addEventListener("hashchange", choose);
document.addEventListener("refused", leave);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !state.token || !$("keys").checked) return;
  if (/INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) return;
  // Never about another alert than the chosen one, which may still be on its way.
  const there = $("case").dataset.subject === state.chosen;
  const button = there ? document.querySelector(`#case button[aria-keyshortcuts="${CSS.escape(event.key)}"]`) : null;
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "/") $("filters").elements.account_id.focus();
  else if (button && !event.repeat) button.click();
  else return;
  event.preventDefault();
});
if (state.token) enter();
