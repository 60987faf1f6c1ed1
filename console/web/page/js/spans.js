/* How much is shown, and in which steps. Pure. All times are epoch seconds. */

export const MINUTE = 60, HOUR = 3600, DAY = 86400, WEEK = 604800;

/** Key on the keyboard: 1 to 7, in this order. `every`: seconds between two whole readings of a running span. */
export const SPANS = [
  { name: "5m", seconds: 5 * MINUTE, step: MINUTE, every: 60, says: "5 minutes" },
  { name: "15m", seconds: 15 * MINUTE, step: MINUTE, every: 60, says: "15 minutes" },
  { name: "1h", seconds: HOUR, step: MINUTE, every: 60, says: "hour" },
  { name: "6h", seconds: 6 * HOUR, step: MINUTE, every: 120, says: "6 hours" },
  { name: "24h", seconds: DAY, step: MINUTE, every: 300, says: "24 hours" },
  { name: "7d", seconds: 7 * DAY, step: HOUR, every: 60, says: "7 days" },
  { name: "35d", seconds: 35 * DAY, step: HOUR, every: 60, says: "35 days" },
];

export const spanOf = (name) => SPANS.find((one) => one.name === name) ?? SPANS[2];

const KEPT_MINUTES = 48 * HOUR;

/**
 * What is shown of a view at `now`: `{from, to, step, live}`. `to` is the end of the last column. Where the view names
 * bounds it is those, in minutes as long as these are kept and there are not too many of them; otherwise it runs with the clock.
 */
export function shown(view, now) {
  if (view.from != null && view.to != null) {
    const minutes = view.to - view.from <= 2 * DAY && now - view.from < KEPT_MINUTES - HOUR;
    const step = minutes ? MINUTE : HOUR;
    const from = view.from - (view.from % step);
    return { from, to: Math.max(from + step, Math.ceil(view.to / step) * step), step, live: false };
  }
  const { seconds, step } = spanOf(view.span);
  const to = now - (now % step) + step;
  return { from: to - seconds, to, step, live: true };
}

/** Widths of a drawn column, in steps, that a clock has a name for. */
const WIDTHS = [1, 2, 3, 5, 6, 10, 12, 15, 20, 24, 30, 48, 60, 120, 180, 240, 360, 720];

/** How many steps a drawn column has, so that no more than `most` columns stand beside each other. */
export function columnWidth(steps, most) {
  return WIDTHS.find((width) => steps / width <= most) ?? Math.ceil(steps / most);
}

/** About `most` round times between `from` and `to`, for an axis. */
export function ticks(from, to, most) {
  const sizes = [60, 120, 300, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, WEEK];
  const size = sizes.find((one) => (to - from) / one <= most) ?? 2 * WEEK;
  const found = [];
  for (let at = Math.ceil(from / size) * size; at < to; at += size) found.push(at);
  return { size, at: found };
}
