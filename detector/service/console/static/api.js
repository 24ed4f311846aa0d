// The REST API, read with a token that stays in this tab.

import { $ } from "./elements.js";

export const state = { token: sessionStorage.getItem("token"), chosen: null, tag: null, seen: "", cursor: null, last: null, stream: null };

export function say(text) {
  $("said").textContent = text;
  $("said").hidden = !text;
}

export async function api(path, options = {}) {
  const headers = { Authorization: `Bearer ${state.token}`, ...options.headers };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/v1${path}`, { ...options, headers });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ detail: answer.statusText }));
  if (answer.status === 401) document.dispatchEvent(new Event("refused"));
  throw Object.assign(new Error(problem.detail), { status: answer.status });
}

export const read = async (path) => (await api(path)).json();

export const write = (path, body, headers = {}, method = "POST") => api(path, { method, body: body && JSON.stringify(body),
  headers: { "Idempotency-Key": crypto.randomUUID(), ...headers } });

export async function attempt(work) {
  try {
    await work();
    say("");
  } catch (error) {
    say(error.message);
  }
}
