"use strict";
(() => {
  const tip = document.getElementById("tip");
  const holder = (event) => event.target instanceof Element ? event.target.closest("[data-tip]") : null;

  const place = (x, y) => {
    const box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, x - box.width / 2), innerWidth - box.width - 8);
    const above = y - box.height - 14;
    tip.style.transform = `translate(${left}px, ${above > 8 ? above : y + 18}px)`;
  };
  const show = (element, x, y) => {
    tip.textContent = element.dataset.tip;
    tip.hidden = false;
    place(x, y);
  };
  const hide = () => { tip.hidden = true; };

  document.addEventListener("pointermove", (event) => {
    const element = holder(event);
    if (element) show(element, event.clientX, event.clientY); else hide();
  });
  document.addEventListener("focusin", (event) => {
    const element = holder(event);
    if (!element) return;
    const box = element.getBoundingClientRect();
    show(element, box.left + box.width / 2, box.top);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // A link to a folded case opens it.
  const unfold = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", unfold);
  unfold();

  for (const button of document.querySelectorAll("table.sortable th button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const column = head.cellIndex;
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const key = (row) => {
        const cell = row.cells[column];
        return head.dataset.sort === "num" ? Number(cell.dataset.v) : cell.textContent.toLowerCase();
      };
      const rows = [...head.closest("table").tBodies[0].rows];
      rows.sort((a, b) => {
        const [left, right] = [key(a), key(b)];
        return (left < right ? -1 : left > right ? 1 : 0) * (ascending ? 1 : -1);
      });
      head.closest("table").tBodies[0].append(...rows);
    });
  }

  for (const button of document.querySelectorAll("button[data-filter]")) {
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      for (const item of document.querySelectorAll(`[data-severity="${button.dataset.filter}"]`)) item.hidden = !shown;
    });
  }
})();
