// Sorting: numbers before words, absent values last, groups stay where they are.
{
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
}
