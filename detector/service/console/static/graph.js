// A cluster as a picture: its members, and what they share.

import { count, el, kind, section, svg } from "./elements.js";

const [WIDTH, HEIGHT, EDGE] = [560, 380, 34];
const SHAPE = { account: "", payment: "M-9-6h18v12h-18z", network: "M0-9L9 0 0 9-9 0z", template: "M-7-9h10l4 4v14h-14z",
  system_prompt: "M-8-8h16v16h-16z", mail: "M0-9L9 7h-18z", signup: "M0 9L9-7h-18z", tls: "M-5-8.7h10L10 0 5 8.7h-10L-10 0z" };
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function mark(node, x, y) {
  const shape = node.kind === "account"
    ? svg("circle", { cx: x, cy: y, r: 6, class: node.role })
    : svg("path", { d: SHAPE[node.kind] ?? "M0-8a8 8 0 1 0 .01 0z", transform: `translate(${x} ${y})`, class: "shared" });
  shape.append(svg("title", {}, node.kind === "account" ? `${node.label}, ${node.role}` : `${kind(node.kind)}: ${node.label}`));
  return shape;
}

export function graph({ nodes, edges, left_out: hidden }) {
  if (!nodes.length) return section("How they hang together", false, el("p", { class: "quiet", text: "The latest look at clusters sees nothing that ties them; after a start, the next look tells." }));
  const at = nodes.map((n) => [EDGE + n.x * (WIDTH - 2 * EDGE), EDGE + n.y * (HEIGHT - 2 * EDGE)]);
  const most = Math.max(...edges.map((e) => e[2]), 1e-9);
  const shared = nodes.filter((n) => n.kind !== "account");
  const kinds = [...new Set(shared.map((n) => kind(n.kind)))].join(", ");
  const plot = svg("svg", { class: "plot graph", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": `${count(nodes.length - shared.length)} accounts and what they share: ${kinds}` });
  for (const [a, b, weight] of edges) {
    plot.append(svg("line", { class: "tie", x1: at[a][0], y1: at[a][1], x2: at[b][0], y2: at[b][1], opacity: (0.15 + 0.45 * weight / most).toFixed(2) }));
  }
  nodes.forEach((node, i) => plot.append(mark(node, ...at[i])));
  const taken = [];
  nodes.forEach((node, i) => {
    const [x, y] = [at[i][0], at[i][1] - 14];
    // Labels that would cover each other are left to the title that a pointer shows.
    if (node.kind === "account" || taken.some(([u, v]) => Math.abs(u - x) < 150 && Math.abs(v - y) < 14)) return;
    taken.push([x, y]);
    plot.append(svg("text", { class: "label", x: Math.min(Math.max(x, 90), WIDTH - 90), y, "text-anchor": "middle" }, cut(`${kind(node.kind)}: ${node.label}`, 32)));
  });
  return section("How they hang together", false, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Graph" }, plot),
    el("p", { class: "quiet", text: `Filled: core members. Hollow: peripheral ones.${hidden ? ` ${count(hidden)} accounts are not drawn.` : ""}` }));
}
