// Filters: each names what it looks at; what no filter refuses is shown.
{
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
}
