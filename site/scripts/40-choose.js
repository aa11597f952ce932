// Choosing entries: a box at each, and a tray that stays in view while one is ticked.
{
  let [ids, to] = [[], ""];
  const boxes = all("[data-choose]").map((slot) => {
    const home = slot.closest("[data-id]");
    const box = make("input", { type: "checkbox", value: home.dataset.id });
    box.to = slot.closest("[data-compare]").dataset.compare;
    box.ariaLabel = "Compare " + (slot.dataset.choose || one("a", home).textContent.trim());
    slot.append(box);
    // Entries of two tracks are never compared: one of another track starts anew.
    box.onchange = () =>
      choose(box.checked ? [...(box.to === to ? ids : []), box.value] : ids.filter((id) => id !== box.value), box.to);
    return box;
  });
  const tray = one(".tray");
  const choose = (chosen, track) => {
    [ids, to] = [chosen, track];
    for (const box of boxes) {
      box.checked = box.to === to && ids.includes(box.value);
      box.disabled = box.to === to && ids.length > 3 && !box.checked;
    }
    tray.hidden = !ids.length;
    const [said, link, clear] = tray.children;
    said.textContent = ids.length + " of at most 4 chosen";
    clear.onclick = () => choose([], to);
    link.hidden = ids.length < 2;
    link.href = to;
    keep("of", ids.join(","));
    // The choice travels with the links to the pages of its track.
    for (const each of all('a[href*="/track-"], a[href^="track-"]')) {
      const url = new URL(each.getAttribute("href"), location.href);
      url.searchParams.delete("of");
      if (ids.length && url.pathname.endsWith(to.split("/").pop())) url.searchParams.set("of", ids);
      each.setAttribute("href", String(url).replaceAll("%2C", ","));
    }
  };
  if (tray) {
    const wanted = [...new Set((view.get("of") || "").split(","))];
    const track = boxes.find((box) => wanted.includes(box.value))?.to || "";
    choose(wanted.filter((id) => boxes.some((box) => box.to === track && box.value === id)).slice(0, 4), track);
  }
}
