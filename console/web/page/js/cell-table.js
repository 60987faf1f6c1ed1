/* The heatmap as a table: the same rows and columns, in numbers, the newest first. */

import { html } from "../vendor/preact-htm.js";
import { timeOf } from "./cells.js";
import { colourOf, textOn } from "./colours.js";
import { largest } from "./draw.js";
import { shareThen } from "./heat-model.js";
import { wholes } from "./matrix.js";
import { bare, count, name, percent, points } from "./text.js";

/** Columns that a table has at the most: nobody reads more, and a browser would be long about it. */
const MOST = 120;

export function CellTable({ store, model, rows }) {
  const { view } = store;
  const { cells } = model;
  const columns = [];
  for (let at = cells.columns - 1; at >= 0 && columns.length < MOST; at--) columns.push(at);
  const most = largest(rows) || 1;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${`${view.rows} by time, as a table`}>
      <table class="cell-table">
        <caption class="unseen">
          ${view.by === "share" ? "Shares of all decisions" : "Numbers of decisions"}, the newest first
        </caption>
        <thead>
          <tr>
            <th scope="col">${view.rows}</th><th scope="col">all</th><th scope="col">a week before</th>
            ${columns.map((at) => html`<th key=${at} scope="col">${timeOf(cells, at)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => {
            const then = shareThen(model.then, row.name);
            return html`
              <tr key=${row.name}>
                <th scope="row" title=${name(row.name)}>${name(row.name)}</th>
                <td>${view.by === "share" ? percent(row.share) : count(row.count)}</td>
                <td>${then == null ? "–" : `${percent(then)} (${points(row.share - then)})`}</td>
                ${columns.map((at) => html`<${Cell} key=${at} row=${row} at=${at} cells=${cells} by=${view.by} most=${most} />`)}
              </tr>`;
          })}
        </tbody>
      </table>
    </div>
    ${cells.columns > MOST && html`<p class="quiet">The newest ${MOST} of ${count(cells.columns)} columns; zoom in for the others.</p>`}`;
}

function Cell({ row, at, cells, by, most }) {
  if (Number.isNaN(cells.totals[at])) return html`<td class="unknown"><span class="unseen">unknown</span></td>`;
  const total = wholes(cells, row)[at];
  const share = total ? row.counts[at] / total : 0;
  const theme = document.documentElement.dataset.shown;
  const part = by === "share" ? share : row.counts[at] / most;
  const style = { background: colourOf(part, theme), color: textOn(part, theme) };
  return html`<td style=${style}>${by === "share" ? bare(share) : count(row.counts[at])}</td>`;
}
