// Sections that a case and an account share.

import { attempt, read } from "./api.js";
import { bars, count, el, facts, section, short, when, words } from "./elements.js";

const nats = (parts) => Object.entries(parts).map(([name, n]) => `${words(name)} ${short(n)}`).join(", ");

// As the report has it: a value with its feature and unit, beside the rule's bound and what ordinary traffic stays under.
function figures(r) {
  const name = words(r.feature || "value");
  const unit = !r.unit || name.endsWith(r.unit) ? "" : ` (${r.unit})`;
  const known = [["the rule's bound", r.asked], ["benign p99", r.benign_p99]].filter(([, amount]) => Number.isFinite(amount));
  return [`${name}${unit}: ${short(r.value)}`, ...(r.unusual === "low" ? ["low is unusual"] : []),
    ...known.map(([what, amount]) => `${what} ${short(amount)}`)].join(", ");
}

export function reasons(found, why = {}) {
  if (!found.length) return null;
  const of = (r) => (why.by_reason?.[r.code] ? ` Nats by feature: ${nats(why.by_reason[r.code])}.` : "");
  return section("Why", false, why.words?.length ? el("ul", {}, ...why.words.map((text) => el("li", { text }))) : null, bars(found.map((r) => ({
    name: words(r.code), size: r.weight, said: `${short(r.weight)} nats · risk ${r.score_without.toFixed(1)} without it`,
    note: `${r.text} ${figures(r)}.${of(r)}`,
  }))));
}

export function culprits(found) {
  const all = Object.entries(found ?? {}).flatMap(([account, named]) => named.map((c) => [account, c]));
  return all.length ? section("Keys and end users, not their accounts", false, el("ul", {}, ...all.map(([account, c]) =>
    el("li", { text: `${account}: ${words(c.kind)} ${c.id}, ${count(c.carrying)} exchanges with the shared text, ${count(c.other)} without` })))) : null;
}

export function madeOf(why) {
  if (!why?.features) return null;
  const drawn = (parts) => bars(Object.entries(parts).map(([name, n]) => ({ name: words(name), size: n, said: `${short(n)} nats` })));
  const shared = Object.keys(why.links ?? {}).length > 0;
  return section(`The score of ${short(why.score)} nats, by feature`, false, drawn(why.features),
    shared ? el("p", { class: "quiet", text: "Of these, by what members share:" }) : null, shared ? drawn(why.links) : null);
}

// What is shown stays so when the case is drawn anew.
let opened = { id: null, format: null };

export function recommendation(r, became = []) {
  if (!r) return null;
  const out = el("pre", { hidden: "", tabindex: "0", role: "region", "aria-label": "Rendering" });
  const open = () => attempt(async () => {
    opened = { id: r.id, format: choose.value };
    out.textContent = JSON.stringify(await read(`/recommendations/${encodeURIComponent(r.id)}?format=${choose.value}`), null, 2);
    out.hidden = false;
  });
  const choose = el("select", { "aria-label": "Format", "data-key": "format", onchange: open }, el("option", { text: "Show as …", disabled: "", selected: "" }), ...["json", "litellm", "kong", "envoy", "ietf"].map((text) => el("option", { text, value: text })));
  if (opened.id === r.id) {
    choose.value = opened.format;
    open();
  }
  const tiers = Object.entries(r.blast_radius.revenue_tier_mix).map(([tier, n]) => `${count(n)} ${tier}`).join(", ");
  const limit = (l) => `${count(l.quota)} ${words(l.unit)} in ${count(l.window_s / 3600)} h`;
  return section("Recommendation", false, el("p", {}, el("strong", { text: words(r.action) }), r.dry_run ? " · dry run" : ""),
    facts([["Limits", r.limits.map(limit).join("; ") || "none"], ["Withhold", r.degrade.map(words).join(", ") || "nothing"],
      ["Blast radius", `${count(r.blast_radius.accounts)} accounts, ${short(r.blast_radius.requests_per_day)} requests a day`],
      ["Tiers hit", tiers || "none"], ["Until", when(r.expires_at)]]), el("div", { class: "acts" }, choose, became[0] ?? null), became[1] ?? null, out);
}

export const toAccount = (id) => el("a", { class: "id", href: `#account=${encodeURIComponent(id)}`, text: id });

export const table = (label, names, body) => el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
  el("table", {}, el("thead", {}, el("tr", {}, ...names.map(([text, kind]) => el("th", { text, class: kind, scope: "col" })))), body));
