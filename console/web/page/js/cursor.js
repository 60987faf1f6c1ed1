/* The cell under the pointer or the keyboard: shown, said, picked, or dragged to zoom. For a screen reader it is the one
   cell of a grid that is there; the others come as the arrows reach them. */

import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { linesOf } from "./cells.js";
import { columnAt } from "./matrix.js";

const PAGE = 10;
/** CSS pixels from which on a press is a drag. */
const DRAGGED = 6;

const STEPS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], PageUp: [0, -PAGE], PageDown: [0, PAGE],
  Home: [-Infinity, 0], End: [Infinity, 0],
};

const within = (value, most) => Math.max(0, Math.min(most, value));

/** Row 0 is the decisions, row 1 the first of `rows`. What is remembered is a name and a time: they stay when columns move. */
export function Cursor({ store, model, rows, size }) {
  const { cells } = model;
  const grid = useRef(null);
  const [at, setAt] = useState(null);
  const [marked, setMarked] = useState(null);
  const pressed = useRef(null);
  const last = cells.columns - 1;
  const timeOf = (column) => cells.from + column * cells.step;
  const row = !at ? -1 : at.name == null ? 0 : rows.findIndex((one) => one.name === at.name) + 1 || -1;
  const column = at ? columnAt(cells, at.time) : -1;
  const here = row >= 0 && column >= 0;

  const move = (to, by) => setAt({ name: to ? rows[to - 1].name : null, time: timeOf(by) });
  const start = () => {
    const found = rows.findIndex((one) => one.name === (store.view.row || store.focus)) + 1;
    const focus = found || Math.min(1, rows.length);
    move(focus, within(store.view.at == null ? last : columnAt(cells, store.view.at), last));
  };

  const place = (event) => {
    const box = grid.current.getBoundingClientRect();
    const x = within(event.clientX - box.left, box.width - 1);
    const y = within(event.clientY - box.top, box.height - 1);
    const to = y < size.mix ? 0 : within(Math.floor((y - size.mix) / size.row) + 1, rows.length);
    return { row: to, column: within(Math.floor((x / box.width) * cells.columns), last), x: event.clientX };
  };

  const pick = (to, by) => {
    if (to < 1) return zoom(by, by);
    const time = timeOf(by);
    store.go({ row: rows[to - 1].name, at: time, till: time + cells.step });
  };
  const zoom = (one, other) => {
    setMarked(null);
    if (model.shape.step === cells.step && one === other) return;
    store.go({ from: timeOf(Math.min(one, other)), to: timeOf(Math.max(one, other) + 1), at: null, till: null });
  };

  const onPointerDown = (event) => {
    if (event.button) return;
    pressed.current = place(event);
    grid.current.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event) => {
    const now = place(event);
    move(now.row, now.column);
    if (pressed.current && Math.abs(now.x - pressed.current.x) > DRAGGED) setMarked([pressed.current.column, now.column]);
  };
  const onPointerUp = (event) => {
    const [from, now] = [pressed.current, place(event)];
    pressed.current = null;
    if (!from) return;
    if (marked) zoom(from.column, now.column);
    else pick(now.row, now.column);
  };
  const onPointerLeave = () => {
    if (!pressed.current && document.activeElement !== grid.current) setAt(null);
  };

  const onKeyDown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (STEPS[event.key]) {
      event.preventDefault();
      if (!here) return start();
      const [across, down] = STEPS[event.key];
      const next = within(column + across, last);
      if (event.shiftKey) setMarked([marked?.[0] ?? column, next]);
      else setMarked(null);
      return move(within(row + down, rows.length), next);
    }
    if ((event.key === "Enter" || event.key === " ") && here) {
      event.preventDefault();
      if (marked) zoom(...marked);
      else pick(row, column);
    }
    if (event.key === "Escape" && marked) {
      event.stopPropagation();
      setMarked(null);
    }
  };

  // What was marked is of other columns once they are others.
  useEffect(() => setMarked(null), [cells.from, cells.step, cells.columns]);

  const wide = size.width / cells.columns;
  const box = (first, count) => ({ left: `${first * wide}px`, width: `${count * wide}px` });
  const top = row === 0 ? 0 : size.mix + (row - 1) * size.row;
  const lines = here ? linesOf(model, rows[row - 1] ?? null, column, cells.step * cells.columns > 43200) : [];
  const picked = store.view.at == null ? -1 : columnAt(cells, store.view.at);
  const pickedRow = rows.findIndex((one) => one.name === store.view.row);
  const pickedWide = Math.max(1, Math.round(((store.view.till ?? 0) - (store.view.at ?? 0)) / cells.step));
  return html`
    <div class="cursor-grid" ref=${grid} tabindex="0" role="grid" aria-label=${`${store.view.rows} by time`}
      aria-describedby="heat-help" aria-rowcount=${rows.length + 1} aria-colcount=${cells.columns}
      aria-activedescendant=${here ? "heat-cell" : undefined}
      onPointerDown=${onPointerDown} onPointerMove=${onPointerMove} onPointerUp=${onPointerUp}
      onPointerLeave=${onPointerLeave} onPointerCancel=${() => ((pressed.current = null), setMarked(null))}
      onKeyDown=${onKeyDown} onFocus=${() => !here && !pressed.current && start()}>
      <div role="row" aria-rowindex=${here ? row + 1 : 1}>
        <div role="gridcell" id="heat-cell" aria-colindex=${here ? column + 1 : 1} class=${here ? "cursor" : "cursor away"}
          style=${here ? { ...box(column, 1), top: `${top}px`, height: `${row === 0 ? size.mix : size.row}px` } : {}}>
          <span class="unseen">${here ? lines.join("; ") : "no cell"}</span>
        </div>
      </div>
    </div>
    ${marked && html`<div class="marked" style=${box(Math.min(...marked), Math.abs(marked[1] - marked[0]) + 1)}></div>`}
    ${picked >= 0 && pickedRow >= 0 &&
    html`<div class="picked" style=${{ ...box(picked, pickedWide), top: `${size.mix + pickedRow * size.row}px`, height: `${size.row}px` }}></div>`}
    ${here && html`<${Tip} lines=${lines} left=${(column + 0.5) * wide} width=${size.width} top=${top} marked=${marked} />`}`;
}

function Tip({ lines, left, width, top, marked }) {
  const style = left > width / 2 ? { right: `${width - left + 12}px` } : { left: `${left + 12}px` };
  return html`
    <div class="tip" aria-hidden="true" style=${{ ...style, top: `${top + 30}px` }}>
      ${lines.map((line, at) => html`<div key=${at} class=${at ? "" : "tip-head"}>${line}</div>`)}
      ${marked && html`<div class="tip-hint">let go, or Enter: zoom in</div>`}
    </div>`;
}
