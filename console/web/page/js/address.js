/* What is looked at, as the address of the page has it: a link opens what its sender saw. Pure. */

import { SPANS } from "./spans.js";

/** The view that the bare address shows. `row`, `at`, `till`: what was picked. Times are epoch seconds. */
export const PLAIN = Object.freeze({
  span: "1h", from: null, to: null, rows: "gates", by: "share", symbol: "", filter: "", row: "", at: null, till: null,
  table: false,
});

const KINDS = ["gates", "symbols", "reasons"];
const LONGEST = 300;

const time = (text) => (/^\d{4}-\d\d-\d\dT\d\d:\d\dZ?$/.test(text ?? "") ? seconds(text) : null);

function seconds(text) {
  const at = Date.parse(text.endsWith("Z") ? text : text + "Z") / 1000;
  return Number.isFinite(at) ? at : null;
}

const stamp = (at) => new Date(at * 1000).toISOString().slice(0, 16);

/** The view in a query (`?span=6h&row=...`). What makes no sense in it is left out. */
export function read(query) {
  const given = new URLSearchParams(query);
  const text = (key) => (given.get(key) ?? "").slice(0, LONGEST);
  const view = { ...PLAIN, symbol: text("symbol"), filter: text("filter"), row: text("row") };
  if (SPANS.some((one) => one.name === text("span"))) view.span = text("span");
  if (KINDS.includes(text("rows"))) view.rows = text("rows");
  if (text("by") === "count") view.by = "count";
  view.table = text("table") === "1";
  const [from, to] = [time(given.get("from")), time(given.get("to"))];
  if (from != null && to != null && from < to) Object.assign(view, { from, to });
  const [at, till] = [time(given.get("at")), time(given.get("till"))];
  if (at != null) Object.assign(view, { at, till: till != null && till > at ? till : at + 60 });
  return view;
}

/** The query of a view, with `?`; empty for the plain one. */
export function write(view) {
  const made = new URLSearchParams();
  for (const key of ["span", "rows", "by", "symbol", "filter", "row"]) {
    if (view[key] !== PLAIN[key]) made.set(key, view[key]);
  }
  if (view.from != null) made.set("from", stamp(view.from)), made.set("to", stamp(view.to));
  if (view.at != null) made.set("at", stamp(view.at)), made.set("till", stamp(view.till));
  if (view.table) made.set("table", "1");
  const text = made.toString().replaceAll("%3A", ":");
  return text ? "?" + text : "";
}
