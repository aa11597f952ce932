// Sorting by a name in the address: numbers before words, absent values last, groups stay where they are.
{
  const key = (cell) => {
    const text = cell.dataset.by ?? first(cell);
    const number = parseFloat(text.replace("\u2212", "-").replace("+", "").replace(/[,\u00a0]/g, ""));
    return Number.isNaN(number) ? (/^\u2013?$/.test(text) ? null : text.toLowerCase()) : number;
  };
  const sorted = (rows, column, sign) => {
    const keys = new Map(rows.map((row) => [row, row.cells[column] && key(row.cells[column])]));
    return rows.sort((a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      if (a.matches(".group") || b.matches(".group")) return b.matches(".group") - a.matches(".group");
      if (x === null || y === null) return (x === null) - (y === null);
      if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
      return sign * (typeof x === "number" ? x - y : x.localeCompare(y, "en"));
    });
  };
  for (const table of all("table[data-sort]")) {
    const bodies = [...table.tBodies].map((body) => [body, [...body.rows]]);
    const order = one("[data-order]", table);
    const told = order && order.textContent;
    const heads = all("thead th", table).map((head, column) => {
      const text = one("svg", head) ? first(head) : head.textContent.trim();
      const name = head.dataset.col || text.toLowerCase().replace(/[^a-z0-9]+/g, "-");
      const button = make("button", { type: "button", className: "sort", title: "Sort", ariaLabel: "Sort by " + text });
      head.append(" ", button);
      button.onclick = () => {
        // Numbers are read from the top; words from A.
        const now = head.ariaSort;
        const up = now ? now === "descending" : !head.classList.contains("num");
        keep("sort", (up ? "" : "-") + name, true);
        show();
      };
      return { head, name, column, text, start: head.ariaSort };
    });
    shows.push(() => {
      const [, down, name] = /^(-?)(.*)$/.exec(view.get("sort") || "");
      const by = heads.find((each) => each.name === name);
      for (const [body, rows] of bodies) body.append(...(by ? sorted([...rows], by.column, down ? -1 : 1) : rows));
      for (const { head, start } of heads) {
        head.ariaSort = by ? (head !== by.head ? null : down ? "descending" : "ascending") : start;
      }
      if (!order) return;
      const ways = by && by.head.classList.contains("num") ? ["lowest first", "highest first"] : ["A to Z", "Z to A"];
      order.textContent = by ? "ordered by " + by.text[0].toLowerCase() + by.text.slice(1) + ", " + ways[down ? 1 : 0] : told;
    });
  }
}
