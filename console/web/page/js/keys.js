/* Keys that do the same wherever one is on the page, but where something is typed. */

import { SPANS } from "./spans.js";

const typing = (target) => target.matches?.("input, textarea, select");

/** What a key does, as `{name, change}`: `change` is of the view, `name` of what the page itself does; null: nothing. */
export function meaning(key, view) {
  const plain = { from: null, to: null, at: null, till: null };
  const digit = /^[1-9]$/.test(key) ? SPANS[Number(key) - 1] : null;
  if (digit) return { change: { ...plain, span: digit.name } };
  if (key === "t") return { change: { table: !view.table } };
  if (key === "d") return { change: { by: view.by === "share" ? "count" : "share" } };
  if (key === "/") return { name: "filter" };
  if (key === "s") return { name: "symbol" };
  if (key === "h") return { name: "heat" };
  if (key === "?") return { name: "help" };
  if (key === "Escape") return { change: back(view) };
  return null;
}

/** One step back from a view: the cell, the row, the filter, the zoom, the symbol. */
export function back(view) {
  if (view.at != null) return { at: null, till: null };
  if (view.row) return { row: "" };
  if (view.filter) return { filter: "" };
  if (view.from != null) return { from: null, to: null };
  if (view.symbol) return { symbol: "" };
  return null;
}

const PLACES = { filter: "#filter", symbol: "#symbol", heat: ".cursor-grid" };

/** Listen. `onHelp`: shows the help. */
export function listen(store, onHelp) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (typing(event.target)) {
      if (event.key === "Escape") leave(event.target, store);
      return;
    }
    const does = meaning(event.key, store.view);
    if (!does) return;
    if (does.name === "help") onHelp();
    const place = does.name && document.querySelector(PLACES[does.name]);
    if (place) place.focus(), place.select?.();
    if (does.change) store.go(does.change, event.key !== "t" && event.key !== "d");
    if (does.name || does.change) event.preventDefault();
  });
}

function leave(field, store) {
  if (field.id === "filter" && store.view.filter) store.go({ filter: "" }, false);
  field.blur();
}
