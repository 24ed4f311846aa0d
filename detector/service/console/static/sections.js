// Sections that a case and an account share.

import { attempt, read } from "./api.js";
import { bars, count, el, facts, kind, measured, named, section, short, stops, when, word, words } from "./elements.js";
import { WORDS } from "./words.js";

const nats = (parts) => Object.entries(parts).map(([name, n]) => `${words(name)} ${short(n)}`).join(", ");

// As the report has it: a value with what it is of and its unit.
const valued = (r) => `${named(r.feature)}: ${measured(r.value, r.unit)}${r.unusual === "low" ? ", where low is unusual" : ""}`;

// What it stands beside: what its rule asks for, and what 99 % of the ordinary have at most.
function bounds(r, of) {
  const bound = r.unusual === "low" ? "at most" : r.asked ? "at least" : "more than";
  return [Number.isFinite(r.asked) ? `the rule asks for ${bound} ${measured(r.asked, r.unit)}` : null,
    Number.isFinite(r.benign_p99) ? `99 % of ordinary ${WORDS.ordinary[of] ?? "traffic"} have at most ${measured(r.benign_p99, r.unit)}` : null,
  ].filter((part) => part !== null).join("; ");
}

// A bar of the value, with marks where ordinary traffic ends and where the rule begins.
function gauge(r) {
  const most = 1.04 * Math.max(...[r.value, r.benign_p99, r.asked].filter(Number.isFinite).map(Math.abs), 1e-9);
  const mark = (name, side, amount) => {
    if (!Number.isFinite(amount)) return null;
    const made = el("div", { class: name });
    made.style[side] = `${(100 * Math.abs(amount)) / most}%`;
    return made;
  };
  return el("div", { class: "track gauge" }, mark("fill", "width", r.value), mark("p99", "left", r.benign_p99), mark("asked", "left", r.asked));
}

export function reasons(found, subject, why = {}) {
  if (!found.length) return null;
  const of = (r) => (why.by_reason?.[r.code] ? { title: `Nats by feature: ${nats(why.by_reason[r.code])}` } : {});
  // Whoever sees a value within the ordinary asks why it is a reason.
  const within = found.some((r) => r.unusual !== "low" && Number.isFinite(r.value) && Number.isFinite(r.benign_p99) && r.value <= r.benign_p99);
  return section("Why", false, el("ul", { class: "bars" }, ...found.map((r) => el("li", {}, el("div", { text: r.text }),
    el("div", { class: "value", text: valued(r) }), el("div", { class: "quiet", text: bounds(r, subject) }), gauge(r),
    el("div", { class: "head quiet" }, el("code", { text: r.code }), el("span", { ...of(r), text: `${short(r.weight)} nats · risk ${r.score_without.toFixed(1)} without it` }))))),
    el("p", { class: "quiet marks" }, el("i", { class: "p99" }), ` 99 % of ordinary ${WORDS.ordinary[subject] ?? "traffic"} have at most this `,
      ...(found.some((r) => Number.isFinite(r.asked)) ? [el("i", { class: "asked" }), " what the rule asks for"] : [])),
    within ? el("p", { class: "quiet", text: WORDS.alone }) : null);
}

// Each reason says what the score would be without it; these sentences are of the rest.
export function without(why) {
  const told = (why?.words ?? []).filter((text) => !text.startsWith("Without “"));
  return told.length ? section("Without what they share", false, el("ul", {}, ...told.map((text) => el("li", { text })))) : null;
}

export function culprits(found) {
  const all = Object.entries(found ?? {}).flatMap(([account, named]) => named.map((c) => [account, c]));
  return all.length ? section("Keys and end users, not their accounts", false, el("ul", {}, ...all.map(([account, c]) =>
    el("li", { text: `${account}: ${words(c.kind)} ${c.id}, ${count(c.carrying)} exchanges with the shared text, ${count(c.other)} without` })))) : null;
}

// What is unfolded stays so when the case is drawn anew.
let unfolded = false;

export function madeOf(why) {
  if (!why?.features) return null;
  const drawn = (parts, named) => bars(Object.entries(parts).map(([name, n]) => ({ name: named(name), size: n, said: `${short(n)} nats` })));
  const shared = Object.keys(why.links ?? {}).length > 0;
  const details = el("details", unfolded ? { open: "" } : {}, el("summary", { text: `The score of ${short(why.score)} nats, by feature`, "data-key": "score" }), drawn(why.features, words),
    shared ? el("p", { class: "quiet", text: "Of these, by what members share:" }) : null, shared ? drawn(why.links, kind) : null);
  details.addEventListener("toggle", () => { unfolded = details.open; });
  return el("section", {}, details);
}

// What is shown stays so when the case is drawn anew.
let opened = { id: null, format: null };

const FORMATS = [["json", "JSON"], ["litellm", "LiteLLM"], ["kong", "Kong"], ["envoy", "Envoy AI Gateway"], ["ietf", "IETF header fields"]];

export function recommendation(r, became = []) {
  if (!r) return null;
  const notes = el("ul", { class: "quiet", hidden: "" });
  const out = el("pre", { hidden: "", tabindex: "0", role: "region", "aria-label": "Rendering" });
  const open = () => attempt(async () => {
    opened = { id: r.id, format: choose.value };
    const made = await read(`/recommendations/${encodeURIComponent(r.id)}?format=${choose.value}`);
    // A dry run comes as text, which a string of JSON would show with its line breaks escaped.
    out.textContent = made.preview ?? JSON.stringify(made.config ?? made, null, 2);
    notes.replaceChildren(...(made.notes ?? []).map((text) => el("li", { text })));
    out.hidden = false;
    notes.hidden = !made.notes?.length;
  });
  const choose = el("select", { "aria-label": "Format", "data-key": "format", onchange: open }, el("option", { text: "Show as …", disabled: "", selected: "" }), ...FORMATS.map(([value, text]) => el("option", { text, value })));
  if (opened.id === r.id) {
    choose.value = opened.format;
    open();
  }
  const tiers = Object.entries(r.blast_radius.revenue_tier_mix).map(([tier, n]) => `${count(n)} ${tier}`).join(", ");
  const limit = (l) => `${stops(r.action) ? "if that is too much: " : ""}at most ${count(l.quota)} ${word("units", l.unit)} per ${short(l.window_s / 3600)} h`
    + (r.subject.kind === "cluster" ? " for all members and joiners together" : "");
  const lines = [...r.limits.map(limit), ...r.degrade.map(words)];
  return section("Recommendation", false, el("p", {}, el("strong", { text: word("actions", r.action) }), ` ${words(r.subject.kind)} `,
    el("span", { class: "id", text: r.subject.id }), r.dry_run ? " · dry run" : " · enforced"),
    lines.length ? el("ul", {}, ...lines.map((text) => el("li", { text }))) : null,
    facts([["Blast radius", `${count(r.blast_radius.accounts)} accounts, ${short(r.blast_radius.requests_per_day)} requests a day`],
      ["Tiers hit", tiers || "none"], ["Expires, UTC", when(r.expires_at)]]), el("div", { class: "acts" }, choose, became[0] ?? null), became[1] ?? null, notes, out);
}

export const toAccount = (id) => el("a", { class: "id", href: `#account=${encodeURIComponent(id)}`, text: id });

// Tables that somebody asked to see whole.
const whole = new Set();
const FIRST = 10;

export function paged(label, subject, names, items, line) {
  const key = JSON.stringify([label, subject]);
  const all = whole.has(key) || items.length <= FIRST;
  const body = el("tbody", {}, ...(all ? items : items.slice(0, FIRST)).map(line));
  const made = table(label, names, body);
  const rest = all ? null : el("p", { class: "quiet rest" }, `${count(FIRST)} of ${count(items.length)} shown. `, el("button", { type: "button", text: `Show all ${count(items.length)}`, "data-key": label, onclick: () => {
    whole.add(key);
    body.append(...items.slice(FIRST).map(line));
    rest.remove();
    // The button is gone: the keyboard goes on in the table.
    made.focus();
  } }));
  return [made, rest];
}

export const table = (label, names, body) => el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
  el("table", {}, el("thead", {}, el("tr", {}, ...names.map(([text, kind]) => el("th", { text, class: kind, scope: "col" })))), body));
