// What became of a recommendation, and how often customers appealed and were right.

import { attempt, read, write } from "./api.js";
import { $, count, el, when, words } from "./elements.js";

const SAID = ["applied", "refused", "challenge_passed", "challenge_failed", "appealed", "reverted", "expired", "declined"];

export const outcomesOf = (r) => (r ? read(`/recommendations/${encodeURIComponent(r.id)}/outcomes`) : []);

// What is being asked stays so when the case is drawn anew.
let pending = { id: null, outcome: null };

export function outcomes(r, found, again) {
  const path = `/recommendations/${encodeURIComponent(r.id)}/outcome`;
  const question = el("span", { id: "sure" });
  const note = el("button", { type: "button", class: "strong", text: "Record it", "data-key": "record", "aria-describedby": "sure", onclick: () => attempt(async () => {
    const chosen = choose.value;
    pending = { id: null, outcome: null };
    await write(path, { outcome: chosen });
    await Promise.all([appeals(), again(`The recommendation was ${words(chosen)}.`)]);
  }) });
  const close = () => {
    pending = { id: null, outcome: null };
    sure.hidden = true;
    choose.selectedIndex = 0;
    choose.focus();
  };
  // A pick alone records nothing: by keyboard each arrow is one, and an outcome becomes a label or takes a recommendation back.
  const sure = el("div", { class: "sure", role: "group", "aria-label": "Record what became of it?", hidden: "", onkeydown: (event) => {
    if (event.key === "Escape") close();
  } }, question, note, el("button", { type: "button", text: "Cancel", "data-key": "cancel", onclick: close }));
  const choose = el("select", { "aria-label": "What became of it", "data-key": "outcome", onchange: () => {
    pending = { id: r.id, outcome: choose.value };
    ask();
  } }, el("option", { text: "What became of it …", disabled: "", selected: "" }), ...SAID.map((name) => el("option", { text: words(name), value: name })));
  const ask = () => {
    question.textContent = `Record that the recommendation was ${words(choose.value)}? It cannot be taken back.`;
    sure.hidden = false;
  };
  if (pending.id === r.id) {
    choose.value = pending.outcome;
    ask();
  }
  const line = (o) => el("li", {}, el("span", { class: "quiet", text: `${when(o.at)} ` }), `${words(o.outcome)}, ${o.actor}${o.note ? ` — ${o.note}` : ""}`);
  return [choose, el("div", {}, sure, found.length ? el("ul", { class: "steps" }, ...found.map(line)) : null)];
}

export async function appeals() {
  const { applied, appealed, overturned, overturn_rate: rate } = await read("/recommendations/appeals");
  $("appeals").hidden = !applied && !appealed;
  $("appeals").textContent = `${count(applied)} ${applied === 1 ? "recommendation" : "recommendations"} applied, ${count(appealed)} appealed`
    + (rate === null ? "" : `, ${count(overturned)} overturned (${(100 * rate).toFixed(0)} %)`);
}
