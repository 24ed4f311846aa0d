// The console: reads the REST API with a token that stays in this tab. Every text is set as text, never as markup.
"use strict";

const $ = (id) => document.getElementById(id);
const state = { token: sessionStorage.getItem("token"), chosen: null, tag: null, cursor: null, last: null, stream: null };

// ---- words and elements

function el(name, props = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key === "text") made.textContent = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function svg(name, props, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(props)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const count = (n) => Number(n).toLocaleString("en");
const short = (x) => (x === null || x === undefined ? "unknown" : Number(x.toPrecision(3)).toLocaleString("en"));
const when = (t) => new Date(t).toISOString().slice(0, 16).replace("T", " ");
const words = (code) => code.toLowerCase().replaceAll("_", " ");

function say(text) {
  $("said").textContent = text;
  $("said").hidden = !text;
}

// ---- the API

async function api(path, options = {}) {
  const headers = { Authorization: `Bearer ${state.token}`, ...options.headers };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/v1${path}`, { ...options, headers });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ detail: answer.statusText }));
  if (answer.status === 401) leave();
  throw new Error(problem.detail);
}

const read = async (path) => (await api(path)).json();

async function attempt(work) {
  try {
    await work();
    say("");
  } catch (error) {
    say(error.message);
  }
}

// ---- the list

function query() {
  const form = new FormData($("filters"));
  return new URLSearchParams([...form].filter(([, value]) => value !== ""));
}

function row(alert) {
  const many = alert.accounts.length;
  const link = el("a", { href: `#alert=${encodeURIComponent(alert.id)}`, "data-id": alert.id },
    el("span", { class: `badge ${alert.severity}`, text: alert.severity }),
    el("span", { class: "risk", text: alert.risk.toFixed(1) }),
    el("span", { text: `${alert.kind} of ${count(many)} ${many === 1 ? "account" : "accounts"}` }),
    el("span", { class: "quiet", text: words(alert.status) }),
    el("span", { class: "why", text: `${when(alert.detected_at)} · ${alert.reasons.slice(0, 3).map((r) => words(r.code)).join(", ")}` }));
  link.setAttribute("aria-current", alert.id === state.chosen);
  return el("li", {}, link);
}

async function list(more = false) {
  const asked = query();
  if (more) asked.set("cursor", state.cursor);
  else if ($("alerts").children.length > 50) asked.set("limit", "200");
  const page = await read(`/alerts?${asked}`);
  const held = document.activeElement?.dataset?.id;
  const rows = page.items.map(row);
  if (more) $("alerts").append(...rows);
  else $("alerts").replaceChildren(...rows);
  if (held) document.querySelector(`#alerts a[data-id="${CSS.escape(held)}"]`)?.focus();
  state.cursor = page.next;
  $("more").hidden = page.next === null;
  $("none").hidden = $("alerts").children.length > 0;
}

// ---- the case

function bars(items) {
  const most = Math.max(...items.map((i) => i.size), 1e-9);
  return el("ul", { class: "bars" }, ...items.map((item) => {
    const fill = el("div", { class: "fill" });
    fill.style.width = `${(100 * item.size) / most}%`;
    return el("li", {},
      el("div", { class: "head" }, el("span", { text: item.name }), el("span", { text: item.said })),
      el("div", { class: "track" }, fill),
      item.note ? el("div", { class: "quiet", text: item.note }) : null);
  }));
}

function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.map(([name, value]) =>
    el("div", {}, el("dt", { text: name }), el("dd", { text: value }))));
}

function section(title, wide, ...children) {
  return el("section", wide ? { class: "full" } : {}, el("h3", { text: title }), ...children);
}

function head(alert) {
  const note = el("input", { placeholder: "Note (optional)", "aria-label": "Note", maxlength: "4000" });
  const button = (status, text) => el("button", { type: "button", text, onclick: () => decide(alert.id, status, note.value),
    ...(alert.status === status ? { disabled: "" } : {}) });
  return el("section", { class: "full" },
    el("h2", { text: `${alert.kind === "cluster" ? "Cluster" : "Account"} · ${alert.id}` }),
    el("p", {}, el("span", { class: `badge ${alert.severity}`, text: alert.severity }),
      ` · ${words(alert.status)}${alert.merged_into ? ` · merged into ${alert.merged_into}` : ""}`),
    facts([["Risk", alert.risk.toFixed(1)], ["p-value", alert.p_value.toPrecision(2)], ["Accounts", count(alert.accounts.length)],
      ["Exchanges", count(alert.exchanges)], ["Before detection", count(alert.exchanges_before_detection)],
      ["Output tokens leaked", count(alert.output_tokens_leaked)], ["First seen", when(alert.first_seen)],
      ["Detected", when(alert.detected_at)], ["Last seen", when(alert.last_seen)], ["ATLAS", alert.techniques.join(", ") || "none"]]),
    el("div", { class: "acts" }, note, button("acknowledged", "Acknowledge"), button("confirmed", "Confirm"),
      button("false_positive", "False positive"), button("resolved", "Resolve"),
      el("button", { type: "button", text: "Undo", onclick: () => undo(alert.id) })));
}

function reasons(alert) {
  return section("Why", false, bars(alert.reasons.map((r) => ({
    name: words(r.code), size: r.weight, said: `${short(r.weight)} nats · risk ${r.score_without.toFixed(1)} without it`,
    note: `${r.text} Value ${short(r.value)}, benign p99 ${short(r.benign_p99)}.`,
  }))));
}

function timeline({ hours = [], counts = [] }) {
  if (!hours.length) return null;
  const [width, height, left, bottom] = [720, 150, 34, 20];
  const most = Math.max(...counts, 1);
  const step = (width - left) / hours.length;
  const at = (n) => (height - bottom) * (1 - n / most) + 8 * (n / most);
  const plot = svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Members active by hour, at most ${most}` });
  plot.append(svg("line", { x1: left, x2: width, y1: height - bottom, y2: height - bottom }),
    svg("text", { x: left - 6, y: 14, "text-anchor": "end" }, count(most)),
    svg("text", { x: left - 6, y: height - bottom, "text-anchor": "end" }, "0"));
  hours.forEach((hour, i) => {
    const bar = svg("rect", { x: left + i * step + 0.5, y: at(counts[i]), width: Math.max(step - 1, 0.5), height: height - bottom - at(counts[i]), rx: 1 });
    bar.append(svg("title", {}, `${when(hour * 1000)}: ${counts[i]} active`));
    plot.append(bar);
  });
  plot.append(svg("text", { x: left, y: height - 5 }, when(hours[0] * 1000)),
    svg("text", { x: width, y: height - 5, "text-anchor": "end" }, when(hours.at(-1) * 1000)));
  return section("Members active by hour (UTC)", true, el("div", { class: "scroll", tabindex: "0" }, plot));
}

function members(alert) {
  const line = (m) => el("tr", {}, el("td", { class: "id", text: m.account_id }), el("td", { text: m.role }),
    el("td", { class: "n", text: m.p_member.toFixed(2) }), el("td", { class: "n", text: count(m.exchanges) }),
    el("td", { class: "n", text: count(m.output_tokens) }), el("td", { text: m.reasons.map(words).join(", ") }));
  const body = el("tbody", {}, ...alert.members.slice(0, 50).map(line));
  const rest = alert.members.length - 50;
  const all = el("button", { type: "button", text: `Show ${count(rest)} more`, onclick: () => {
    body.append(...alert.members.slice(50).map(line));
    all.remove();
  } });
  const names = [["Account", ""], ["Role", ""], ["Belongs", "n"], ["Exchanges", "n"], ["Output tokens", "n"], ["Ties", ""]];
  const top = el("tr", {}, ...names.map(([text, kind]) => el("th", { text, class: kind, scope: "col" })));
  return section("Members", true, el("div", { class: "scroll", tabindex: "0" }, el("table", {}, el("thead", {}, top), body)), rest > 0 ? all : null);
}

function evidence(e) {
  const links = Object.entries(e.links ?? {}).sort((a, b) => b[1] - a[1]);
  const mix = Object.entries(e.capabilities ?? {}).filter(([, share]) => share > 0).sort((a, b) => b[1] - a[1]);
  return [
    links.length ? section("Ties (nats a member)", false, bars(links.map(([k, v]) => ({ name: words(k), size: v, said: short(v) })))) : null,
    mix.length ? section("What the prompts train", false,
      bars(mix.map(([k, v]) => ({ name: words(k), size: v, said: `${(100 * v).toFixed(0)} %` })))) : null,
    e.skeletons?.length ? section("Shared texts, masked", false, ...e.skeletons.flatMap((s) => [
      el("p", { class: "quiet", text: `${words(s.kind)}, ${count(s.accounts)} accounts` }), el("pre", { text: s.text })])) : null,
  ];
}

function recommendation(r) {
  if (!r) return null;
  const out = el("pre", { hidden: "" });
  const choose = el("select", { "aria-label": "Format", onchange: () => attempt(async () => {
    out.textContent = JSON.stringify(await read(`/recommendations/${encodeURIComponent(r.id)}?format=${choose.value}`), null, 2);
    out.hidden = false;
  }) }, el("option", { text: "Show as …", disabled: "", selected: "" }), ...["json", "litellm", "kong", "envoy", "ietf"].map((text) => el("option", { text, value: text })));
  const tiers = Object.entries(r.blast_radius.revenue_tier_mix).map(([tier, n]) => `${count(n)} ${tier}`).join(", ");
  const limit = (l) => `${count(l.quota)} ${words(l.unit)} in ${count(l.window_s / 3600)} h`;
  return section("Recommendation", false, el("p", {}, el("strong", { text: words(r.action) }), r.dry_run ? " · dry run" : ""),
    facts([["Limits", r.limits.map(limit).join("; ") || "none"], ["Withhold", r.degrade.map(words).join(", ") || "nothing"],
      ["Blast radius", `${count(r.blast_radius.accounts)} accounts, ${short(r.blast_radius.requests_per_day)} requests a day`],
      ["Tiers hit", tiers || "none"], ["Until", when(r.expires_at)]]), choose, out);
}

function became({ versions, decisions }) {
  const steps = versions.map((v) => [v.at, `${v.severity}, ${words(v.status)}, ${count(v.accounts)} accounts${v.joined.length ? ` (+${count(v.joined.length)})` : ""}`]);
  for (const d of decisions) {
    steps.push([d.at, `${d.actor}: ${words(d.before)} → ${words(d.after)}${d.note ? ` — ${d.note}` : ""}${d.undone_at ? " (taken back)" : ""}`]);
  }
  steps.sort((a, b) => b[0] - a[0]);
  const line = ([at, text]) => el("li", {}, el("span", { class: "quiet", text: `${when(at / 1000)} ` }), text);
  const list = el("ol", { class: "steps" }, ...steps.slice(0, 12).map(line));
  const all = el("button", { type: "button", text: `Show ${steps.length - 12} more`, onclick: () => {
    list.append(...steps.slice(12).map(line));
    all.remove();
  } });
  return section("History", true, list, steps.length > 12 ? all : null);
}

async function show(id) {
  const path = `/alerts/${encodeURIComponent(id)}`;
  const [answer, past] = await Promise.all([api(path), read(`${path}/history`)]);
  if (state.chosen !== id) return;
  const alert = await answer.json();
  state.tag = answer.headers.get("ETag");
  const parts = [head(alert), reasons(alert), recommendation(alert.recommendation), timeline(alert.evidence.timeline ?? {}),
    ...evidence(alert.evidence), became(past), members(alert)];
  $("case").replaceChildren(...parts.filter((part) => part !== null));
}

async function write(path, body, headers = {}) {
  await api(path, { method: "POST", body: body && JSON.stringify(body), headers: { "Idempotency-Key": crypto.randomUUID(), ...headers } });
  await Promise.all([list(), show(state.chosen)]);
}

const decide = (id, status, note) => attempt(() =>
  write(`/alerts/${encodeURIComponent(id)}/triage`, { status, note: note || null }, { "If-Match": state.tag }));
const undo = (id) => attempt(() => write(`/alerts/${encodeURIComponent(id)}/undo`));

function choose() {
  const id = new URLSearchParams(location.hash.slice(1)).get("alert");
  if (!id || !state.token) return;
  state.chosen = id;
  for (const link of document.querySelectorAll("#alerts a")) link.setAttribute("aria-current", link.dataset.id === id);
  attempt(() => show(id));
}

// ---- live

async function follow() {
  const mine = (state.stream = new AbortController());
  while (!mine.signal.aborted) {
    try {
      const from = state.last === null ? "" : `?after=${state.last}`;
      const answer = await api(`/alerts/stream${from}`, { signal: mine.signal });
      live("live", true);
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
      await list();
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
  $("main").hidden = $("leave").hidden = false;
  attempt(async () => {
    await list();
    follow();
    if (!location.hash.includes("alert=")) {
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
  $("main").hidden = $("leave").hidden = true;
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
$("filters").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", choose);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !state.token || /INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) return;
  if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "u" && state.chosen) undo(state.chosen);
  else if (event.key === "/") $("filters").elements.account.focus();
  else return;
  event.preventDefault();
});
if (state.token) enter();
