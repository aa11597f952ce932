// Sort, filter and compare. Pages are whole without this file; it hides and orders what is there, and keeps the view in
// the address. It fetches nothing and builds no markup from text.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const view = new URLSearchParams(location.search);
  const keep = (name, value) => {
    if (value) view.set(name, value);
    else view.delete(name);
    const query = String(view).replaceAll("%2C", ",");
    history.replaceState(null, "", location.pathname + (query && "?" + query) + location.hash);
  };
  const first = (cell) => {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      // A name may be in parts, between which a line may break.
      const node = walker.currentNode.parentNode.matches("bdi") ? walker.currentNode.parentNode : walker.currentNode;
      if (node.textContent.trim()) return node.textContent.trim();
    }
    return "";
  };

  // Sorting: numbers before words, absent values last, groups stay where they are.
  const key = (row, column) => {
    const text = first(row.cells[column]);
    const number = parseFloat(text.replace("\u2212", "-").replace("+", "").replace(/[\u202f\u00a0]/g, ""));
    return Number.isNaN(number) ? (text === "\u2013" ? null : text.toLowerCase()) : number;
  };
  const sort = (table, column, up) => {
    const sign = up ? 1 : -1;
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter((row) => row.cells.length > column);
      const keys = new Map(rows.map((row) => [row, key(row, column)]));
      rows.sort((a, b) => {
        const [x, y] = [keys.get(a), keys.get(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
        return sign * (typeof x === "number" ? x - y : x.localeCompare(y, "en"));
      });
      body.append(...rows);
    }
    all("thead th", table).forEach((head, at) => {
      if (at === column) head.setAttribute("aria-sort", up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
  };
  for (const table of all("table[data-sort]")) {
    all("thead th", table).forEach((head, column) => {
      const button = make("button", { type: "button", className: "sort", title: "Sort" });
      button.setAttribute("aria-label", "Sort by " + head.textContent.trim());
      button.addEventListener("click", () => {
        // Numbers are read from the top; words from A.
        const now = head.getAttribute("aria-sort");
        const up = now ? now === "descending" : !head.classList.contains("num");
        sort(table, column, up);
        keep("sort", (up ? "" : "-") + column);
      });
      head.append(" ", button);
    });
    const wanted = /^(-?)(\d{1,2})$/.exec(view.get("sort") || "");
    if (wanted && Number(wanted[2]) < table.tHead.rows[0].cells.length) sort(table, Number(wanted[2]), !wanted[1]);
  }

  // Filters: each names what it looks at; what no filter refuses is shown.
  const filters = all("[data-filter]");
  const items = all(".item");
  const count = one("[data-count]");
  const rows = all("table[data-sort]:not([data-source]) tbody tr:not(.group)");
  const apply = () => {
    const value = Object.fromEntries(filters.map((field) => [field.dataset.filter, field.value.trim().toLowerCase()]));
    const says = (element) => !value.q || element.textContent.toLowerCase().includes(value.q);
    let shown = 0;
    if (items.length) {
      for (const part of all(".task")) {
        part.hidden = Boolean(value.task) && part.dataset.task.toLowerCase() !== value.task;
        for (const box of all("details", part)) {
          const off = part.hidden || (value.show && box.dataset.kind !== value.show);
          let here = 0;
          for (const item of all(".item", box)) {
            item.hidden = off || !says(item);
            here += !item.hidden;
          }
          box.hidden = off || !here;
          if (value.q || value.show) box.open = !box.hidden;
          shown += here;
        }
      }
    } else {
      for (const row of rows) {
        row.hidden = !says(row) || Boolean(value.method && !row.cells[1].textContent.toLowerCase().startsWith(value.method));
        shown += !row.hidden;
      }
      for (const group of all("tr.group")) group.hidden = all("tr:not(.group)", group.parentNode).every((row) => row.hidden);
    }
    if (count) count.textContent = shown + " of " + (items.length || rows.length) + " shown";
  };
  if (filters.length) {
    for (const field of filters) {
      const name = field.dataset.filter;
      if (view.has(name)) field.value = view.get(name);
      field.addEventListener("input", () => {
        keep(name, field.value);
        apply();
      });
      field.closest(".tools").hidden = false;
    }
    apply();
  }

  // Choosing entries on a track's page.
  const bar = one("[data-compare]");
  if (bar) {
    bar.hidden = false;
    const [link, said] = [one("a", bar), one("output", bar)];
    const boxes = all("tr[data-id]").map((row) => {
      const box = make("input", { type: "checkbox", value: row.dataset.id });
      box.setAttribute("aria-label", "Compare " + one("a", row).textContent);
      row.cells[0].prepend(box);
      return box;
    });
    const change = () => {
      const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
      for (const box of boxes) box.disabled = chosen.length > 3 && !box.checked;
      link.href = bar.dataset.compare + (chosen.length ? "?of=" + chosen.join(",") : "");
      said.textContent = chosen.length ? chosen.length + " of at most 4 chosen." : "Choose two to four entries.";
      keep("of", chosen.join(","));
    };
    const wanted = (view.get("of") || "").split(",").slice(0, 4);
    for (const box of boxes) {
      box.checked = wanted.includes(box.value);
      box.addEventListener("change", change);
    }
    change();
  }

  // Comparing two to four: the rows chosen, as columns.
  const picks = all("[data-pick]");
  if (picks.length) {
    const source = one("[data-source]");
    const entries = all("tr[data-id]", source);
    const place = one("[data-chosen]");
    one("[data-picks]").hidden = false;
    for (const pick of picks) {
      for (const row of entries) pick.append(make("option", { value: row.dataset.id, textContent: one("a", row).textContent }));
    }
    const draw = () => {
      const ids = [...new Set(picks.map((pick) => pick.value).filter(Boolean))];
      const chosen = ids.map((id) => entries.find((row) => row.dataset.id === id));
      keep("of", ids.join(","));
      place.replaceChildren();
      if (chosen.length < 2) return;
      const table = make("table", { className: "lean full chosen" });
      table.createCaption().textContent = "The entries chosen; " + told(chosen);
      const body = table.createTBody();
      [...source.tHead.rows[0].cells].forEach((head, column) => {
        const row = column ? body.insertRow() : table.createTHead().insertRow();
        const label = head.cloneNode(true);
        label.removeAttribute("aria-sort");
        all(".sort", label).forEach((button) => button.remove());
        label.className = "";
        label.scope = column ? "row" : "col";
        row.append(label);
        for (const entry of chosen) {
          const cell = entry.cells[column].cloneNode(true);
          if (!column) cell.scope = "col";
          row.append(cell);
        }
      });
      const box = make("div", { className: "scroll whole", tabIndex: 0 });
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", "The entries chosen");
      box.append(table);
      place.append(box);
    };
    // Every ranked row has a bit for each ranked entry: whether their balances differ significantly.
    const differ = (row, other) => {
      const at = Number(other.dataset.at);
      return (parseInt(row.dataset.apart[at >> 2], 16) >> (3 - (at & 3))) & 1;
    };
    const told = (chosen) => {
      if (chosen.some((row) => !row.dataset.apart)) return "balances are compared where all of them are ranked";
      const pairs = chosen.flatMap((row, at) => chosen.slice(at + 1).map((other) => [row, other]));
      const alike = pairs.filter(([row, other]) => !differ(row, other));
      if (!alike.length) return "all differ significantly in balance";
      if (alike.length === pairs.length) return "no two differ significantly in balance";
      const names = alike.map((pair) => pair.map((row) => one("a", row).textContent).join(" and "));
      return "not significantly different in balance: " + names.join("; ");
    };
    const wanted = (view.get("of") || "").split(",").filter((id) => entries.some((row) => row.dataset.id === id));
    picks.forEach((pick, at) => {
      pick.value = wanted[at] || "";
      pick.addEventListener("change", draw);
    });
    draw();
  }
})();
