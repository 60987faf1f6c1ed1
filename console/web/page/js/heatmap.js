/* The heatmap: names by time, with the decisions above it. Pointer and keyboard do the same: look, pick, zoom. */

import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-htm.js";
import { drawCells, drawStack, fitted, largest } from "./draw.js";
import { CellTable } from "./cell-table.js";
import { Cursor } from "./cursor.js";
import { HeatHead } from "./heat-head.js";
import { Instead } from "./ui.js";
import { shareThen } from "./heat-model.js";
import { DAY, ticks } from "./spans.js";
import { clock, day, many, name, percent, points } from "./text.js";

const FEW = 12;

/** The part. `model`: as `modelOf` has it; `onWidth`: told how wide (CSS pixels) the columns may be. */
export function Heatmap({ store, model, theme, onWidth }) {
  const [all, showAll] = useState(false);
  const { view } = store;
  const rows = all ? model.rows : model.rows.slice(0, FEW);
  const left = model.rows.length - rows.length;
  return html`
    <section class="part heat" aria-labelledby="heat-title">
      <${HeatHead} store=${store} model=${model} theme=${theme} />
      ${view.table
        ? html`<${CellTable} store=${store} model=${model} rows=${rows} />`
        : html`<${Plot} store=${store} model=${model} rows=${rows} theme=${theme} onWidth=${onWidth} />`}
      ${!rows.length && html`<div class="heat-empty"><${Nothing} store=${store} /></div>`}
      ${(left > 0 || all) &&
      html`<button type="button" class="more" onClick=${() => showAll(!all)}>
        ${all ? "Show fewer" : `Show ${many(left, "more row")}`}
      </button>`}
    </section>`;
}

function Nothing({ store }) {
  const { view } = store;
  const empty = view.filter ? `No ${view.rows} match “${name(view.filter)}”.` : `No ${view.rows} in this span.`;
  return html`<${Instead} answer=${store.answer("heat")} empty=${empty} />`;
}

function Plot({ store, model, rows, theme, onWidth }) {
  const [cells, mix, plot] = [useRef(null), useRef(null), useRef(null)];
  const [size, setSize] = useState({ width: 0, row: 24, mix: 56 });
  useEffect(() => {
    const watch = new ResizeObserver(() => {
      const style = getComputedStyle(plot.current);
      const [row, mixed] = ["--row", "--mix"].map((one) => parseFloat(style.getPropertyValue(one)) * rem());
      const width = plot.current.clientWidth;
      setSize((was) => (was.width === width && was.row === row ? was : { width, row, mix: mixed }));
      onWidth(width);
    });
    watch.observe(plot.current);
    return () => watch.disconnect();
  }, []);
  const { view } = store;
  useLayoutEffect(() => {
    const context = fitted(cells.current, size.width, size.row * rows.length);
    const most = view.by === "count" ? largest(rows) : 1;
    if (context) drawCells(context, model.cells, rows, { rowHeight: size.row, by: view.by, most, theme });
    const above = fitted(mix.current, size.width, size.mix);
    if (above) drawStack(above, model.mix, { by: view.by, theme });
  });
  return html`
    <div class="heat-body">
      <div class="mix-label">decisions</div>
      <ol class="row-labels" aria-label=${`${view.rows}, most first`}>
        ${rows.map((row) => html`<${Label} key=${row.name} row=${row} store=${store} model=${model} />`)}
      </ol>
      <div class="plot" ref=${plot} style=${{ "--rows": rows.length }}>
        <canvas class="mix" ref=${mix} aria-hidden="true"></canvas>
        <canvas class="cells" ref=${cells} aria-hidden="true"></canvas>
        <${Cursor} store=${store} model=${model} rows=${rows} size=${size} />
      </div>
      <${Axis} shape=${model.cells} width=${size.width} />
    </div>`;
}

const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

function Label({ row, store, model }) {
  const then = shareThen(model.then, row.name);
  const difference = then == null || row.share == null ? null : row.share - then;
  const picked = store.view.row === row.name;
  const shown = name(row.name);
  return html`
    <li>
      <button type="button" title=${shown} aria-pressed=${picked ? "true" : "false"}
        onClick=${() => store.go(picked ? { row: "", at: null, till: null } : { row: row.name, at: null, till: null })}>
        <span class="row-name">${shown}</span>
        <span class="row-share">${percent(row.share)}</span>
        <span class=${`row-then ${difference > 0.05 ? "more" : ""}`}>${points(difference)}</span>
        <span class="unseen">${difference == null ? "of decisions" : "points against a week before"}</span>
      </button>
    </li>`;
}

function Axis({ shape, width }) {
  const to = shape.from + shape.columns * shape.step;
  const { size, at } = ticks(shape.from, to, Math.max(2, width / (rem() * 5.5)));
  return html`
    <div class="axis" aria-hidden="true">
      ${at.map((time) => {
        const share = (time - shape.from) / (to - shape.from);
        const says = size >= DAY || time % DAY === 0 ? day(time) : clock(time);
        const side = share > 0.94 ? "end" : share < 0.03 ? "start" : "";
        return html`<span key=${time} class=${side} style=${{ left: `${share * 100}%` }}>${says}</span>`;
      })}
    </div>`;
}
