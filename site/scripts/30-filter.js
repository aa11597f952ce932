// Filters: a search for text, and facets that name what a row has; what none refuses is shown, and counted.
{
  const fields = all("[data-filter], [data-facet]");
  const name = (field) => field.dataset.filter || field.dataset.facet;
  const items = all(".item");
  const count = one("[data-count]");
  const tables = all("table[data-sort]:not([data-source])");
  const rows = tables.map((table) => all("tbody tr:not(.group)", table));
  const explorer = (value, says) => {
    let shown = 0;
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
    return shown + " of " + items.length;
  };
  const board = (facets, says) => {
    const found = {};
    tables.forEach((table, at) => {
      const sum = (found[table.dataset.sort] ||= [0, 0]);
      let here = 0;
      for (const row of rows[at]) {
        const has = (field) => (row.dataset[field.dataset.facet] || "").split(" ").includes(field.value);
        row.hidden = !says(row) || !facets.every(has);
        here += !row.hidden;
      }
      for (const group of all("tr.group", table)) group.hidden = all("tr:not(.group)", group.parentNode).every((row) => row.hidden);
      const part = table.closest("[data-part]");
      if (part) part.hidden = !here;
      sum[0] += here;
      sum[1] += rows[at].length;
    });
    return Object.entries(found).map(([noun, [here, every]]) => `${here} of ${every} ${noun}`.trim()).join(", ");
  };
  if (fields.length) {
    shows.push(() => {
      for (const field of fields) {
        field.value = view.get(name(field)) || "";
        if (field.selectedIndex < 0) field.value = "";
      }
      const value = Object.fromEntries(fields.map((field) => [name(field), field.value.trim().toLowerCase()]));
      const says = (element) => !value.q || element.textContent.toLowerCase().includes(value.q);
      const facets = fields.filter((field) => field.dataset.facet && field.value);
      const said = items.length ? explorer(value, says) : board(facets, says);
      if (count) count.textContent = said + " shown";
      for (const box of all("[data-chosen-facets]")) box.textContent = facets.length ? " (" + facets.length + ")" : "";
      for (const link of all("a[data-carry]")) {
        link.search = value.q ? "?q=" + encodeURIComponent(view.get("q")) : "";
        link.dataset.said ||= link.textContent;
        link.textContent = value.q ? link.dataset.carry + " \u201c" + view.get("q") + "\u201d" : link.dataset.said;
      }
    });
    for (const field of fields) {
      field.oninput = () => {
        keep(name(field), field.value, field.dataset.facet);
        show();
      };
      field.closest(".tools").hidden = false;
    }
  }
  // Facets are folded where they would push the results off the screen.
  const wide = matchMedia("(min-width: 48rem)");
  const fold = () => all("details[data-wide]").forEach((box) => (box.open = wide.matches));
  wide.onchange = fold;
  fold();
}
