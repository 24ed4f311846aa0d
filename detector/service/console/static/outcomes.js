// What became of a recommendation, and how often customers appealed and were right.

import { attempt, read, write } from "./api.js";
import { $, count, el, when, words } from "./elements.js";

const SAID = ["applied", "refused", "challenge_passed", "challenge_failed", "appealed", "reverted", "expired", "declined"];

export const outcomesOf = (r) => (r ? read(`/recommendations/${encodeURIComponent(r.id)}/outcomes`) : []);

export function outcomes(r, found, again) {
  const choose = el("select", { "aria-label": "What became of it", "data-key": "outcome", onchange: () => attempt(async () => {
    await write(`/recommendations/${encodeURIComponent(r.id)}/outcome`, { outcome: choose.value });
    await Promise.all([appeals(), again(`The recommendation was ${words(choose.value)}.`)]);
  }) }, el("option", { text: "What became of it …", disabled: "", selected: "" }), ...SAID.map((name) => el("option", { text: words(name), value: name })));
  const line = (o) => el("li", {}, el("span", { class: "quiet", text: `${when(o.at)} ` }), `${words(o.outcome)}, ${o.actor}${o.note ? ` — ${o.note}` : ""}`);
  return [choose, found.length ? el("ul", { class: "steps" }, ...found.map(line)) : null];
}

export async function appeals() {
  const { applied, appealed, overturned, overturn_rate: rate } = await read("/recommendations/appeals");
  $("appeals").hidden = !applied && !appealed;
  $("appeals").textContent = `${count(applied)} applied · ${count(appealed)} appealed`
    + (rate === null ? "" : ` · ${count(overturned)} overturned (${(100 * rate).toFixed(0)} %)`);
}
