/* What a cell of the heatmap says, in words and numbers. Pure. */

import { DECISIONS } from "./colours.js";
import { shareThen } from "./heat-model.js";
import { wholes } from "./matrix.js";
import { DAY } from "./spans.js";
import { clock, count, day, name, percent, points } from "./text.js";

/** The time of a column: `14:05` of a minute, `14:05 to 14:10` of more; with the day where that is not plain. */
export function timeOf(matrix, column, long = false) {
  const from = matrix.from + column * matrix.step;
  if (matrix.step >= DAY) return day(from);
  const at = matrix.step > 60 ? `${clock(from)} to ${clock(from + matrix.step)}` : clock(from);
  return long ? `${day(from)} ${at}` : at;
}

/** The decisions of a column: `[[EXECUTE, count, share], ...]`. */
export function decisionsOf(mix, column) {
  const total = mix.totals[column];
  return DECISIONS.map((one) => {
    const counted = mix.rows.find((row) => row.name === one)?.counts[column] ?? 0;
    return [one, counted, total ? counted / total : null];
  });
}

/** Lines that say what a cell is: the first what it is, the second how much, the third what is usual. `row` null: the decisions. */
export function linesOf(model, row, column, long) {
  const { cells, mix } = model;
  const time = timeOf(cells, column, long);
  if (!row) {
    const total = mix.totals[column];
    if (!(total >= 0)) return [`decisions, ${time}`, "nothing is known"];
    const parts = decisionsOf(mix, column).filter(([, counted]) => counted);
    return [`decisions, ${time}: ${count(total)}`, parts.map(([one, , share]) => `${one} ${percent(share)}`).join(", ")];
  }
  const head = `${name(row.name)}, ${time}`;
  if (Number.isNaN(cells.totals[column])) return [head, "nothing is known"];
  const total = wholes(cells, row)[column];
  const share = total ? row.counts[column] / total : null;
  const what = row.of ? "not executed, of its" : "of";
  const lines = [head, `${percent(share)}: ${count(row.counts[column])} ${what} ${count(total)} decisions`];
  const then = shareThen(model.then, row.name);
  if (then != null && share != null) lines.push(`${percent(then)} a week before (${points(share - then)} points)`);
  return lines;
}
