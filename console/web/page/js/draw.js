/* Drawing on canvases: a matrix as cells, and its decisions as a stack. A cell is a pixel of a small picture, which is then
   stretched: 60 rows of 1,440 columns take as long as ten. */

import { DECISIONS, decisionColour, placeOf, rampOf } from "./colours.js";
import { wholes } from "./matrix.js";

/** Make the canvas as large as it is shown (CSS pixels), on this screen; gives its context, or null where it has no size. */
export function fitted(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (!wide || !high) return null;
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, wide, high);
  return context;
}

const small = document.createElement("canvas");

/** The largest value among rows, for a scale of counts. */
export function largest(rows) {
  let found = 0;
  for (const { counts } of rows) for (const count of counts) if (count > found) found = count;
  return found;
}

/**
 * Draw `rows` of a matrix, each `rowHeight` CSS pixels high. What is unknown is left out. `by`: `share` of the column's
 * total, or `count` as a part of `most`.
 */
export function drawCells(context, matrix, rows, { rowHeight, by, most, theme }) {
  const { columns, totals } = matrix;
  if (!columns || !rows.length) return;
  const colours = rampOf(theme);
  const picture = new ImageData(columns, rows.length);
  const pixels = new Uint32Array(picture.data.buffer);
  rows.forEach((row, at) => {
    const of = wholes(matrix, row);
    for (let column = 0; column < columns; column++) {
      if (Number.isNaN(totals[column])) continue;
      const whole = by === "share" ? of[column] : most;
      pixels[at * columns + column] = colours[placeOf(whole ? row.counts[column] / whole : 0)];
    }
  });
  [small.width, small.height] = [columns, rows.length];
  small.getContext("2d").putImageData(picture, 0, 0);
  const { width } = context.canvas;
  const ratio = window.devicePixelRatio || 1;
  const high = rowHeight * ratio;
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, width, high * rows.length);
  const line = Math.max(1, Math.round(ratio));
  for (let row = 1; row <= rows.length; row++) context.clearRect(0, Math.round(row * high) - line, width, line);
  if (width / columns >= 8 * ratio) {
    for (let column = 1; column < columns; column++) {
      context.clearRect(Math.round((column * width) / columns) - line, 0, line, high * rows.length);
    }
  }
}

/** Draw decisions by column as a stack: parts of each column's total, or counts as parts of the largest total. */
export function drawStack(context, matrix, { by, theme }) {
  const { width, height } = context.canvas;
  const { columns, totals } = matrix;
  const most = Math.max(1, ...totals.filter((one) => !Number.isNaN(one)));
  const rows = DECISIONS.map((name) => [name, matrix.rows.find((row) => row.name === name)]).filter(([, row]) => row);
  const gap = width / columns >= 8 ? Math.max(1, Math.round(window.devicePixelRatio || 1)) : 0;
  for (let column = 0; column < columns; column++) {
    const whole = by === "share" ? totals[column] : most;
    if (Number.isNaN(totals[column]) || !whole) continue;
    const [left, right] = [Math.round((column * width) / columns), Math.round(((column + 1) * width) / columns)];
    let below = 0;
    for (const [name, row] of rows) {
      const above = below + row.counts[column] / whole;
      const [top, bottom] = [Math.round(height * (1 - above)), Math.round(height * (1 - below))];
      context.fillStyle = decisionColour(name, theme);
      context.fillRect(left, top, right - left - gap, bottom - top);
      below = above;
    }
  }
}
