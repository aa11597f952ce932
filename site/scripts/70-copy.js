// Copying: a link with data-copy copies that text, or its address; any other such element gets a button for its text.
{
  const said = make("output", { className: "copied" });
  for (const from of all("[data-copy]:not(a)")) {
    const button = make("button", { type: "button", className: "copy", textContent: "Copy" });
    button.dataset.copy = from.dataset.copy || from.textContent.trim();
    from.after(button);
  }
  document.body.append(said);
  addEventListener("click", (event) => {
    const from = event.target.closest(":is(a, .copy)[data-copy]");
    if (!from || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const text = from.dataset.copy || from.href;
    const say = (what) => (said.textContent = what);
    say(text);
    navigator.clipboard?.writeText(text).then(() => say("Copied: " + text), () => {});
    setTimeout(say, 6000, "");
  });
}
