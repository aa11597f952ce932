// Comparing two to four: the rows chosen, as columns.
{
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
}
