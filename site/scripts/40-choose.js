// Choosing entries on a track's page.
{
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
}
