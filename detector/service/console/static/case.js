// A case: what an alert says, one section a matter.

import { bars, count, el, facts, kind, section, short, svg, when, word, words } from "./elements.js";
import { graph } from "./graph.js";
import { outcomes } from "./outcomes.js";
import { culprits, madeOf, paged, reasons, recommendation, toAccount, without } from "./sections.js";

// Accounts that joined since the decision that stands: as far as these go, the case is open again.
function since({ versions, decisions }) {
  const last = decisions.filter((d) => d.undone_at === null).at(-1);
  const found = new Set();
  if (!last || last.after === "open") return found;
  for (const version of versions.filter((v) => v.at > last.at)) {
    version.joined.forEach((id) => found.add(id));
    version.gone.forEach((id) => found.delete(id));
  }
  return found;
}

// The report's sentence; alerts that were stored before they had it are told by their size.
export function titleOf(alert) {
  const many = alert.accounts.length;
  return alert.headline || `${count(many)} ${many === 1 ? "account" : "accounts"}`;
}

// Of whom nothing is to be done about, nothing is stopped: all that it got says nothing of a detection.
function before({ severity, exchanges, exchanges_before_detection: early }) {
  if (!["critical", "high"].includes(severity)) return "– (below high)";
  const share = exchanges ? (100 * early) / exchanges : 0;
  return `${count(early)}${exchanges ? ` (${share.toFixed(share && share < 10 ? 1 : 0)} %)` : ""}`;
}

function head(alert, acts, joined) {
  const note = el("input", { id: "note", placeholder: "Note (optional)", "aria-label": "Note", maxlength: "4000", "data-key": "note" });
  const button = (key, status, text) => el("button", { type: "button", text, "data-key": status, "aria-keyshortcuts": key,
    onclick: () => acts.decide(alert.id, status, note), ...(alert.status === status && !joined.size ? { disabled: "" } : {}) });
  return el("section", { class: "full" },
    el("h2", { text: titleOf(alert) }),
    el("p", {}, el("span", { class: `badge ${alert.severity}`, text: alert.severity }), ` · ${alert.kind} `, el("span", { class: "id", text: alert.id }),
      ` · ${words(alert.status)}${alert.merged_into ? ` · merged into ${alert.merged_into}` : ""}`),
    joined.size ? el("p", { class: "since" }, `Open again: ${count(joined.size)} joined since the decision. `, ...[...joined].slice(0, 8).map((id) => el("span", { class: "many" }, toAccount(id))),
      joined.size > 8 ? "…" : "") : null,
    facts([["Risk", alert.risk.toFixed(1)], ["p-value", alert.p_value.toPrecision(2)], ["Accounts", count(alert.accounts.length)],
      ["Exchanges", count(alert.exchanges)], ["Before detection", before(alert)],
      ["Output tokens leaked", count(alert.output_tokens_leaked)], ["First seen, UTC", when(alert.first_seen)],
      ["Detected, UTC", when(alert.detected_at)], ["Last seen, UTC", when(alert.last_seen)], ["ATLAS", alert.techniques.map((t) => `${t} ${word("techniques", t)}`).join(", ") || "none"]]),
    el("div", { class: "acts" }, note, button("a", "acknowledged", "Acknowledge"), button("c", "confirmed", "Confirm"),
      button("f", "false_positive", "False positive"), button("r", "resolved", "Resolve"),
      el("button", { type: "button", text: "Undo", "data-key": "undo", "aria-keyshortcuts": "u", onclick: () => acts.undo(alert.id) })));
}

function timeline({ hours = [], counts = [] }) {
  if (!hours.length) return null;
  // Alerts that were stored by earlier versions have epoch seconds.
  const hourOf = (i) => when(typeof hours[i] === "number" ? hours[i] * 1000 : hours[i]);
  const [width, height, left, bottom] = [720, 150, 34, 20];
  const most = Math.max(...counts, 1);
  const step = (width - left) / hours.length;
  const at = (n) => (height - bottom) * (1 - n / most) + 8 * (n / most);
  const plot = svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Active members by hour, at most ${most}` });
  plot.append(svg("line", { x1: left, x2: width, y1: height - bottom, y2: height - bottom }),
    svg("text", { x: left - 6, y: 14, "text-anchor": "end" }, count(most)),
    svg("text", { x: left - 6, y: height - bottom, "text-anchor": "end" }, "0"));
  hours.forEach((_, i) => {
    const bar = svg("rect", { x: left + i * step + 0.5, y: at(counts[i]), width: Math.max(step - 1, 0.5), height: height - bottom - at(counts[i]), rx: 1 });
    bar.append(svg("title", {}, `${hourOf(i)}: ${counts[i]} active`));
    plot.append(bar);
  });
  // The days of the axis, as far apart as their labels need.
  const days = hours.map((_, i) => i).filter((i) => hourOf(i).endsWith(" 00:00"));
  const every = Math.ceil((days.length * 80) / (width - left)) || 1;
  const told = days.filter((_, n) => n % every === 0);
  told.forEach((i) => {
    const x = left + i * step;
    plot.append(svg("line", { x1: x, x2: x, y1: 8, y2: height - bottom }),
      svg("text", { x, y: height - 5, "text-anchor": x > width - 40 ? "end" : "start" }, hourOf(i).slice(0, 10)));
  });
  if (!told.length || told[0] * step > 110) plot.append(svg("text", { x: left, y: height - 5 }, hourOf(0)));
  return section("Active members by hour, UTC", true, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Timeline" }, plot));
}

function members(alert, joined) {
  const refs = alert.evidence.log_refs ?? {};
  const referred = Object.keys(refs).length > 0;
  const line = (m) => el("tr", {}, el("td", {}, toAccount(m.account_id), joined.has(m.account_id) ? el("span", { class: "since", text: " new" }) : null), el("td", { text: m.role }),
    el("td", { class: "n", text: m.p_member.toFixed(2) }), el("td", { class: "n", text: count(m.exchanges) }),
    el("td", { class: "n", text: count(m.output_tokens) }), el("td", { text: m.reasons.map(kind).join(", ") }),
    referred ? el("td", { class: "log", text: (refs[m.account_id] ?? []).join(", ") }) : null);
  const names = [["Account", ""], ["Role", ""], ["P(member)", "n"], ["Exchanges", "n"], ["Output tokens", "n"], ["Reasons", ""], ...(referred ? [["In the log", ""]] : [])];
  return section("Members", true, ...paged("Members", alert.id, names, alert.members, line));
}

function links(e) {
  const found = Object.entries(e.links ?? {}).sort((a, b) => b[1] - a[1]);
  return found.length ? section("Link evidence, nats of surprise a member", false, bars(found.map(([k, v]) => ({ name: kind(k), size: v, said: short(v) })))) : null;
}

function mix(e) {
  const found = Object.entries(e.capabilities ?? {}).filter(([, share]) => share > 0).sort((a, b) => b[1] - a[1]);
  return found.length ? section("What they ask for", false,
    bars(found.map(([k, v]) => ({ name: word("capabilities", k), size: v, said: `${(100 * v).toFixed(0)} %` })))) : null;
}

// Words that fewer than five unrelated payers share are never kept: where few members hold a text, others do.
const holders = (n) => (n < 5 ? `${count(n)} of these accounts, at least 5 unrelated payers in all` : `${count(n)} accounts`);

function texts(e) {
  const shared = (e.skeletons ?? []).filter((s) => s.accounts !== 1);
  return shared.length ? section("Shared texts, masked", false, ...shared.flatMap((s) => [
    el("p", { class: "quiet", text: `${kind(s.kind)}, ${holders(s.accounts)}` }), el("pre", { text: s.text })])) : null;
}

function became({ versions, decisions }) {
  const steps = versions.map((v) => [v.at, `${v.severity}, ${words(v.status)}, ${count(v.accounts)} accounts${v.joined.length ? ` (+${count(v.joined.length)})` : ""}`]);
  for (const d of decisions) {
    steps.push([d.at, `${d.actor}: ${words(d.before)} → ${words(d.after)}${d.note ? ` — ${d.note}` : ""}${d.undone_at ? " (taken back)" : ""}`]);
  }
  // RFC 3339 in UTC, all of one length: the order of the texts is that of the times.
  steps.sort((a, b) => (a[0] < b[0] ? 1 : a[0] > b[0] ? -1 : 0));
  const line = ([at, text]) => el("li", {}, el("span", { class: "quiet", text: `${when(at)} ` }), text);
  const list = el("ol", { class: "steps" }, ...steps.slice(0, 12).map(line));
  const all = el("button", { type: "button", text: `Show ${steps.length - 12} more`, onclick: () => {
    list.append(...steps.slice(12).map(line));
    all.remove();
  } });
  return section("History", true, list, steps.length > 12 ? all : null);
}

export function caseOf(alert, past, ties, said, acts) {
  const joined = since(past);
  const r = alert.recommendation;
  const e = alert.evidence;
  return [head(alert, acts, joined),
    el("div", { class: "stack" }, reasons(alert.reasons, alert.kind, e.explanation), without(e.explanation), culprits(e.culprits), texts(e)),
    el("div", { class: "stack" }, recommendation(r, r ? outcomes(r, said, acts.tell) : []), ties ? graph(ties) : null, links(e), madeOf(e.explanation), mix(e)),
    timeline(e.timeline ?? {}), became(past), members(alert, joined)];
}
