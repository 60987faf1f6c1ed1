/* Which questions a view needs answered, and how often. Pure: `{name: {url, every, of}}`, the most urgent first.

   `every`: seconds. `of`: what the answer is about; where two are about the same, the older one is shown until the newer is
   there. (What runs with the clock has another address each minute, and is about the same.) */

import { address } from "./api.js";
import { DAY, HOUR, MINUTE, WEEK, shown, spanOf } from "./spans.js";

const ROWS = { gates: 100, symbols: 200, reasons: 200 };
const ENTRIES = 50;
const KEPT_HOURS = 35 * DAY;
const KEPT_MINUTES = 47 * HOUR;

/** The window in which symbols are compared: a symbol is stuck where none was executed for 15 minutes. */
export const windowOf = (span) => (span === "5m" ? "5m" : "15m");

/** The longest window of the console that is not longer than so many seconds. */
export const windowWithin = (seconds) => (seconds >= HOUR ? "1h" : seconds >= 15 * MINUTE ? "15m" : seconds >= 5 * MINUTE ? "5m" : "1m");

const to = (question, parameters, every, range = {}, about = "") => ({
  url: address(question, { ...parameters, ...range }),
  every,
  of: address(question, parameters) + about,
});

/** 
 * What `view` needs at `now`. `focus`: the gate that is looked at closely, if any; `stuck`: symbols to be asked about by
 * name; `top`: the gate that blocks most now, if any.
 */
export function wanted(view, now, focus, stuck, top = "") {
  const shape = shown(view, now);
  const step = shape.step === HOUR ? "hour" : "minute";
  const every = spanOf(view.span).every;
  const range = shape.live ? { from: Math.floor(shape.from / every) * every } : { from: shape.from, to: shape.to };
  const begin = shape.from - (shape.from % HOUR) - WEEK;
  const then = { from: begin, to: Math.ceil(shape.to / HOUR) * HOUR - WEEK };
  const about = shape.live ? "" : `@${shape.from}`;
  const symbol = view.symbol;
  // (Gates of all symbols come with the event `minute`; anything else is asked for again.)
  const pushed = shape.live && step === "minute" && !symbol;
  const again = !shape.live ? 600 : shape.to - shape.from <= HOUR ? 4 : 60;
  const heat = { rows: view.rows, symbol, limit: ROWS[view.rows] };
  const mix = { gate: "none", symbol };
  const window = windowOf(view.span);
  const all = {
    heat: to("heatmap", { ...heat, step }, pushed && view.rows === "gates" ? 600 : again, range, about),
    mix: to("history", { ...mix, by: step }, pushed ? 600 : again, range, about),
    ...(compared(shape, now) && {
      before: to("heatmap", { ...heat, step: "hour", rows: heat.rows === "reasons" ? "gates" : heat.rows }, 600, then, about),
    }),
    ...verdict(now, top),
    symbols: to("symbols", { window }, 4),
    lag: to("lag", {}, 10),
    permits: to("permits", {}, 10),
    proposals: to("proposals", {}, 10),
    trend: to("trend", { over: "24h" }, 300),
  };
  if (stuck.length) all.stuck = to("symbols", { window, symbol: stuck.slice(0, 50) }, 4);
  return { ...all, ...detail(view, shape, focus, now) };
}

/** Whether the week before what is shown is another week, and hours of it are kept. */
const compared = (shape, now) => shape.to - shape.from <= WEEK && now - shape.from < KEPT_HOURS - WEEK - HOUR;

/** What is told below the verdict, whatever is looked at: since when, and what is usual at this hour. */
function verdict(now, top) {
  const hour = now - (now % HOUR);
  const then = { from: hour - WEEK, to: hour - WEEK + HOUR };
  const found = {
    share: to("share", { window: "5m" }, 2),
    usual: to("heatmap", { rows: "gates", step: "hour", limit: 100 }, 600, then, "@now"),
    usualMix: to("history", { by: "hour", gate: "none" }, 600, then, "@now"),
  };
  const from = Math.floor(now / 600) * 600 - 2 * HOUR;
  if (top) found.steps = to(`explain/${encodeURIComponent(top)}`, {}, 3600);
  if (top) found.recent = to("history", { by: "minute", gate: top }, 60, { from });
  return found;
}

/** What is needed of the gate or symbol that is looked at closely, and of the cell that was picked. */
function detail(view, shape, focus, now) {
  const minutes = shape.step === MINUTE;
  const live = view.at == null;
  const from = live ? shape.from : view.at;
  const range = live && shape.live ? { from } : { from, to: live ? shape.to : view.till };
  const about = live ? "" : `@${view.at}-${view.till}`;
  const every = live && shape.live ? 5 : 30;
  const cells = { step: minutes ? "minute" : "hour", limit: 200 };
  const found = {};
  if (focus) {
    const of = { gate: focus, symbol: view.symbol };
    if (minutes) found.reasons = to("heatmap", { rows: "reasons", symbol: view.symbol, ...cells, limit: 1000 }, every, range, about);
    const window = windowWithin(range.to == null ? shape.to - from : range.to - from);
    const at = live && shape.live ? {} : { at: (live ? shape.to : view.till) - MINUTE };
    if ((live && shape.live) || now - from < KEPT_MINUTES) found.whom = to("symbols", { window, symbol: view.symbol }, every, at, about);
    found.explain = to(`explain/${encodeURIComponent(focus)}`, {}, 3600);
    const today = Math.floor(shape.to / HOUR) * HOUR;
    const then = { from: today - WEEK - 23 * HOUR, to: today - WEEK + HOUR };
    found.day = to("history", { by: "hour", ...of }, 60, { from: today - 23 * HOUR });
    found.dayBefore = to("history", { by: "hour", ...of }, 3600, then, "@week");
  }
  const symbol = view.rows === "symbols" ? view.row : "";
  if (symbol) found.gates = to("heatmap", { rows: "gates", symbol, ...cells }, every, range, about);
  if (!live && minutes && (focus || symbol)) {
    const only = symbol ? { symbol } : { gate: focus, symbol: view.symbol };
    found.entries = to("entries", { minute: view.at, ...only, limit: ENTRIES }, 15);
  }
  return found;
}
