// Whether recommendations bind anybody, in the header.

import { read } from "./api.js";
import { $ } from "./elements.js";

export async function mode() {
  const { mode: chosen, brake } = await read("/enforcement");
  const binds = chosen === "live" && !brake;
  const text = brake && chosen === "live" ? `live mode, brake pulled: nothing is enforced (${brake.why})` : binds ? "live mode: recommendations bind" : "shadow mode: nothing is enforced";
  // Said again only where it changed: it is read out.
  if ($("mode").textContent !== text) $("mode").textContent = text;
  $("mode").classList.toggle("binds", chosen === "live");
  $("mode").hidden = false;
}
