/* Counts by name and time: put together, made coarser, ranked, compared. Pure. Times are epoch seconds.

A matrix is `{from, step, columns, totals, rows}`: `totals[c]` is how much was decided in the column that begins at
`from + c * step`, NaN where nothing is known of it. Each row has a `name`, `counts`, one a column, and `of`: what each of
them is a part of, where that is not the total. */

/** A matrix of `shape` ({from, to, step}) from an answer ({times, totals, rows: [{name, counts}]}). */
export function build(answer, shape) {
  const columns = Math.max(0, Math.round((shape.to - shape.from) / shape.step));
  const matrix = { from: shape.from, step: shape.step, columns, totals: new Float64Array(columns).fill(NaN), rows: [] };
  if (!answer) return matrix;
  const place = answer.times.map((time) => Math.floor((time - shape.from) / shape.step));
  place.forEach((column, at) => {
    if (column >= 0 && column < columns && answer.totals[at] != null) {
      matrix.totals[column] = (matrix.totals[column] || 0) + answer.totals[at];
    }
  });
  const placed = (counts) => {
    const found = new Float64Array(columns);
    place.forEach((column, at) => {
      if (column >= 0 && column < columns) found[column] += counts[at] ?? 0;
    });
    return found;
  };
  for (const { name, counts, totals } of answer.rows) {
    matrix.rows.push({ name, counts: placed(counts), of: totals && placed(totals) });
  }
  return matrix;
}

/** What the counts of a row are parts of, one a column. */
export const wholes = (matrix, row) => row.of ?? matrix.totals;

/** The points of a history as an answer: a row for each decision, or for each gate. */
export function answerOf(points, kind) {
  const rows = new Map();
  points.forEach((point, at) => {
    const counted = kind === "decisions" ? Object.entries(point.decisions) : point.gates.map((one) => [one.gate, one.count]);
    for (const [name, count] of counted) {
      if (!rows.has(name)) rows.set(name, { name, counts: new Array(points.length).fill(0) });
      rows.get(name).counts[at] = count;
    }
  });
  return { times: points.map((one) => one.time), totals: points.map((one) => one.total), rows: [...rows.values()] };
}

/** `matrix` with the columns that `points` (a Map: time -> point of a history) know newer. Those it had stay unchanged. */
export function renewed(matrix, points, kind) {
  const newer = [...points.values()].filter((point) => {
    const column = (point.time - matrix.from) / matrix.step;
    return Number.isInteger(column) && column >= 0 && column < matrix.columns;
  });
  if (!newer.length) return matrix;
  const totals = matrix.totals.slice();
  const rows = new Map(matrix.rows.map((row) => [row.name, { name: row.name, counts: row.counts.slice() }]));
  for (const point of newer) {
    const column = (point.time - matrix.from) / matrix.step;
    totals[column] = point.total;
    for (const row of rows.values()) row.counts[column] = 0;
    const counted = kind === "decisions" ? Object.entries(point.decisions) : point.gates.map((one) => [one.gate, one.count]);
    for (const [name, count] of counted) {
      if (!rows.has(name)) rows.set(name, { name, counts: new Float64Array(matrix.columns) });
      rows.get(name).counts[column] = count;
    }
  }
  return { ...matrix, totals, rows: [...rows.values()] };
}

/** The matrix with columns `width` times as wide, that begin where a clock would have them begin. */
export function coarser(matrix, width) {
  if (width <= 1) return matrix;
  const step = matrix.step * width;
  const from = Math.floor(matrix.from / step) * step;
  const columns = Math.ceil((matrix.from + matrix.columns * matrix.step - from) / step);
  const into = (column) => Math.floor((matrix.from + column * matrix.step - from) / step);
  const totals = new Float64Array(columns).fill(NaN);
  for (let column = 0; column < matrix.columns; column++) {
    if (!Number.isNaN(matrix.totals[column])) totals[into(column)] = (totals[into(column)] || 0) + matrix.totals[column];
  }
  const added = (counts) => {
    const found = new Float64Array(columns);
    for (let column = 0; column < matrix.columns; column++) found[into(column)] += counts[column];
    return found;
  };
  const rows = matrix.rows.map((row) => ({ name: row.name, counts: added(row.counts), of: row.of && added(row.of) }));
  return { from, step, columns, totals, rows };
}

/** How much a row is, over the columns before `last`: `{count, total, share}`. */
export function sum(matrix, row, last = matrix.columns) {
  let [count, total] = [0, 0];
  const of = wholes(matrix, row);
  for (let column = 0; column < last; column++) {
    if (Number.isNaN(matrix.totals[column])) continue;
    total += of[column];
    count += row.counts[column];
  }
  return { count, total, share: total ? count / total : null };
}

/** The rows that a filter lets through, most first. The running column does not count: order changes once a column. */
export function ranked(matrix, filter = "") {
  const wanted = filter.trim().toLowerCase();
  const settled = Math.max(1, matrix.columns - 1);
  return matrix.rows
    .filter((row) => row.name !== "none" && (!wanted || row.name.toLowerCase().includes(wanted)))
    .map((row) => ({ ...row, ...sum(matrix, row), settled: sum(matrix, row, settled).count }))
    .filter((row) => row.count > 0 || wanted)
    .sort((one, other) => other.settled - one.settled || (one.name < other.name ? -1 : 1));
}

/** Shares by name in an answer about whole hours, as far as they touch `from` to `to`: `{shares: Map, total}`. */
export function usual(answer, from, to) {
  const HOUR = 3600;
  const begin = Math.floor(from / HOUR) * HOUR;
  const matrix = build(answer, { from: begin, to: Math.ceil(to / HOUR) * HOUR, step: HOUR });
  const total = matrix.totals.reduce((all, one) => all + (Number.isNaN(one) ? 0 : one), 0);
  return { total, shares: new Map(matrix.rows.map((row) => [row.name, sum(matrix, row).share])) };
}

/** Since when a row has been at or above `share` without a break, up to the newest full column; null: it is not now. */
export function since(matrix, counts, share) {
  let found = null;
  for (let column = matrix.columns - 1; column >= 0; column--) {
    const total = matrix.totals[column];
    if (column === matrix.columns - 1 && !(total > 0 && counts[column] / total >= share)) continue;
    if (Number.isNaN(total) || !total || counts[column] / total < share) break;
    found = matrix.from + column * matrix.step;
  }
  return found;
}

/** The column that holds a time; -1 where none does. */
export function columnAt(matrix, time) {
  const column = Math.floor((time - matrix.from) / matrix.step);
  return column >= 0 && column < matrix.columns ? column : -1;
}
