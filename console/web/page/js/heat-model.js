/* What the heatmap shows, from what was answered. Pure. */

import { answerOf, build, coarser, ranked, renewed, usual } from "./matrix.js";
import { MINUTE, WEEK, columnWidth, shown } from "./spans.js";

/** Least CSS pixels that a column is wide. */
const NARROWEST = 3;

/** `{shape, cells, rows, mix, width, then, mixThen}`: cells and mix have the same columns, of `width` steps each. */
export function modelOf(store, pixels) {
  const { view } = store;
  const shape = shown(view, store.now);
  const steps = (shape.to - shape.from) / shape.step;
  const width = columnWidth(steps, Math.max(20, Math.floor(pixels / NARROWEST)));
  const pushed = shape.step === MINUTE && shape.live && !view.symbol;
  let cells = build(store.answer("heat").value, shape);
  let mix = build(withDecisions(store.answer("mix").value), shape);
  if (pushed) {
    if (view.rows === "gates") cells = renewed(cells, store.points, "gates");
    mix = renewed(mix, store.points, "decisions");
  }
  cells = coarser(cells, width);
  mix = coarser(mix, width);
  const rows = ranked(cells, view.filter);
  const then = before(store.answer("before").value, shape);
  const mixThen = before(withDecisions(store.answer("mixBefore").value), shape);
  return { shape, cells, rows, mix, width, then, mixThen };
}

const withDecisions = (history) => history && answerOf(history.points, "decisions");

function before(answer, shape) {
  return answer ? usual(answer, shape.from - WEEK, shape.to - WEEK) : { total: 0, shares: new Map() };
}

/** The share of a name a week before: null where nothing is known of then. */
export const shareThen = (then, name) => (then.total ? (then.shares.get(name) ?? 0) : null);
