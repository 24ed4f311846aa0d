// An account: what it does by itself, and whom it is tied to.

import { count, el, facts, section, short, when, words } from "./elements.js";
import { reasons, recommendation, table, toAccount } from "./sections.js";

const toAlert = (id) => el("li", {}, el("a", { class: "id", href: `#alert=${encodeURIComponent(id)}`, text: id }));

function head(account) {
  return el("section", { class: "full" }, el("h2", { text: `Account · ${account.account_id}` }),
    facts([["Risk by itself", account.risk.toFixed(1)], ["p-value", account.p_value.toPrecision(2)], ["Exchanges", count(account.exchanges)],
      ["First seen", when(account.first_seen)], ["Last seen", when(account.last_seen)], ["Compared with", words(account.stratum)]]));
}

function alerts(ids) {
  return section("Alerts that name it", false,
    ids.length ? el("ul", { class: "steps" }, ...ids.map(toAlert)) : el("p", { class: "quiet", text: "None." }));
}

function links(found) {
  if (!found.length) return null;
  const names = [["Tie", ""], ["Nats", "n"], ["Accounts that share it", "n"], ["Some of them", ""]];
  const line = (tie) => el("tr", {}, el("td", { text: words(tie.kind) }), el("td", { class: "n", text: short(tie.weight) }),
    el("td", { class: "n", text: count(tie.holders) }), el("td", { class: "many" }, ...tie.accounts.map(toAccount)));
  return section("Ties", true, table("Ties", names, el("tbody", {}, ...found.map(line))));
}

// Distinct things are estimated, and 1.01 of them are one.
const COUNTS = new Set("distinct_prompts distinct_skeletons topic_coverage addresses networks tls_fingerprints api_keys end_users conversations routes models requests input_tokens output_tokens requests_1h input_tokens_1h output_tokens_1h requests_1d input_tokens_1d output_tokens_1d requests_7d input_tokens_7d output_tokens_7d".split(" "));
const said = (name, value) => (COUNTS.has(name) && value !== null ? count(Math.round(value)) : short(value));

function features(values) {
  const line = ([name, value]) => el("tr", {}, el("td", { text: words(name) }), el("td", { class: "n", text: said(name, value) }));
  return section("Features", true, table("Features", [["Feature", ""], ["Value", "n"]], el("tbody", {}, ...Object.entries(values).map(line))));
}

export function accountOf(account, allowed) {
  return [head(account), reasons(account.reasons), alerts(account.alerts), allowed, recommendation(account.recommendation),
    links(account.links), features(account.features)];
}
