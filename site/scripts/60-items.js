// Squares of items: the keyboard stops once at each drawing, and arrow keys go from square to square.
for (const box of all("[data-squares]")) {
  const links = [...box.children];
  links.forEach((link, at) => (link.tabIndex = at ? -1 : 0));
  box.addEventListener("keydown", (event) => {
    const at = links.indexOf(document.activeElement);
    const row = links.filter((link) => link.offsetTop === links[0].offsetTop).length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row }[event.key];
    const next = step && links[at + step];
    if (!next) return;
    event.preventDefault();
    links[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}
// Where there are too many items to list them all, what is searched is looked for on the page of a task.
{
  const tasks = one("[data-carry]");
  const carry = () => {
    const query = one("[data-filter=q]").value.trim();
    for (const link of all("h3 a", tasks)) link.search = query && "?q=" + encodeURIComponent(query);
  };
  if (tasks) shows.push(carry);
}
