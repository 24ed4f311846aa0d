// Elements, and how things are said. Every text is set as text, never as markup.

import { WORDS } from "./words.js";

export const $ = (id) => document.getElementById(id);

export function el(name, props = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (key === "text") made.textContent = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function svg(name, props, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(props)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

export const count = (n) => Number(n).toLocaleString("en");
export const short = (x) => (x === null || x === undefined ? "unknown" : Number(x.toPrecision(3)).toLocaleString("en"));
// A part of a whole is a percentage, as in the report.
export const measured = (value, unit) => (value === null || !unit || WORDS.bare.includes(unit) ? short(value)
  : WORDS.parts.includes(unit) ? `${short(100 * value)} %` : `${short(value)} ${unit}`);
export function named(feature) {
  const meaning = WORDS.meanings[feature];
  return meaning ? `${meaning} (${words(feature)})` : words(feature || "value");
}

export const when = (t) => new Date(t).toISOString().slice(0, 16).replace("T", " ");
export const words = (code) => code.toLowerCase().replaceAll("_", " ");

// As the report says it; what it has no word for stays as it is.
export const word = (table, name) => WORDS[table][name] ?? name.replaceAll("_", " ");
export const kind = (name) => WORDS.kinds[name] ?? name;
export const stops = (action) => WORDS.stops.includes(action);

export function bars(items) {
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

export function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.map(([name, value]) =>
    el("div", {}, el("dt", { text: name }), el("dd", { text: value }))));
}

export function section(title, wide, ...children) {
  return el("section", wide ? { class: "full" } : {}, el("h3", { text: title }), ...children);
}

// For answers that may overtake each other: asked once before, and then whether nothing that was asked later is drawn already.
export function inOrder() {
  let [asked, drawn] = [0, 0];
  return () => {
    const mine = ++asked;
    return () => mine > drawn && Boolean(drawn = mine);
  };
}
