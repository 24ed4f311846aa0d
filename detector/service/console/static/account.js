// An account: what it does by itself, and whom it is tied to.

import { count, el, facts, kind, measured, named, section, short, when, word } from "./elements.js";
import { paged, reasons, recommendation, toAccount } from "./sections.js";
import { WORDS } from "./words.js";

const toAlert = (id, headline) => el("li", {}, el("a", { class: "id", href: `#alert=${encodeURIComponent(id)}`, text: id }), headline ? ` ${headline}` : null);

function head(account) {
  return el("section", { class: "full" }, el("h2", { text: `Account · ${account.account_id}` }),
    facts([["Risk by itself", account.risk.toFixed(1)], ["p-value", account.p_value.toPrecision(2)], ["Exchanges", count(account.exchanges)],
      ["First seen, UTC", when(account.first_seen)], ["Last seen, UTC", when(account.last_seen)], ["Compared with", word("likes", account.stratum)]]));
}

function alerts(ids, naming) {
  const told = new Map(naming.map((alert) => [alert.id, alert.headline]));
  return section("Alerts that name it", false,
    ids.length ? el("ul", { class: "steps" }, ...ids.map((id) => toAlert(id, told.get(id)))) : el("p", { class: "quiet", text: "None." }));
}

function links(id, found) {
  if (!found.length) return null;
  const names = [["Shared", ""], ["Nats", "n"], ["Accounts that share it", "n"], ["Some of them", ""]];
  const line = (tie) => el("tr", {}, el("td", { text: kind(tie.kind) }), el("td", { class: "n", text: short(tie.weight) }),
    el("td", { class: "n", text: count(tie.holders) }), el("td", { class: "many" }, ...tie.accounts.map(toAccount)));
  return section("Link evidence", true, ...paged("Link evidence", id, names, found, line));
}

// Distinct things are estimated, and 1.01 of them are one.
const COUNTS = new Set("distinct_prompts distinct_skeletons topic_coverage addresses networks tls_fingerprints api_keys end_users conversations routes models requests input_tokens output_tokens requests_1h input_tokens_1h output_tokens_1h requests_1d input_tokens_1d output_tokens_1d requests_7d input_tokens_7d output_tokens_7d".split(" "));
const said = (name, value) => (COUNTS.has(name) && value !== null ? count(Math.round(value)) : measured(value, WORDS.of[name]));

function features(id, values) {
  const line = ([name, value]) => el("tr", {}, el("td", { text: named(name) }), el("td", { class: "n", text: said(name, value) }));
  return section("Features", true, ...paged("Features", id, [["Feature", ""], ["Value", "n"]], Object.entries(values), line));
}

export function accountOf(account, allowed, naming) {
  const id = account.account_id;
  return [head(account), el("div", { class: "stack" }, alerts(account.alerts, naming), reasons(account.reasons, "account")),
    el("div", { class: "stack" }, recommendation(account.recommendation), allowed),
    links(id, account.links), features(id, account.features)];
}
