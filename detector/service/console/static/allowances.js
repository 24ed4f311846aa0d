// Allowances of an account: those that there are, what a new one would hide, grant and revoke.

import { attempt, read, write } from "./api.js";
import { count, el, section, when, words } from "./elements.js";

const DAY = 86_400_000;
const NOBODY = "Nobody has seen this account yet: check its id.";
// Accounts of which a grant said that nobody has seen them.
const unseen = new Set();
const field = (label, made) => el("label", { text: label }, made);

async function names() {
  const document_ = await (await fetch("/openapi.json")).json();
  return document_.components.schemas.Grant.properties.name.enum;
}

function granted(one, again) {
  return el("li", {}, el("span", { text: `${words(one.name)} until ${when(one.expires_at)} · ${one.owner}${one.scope ? ` · only ${one.scope.join(", ")}` : ""}` }),
    el("button", { type: "button", text: "Revoke", "aria-label": `Revoke ${words(one.name)}`, "data-key": `revoke ${one.id}`, onclick: () => attempt(async () => {
      await write(`/allowances/${one.id}`, undefined, {}, "DELETE");
      await again(`The allowance ${words(one.name)} is revoked.`);
    }) }));
}

async function hidden(id, name, scope) {
  const only = scope.trim() ? `&scope=${encodeURIComponent(scope)}` : "";
  const would = await read(`/allowances/preview?account_id=${encodeURIComponent(id)}&name=${encodeURIComponent(name)}${only}`);
  const left = would.leaves.length ? ` (it would leave ${count(would.leaves.length)} of these as a member; they go on without it)` : "";
  return `It would hide ${count(would.hidden.length)} of the alerts that name it, weaken ${count(would.weakened.length)}${left}, and leave ${count(would.untouched.length)} as they are.`;
}

export async function allowances(id, again) {
  const [{ items }, known] = await Promise.all([read(`/allowances?account_id=${encodeURIComponent(id)}`), names()]);
  const choice = el("select", { required: "", "data-key": "allowance" }, el("option", { text: "Choose …", value: "", disabled: "", selected: "" }),
    ...known.map((name) => el("option", { text: words(name), value: name })));
  const would = el("p", { class: "quiet", role: "status" });
  const owner = el("input", { required: "", maxlength: "256", placeholder: "who answers for it", autocomplete: "off" });
  const until = el("input", { type: "date", required: "", value: new Date(Date.now() + 90 * DAY).toISOString().slice(0, 10) });
  const scope = el("input", { maxlength: "1000", placeholder: "reason codes with commas; all without", autocomplete: "off" });
  const preview = () => choice.value && attempt(async () => { would.textContent = await hidden(id, choice.value, scope.value); });
  for (const each of [choice, scope]) each.addEventListener("change", preview);
  const form = el("form", { class: "grant", onsubmit: (event) => {
    event.preventDefault();
    attempt(async () => {
      const answer = await write("/allowances", { name: choice.value, account_id: id, owner: owner.value, expires_at: `${until.value}T00:00:00Z`, scope: scope.value.trim() || null });
      if ((await answer.json()).known === false) unseen.add(id);
      await again(`${id} has the allowance ${words(choice.value)}; it takes effect at the next tick.${unseen.has(id) ? ` ${NOBODY}` : ""}`);
    });
  } }, field("Allowance", choice), field("Owner", owner), field("Until", until), field("Scope", scope), el("button", { text: "Grant" }), would);
  return section("Allowances", false,
    items.length ? el("ul", { class: "rows" }, ...items.map((one) => granted(one, again))) : el("p", { class: "quiet", text: "None." }),
    items.length ? el("p", { class: "quiet", text: "A grant takes effect at the next tick; until then scores and recommendations are as they were." }) : null,
    unseen.has(id) ? el("p", { class: "since", text: NOBODY }) : null, form);
}
