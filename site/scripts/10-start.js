// Sort, filter and compare. Pages are whole without this file; it hides and orders what is there, and keeps the view in
// the address. It fetches nothing and builds no markup from text.
"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);
const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);
let view = new URLSearchParams(location.search);
// What shows the view; it is asked again when the reader goes back.
const shows = [];
const show = () => {
  for (const each of shows) each();
  for (const link of all("a[data-here]")) link.href = location.href;
};
const keep = (name, value, step) => {
  if (value) view.set(name, value);
  else view.delete(name);
  const query = String(view).replaceAll("%2C", ",");
  const address = location.pathname + (query && "?" + query) + location.hash;
  history[step ? "pushState" : "replaceState"](null, "", address);
};
addEventListener("popstate", () => {
  view = new URLSearchParams(location.search);
  show();
});
addEventListener("DOMContentLoaded", show);
const first = (cell) => {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    // A name may be in parts, between which a line may break.
    const node = walker.currentNode.parentNode.matches("bdi") ? walker.currentNode.parentNode : walker.currentNode;
    if (node.textContent.trim()) return node.textContent.trim();
  }
  return "";
};
