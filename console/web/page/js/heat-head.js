/* Above the heatmap: what its rows are, what colours mean, the filter, and the way back from a zoom. */

import { html } from "../vendor/preact-htm.js";
import { colourOf } from "./colours.js";
import { largest } from "./draw.js";
import { Choice } from "./ui.js";
import { count, percent, span } from "./text.js";

const KINDS = [
  ["gates", "gates", "What blocks: reasons up to their first colon"],
  ["symbols", "symbols", "What is decided on"],
  ["reasons", "reasons", "Whole reasons"],
];
const BY = [
  ["share", "share", "Colour by the share of all decisions of that time"],
  ["count", "count", "Colour by how many decisions"],
];
const MARKS = [0, 0.05, 0.25, 0.5, 1];

export function HeatHead({ store, model, theme }) {
  const { view } = store;
  const { shape } = model;
  const plain = { row: "", at: null, till: null, filter: "" };
  return html`
    <header>
      <h2 id="heat-title">When<span class="unseen">: ${view.rows} by time</span></h2>
      <${Choice} label="Rows" value=${view.rows} options=${KINDS} onChoose=${(rows) => store.go({ ...plain, rows })} />
      <${Choice} label="Colour by" value=${view.by} options=${BY} onChoose=${(by) => store.go({ by }, false)} />
      <button type="button" class="toggle" aria-pressed=${view.table ? "true" : "false"} title="As a table (t)"
        onClick=${() => store.go({ table: !view.table }, false)}>table</button>
      <label class="field"><span class="unseen">Filter ${view.rows}</span>
        <input id="filter" type="search" placeholder=${`filter ${view.rows}  /`} value=${view.filter} maxlength="200"
          autocomplete="off" spellcheck=${false} onInput=${(event) => store.go({ filter: event.target.value }, false)} />
      </label>
      ${!shape.live &&
      html`<button type="button" class="back" onClick=${() => store.go({ from: null, to: null, at: null, till: null })}>
        ${span(shape.from, shape.to, store.now)} <span>back to now ✕</span>
      </button>`}
      <${Legend} view=${view} model=${model} theme=${theme} />
    </header>
    <p class="unseen" id="heat-help">
      Arrow keys move from cell to cell, Enter opens one, Shift with the arrows marks a time to zoom into, Escape goes back,
      t shows a table.
    </p>`;
}

function Legend({ view, model, theme }) {
  const most = view.by === "count" ? largest(model.rows) : 1;
  const says = (mark) => (view.by === "count" ? count(mark * most) : percent(mark).replace("\u00a0", ""));
  return html`
    <div class="legend" aria-hidden="true">
      ${MARKS.map(
        (mark) => html`<span key=${mark}><i style=${{ background: colourOf(mark, theme) }}></i>${says(mark)}</span>`,
      )}
      <span><i class="unknown"></i>unknown</span>
    </div>`;
}
