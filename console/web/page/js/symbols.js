/* Symbols by gates, the stuck ones first. */

import { html } from "../vendor/preact-htm.js";
import { colourOf, textOn } from "./colours.js";
import { Instead, Part } from "./ui.js";
import { bare, count, many, name, percent } from "./text.js";
import { windowOf } from "./wanted.js";

const GATES = 8;

/** `[{symbol, total, executed, stuck, gates: Map}]`: stuck ones, then those without an execution, then the busiest. */
export function symbolRows(store) {
  const stuck = new Set(store.stuck);
  const found = new Map();
  for (const answer of ["stuck", "symbols"]) {
    for (const one of store.answer(answer).value?.symbols ?? []) {
      if (!one.total && !stuck.has(one.symbol)) continue;
      const gates = new Map(one.gates.map((gate) => [gate.gate, gate]));
      const executed = one.decisions.EXECUTE ?? 0;
      found.set(one.symbol, { symbol: one.symbol, total: one.total, executed, stuck: stuck.has(one.symbol), gates });
    }
  }
  return [...found.values()].sort(
    (one, other) => other.stuck - one.stuck || !other.executed - !one.executed || other.total - one.total,
  );
}

function columnsOf(rows) {
  const counts = new Map();
  for (const { gates } of rows) for (const [gate, one] of gates) counts.set(gate, (counts.get(gate) ?? 0) + one.count);
  return [...counts].sort((one, other) => other[1] - one[1]).map(([gate]) => gate).slice(0, GATES);
}

export function Symbols({ store, theme }) {
  const answer = store.answer("symbols");
  const rows = symbolRows(store);
  const gates = columnsOf(rows);
  const others = answer.value?.other_symbols;
  const aside = `stuck first; last ${windowOf(store.view.span)}${others ? `; ${many(others, "quieter symbol")} more under “symbols” above` : ""}`;
  return html`
    <${Part} id="symbols" title="For whom" aside=${aside}>
      <${Instead} answer=${answer} empty=${rows.length ? null : "No symbol has decisions."} />
      ${rows.length > 0 &&
      html`<div class="scroll" tabindex="0" role="region" aria-label="Symbols by gates">
        <table class="grid">
          <thead>
            <tr>
              <th scope="col">symbol</th><th scope="col">executed</th>
              ${gates.map((gate) => html`<th key=${gate} scope="col" title=${name(gate)}><span>${name(gate)}</span></th>`)}
            </tr>
          </thead>
          <tbody>
            ${rows.map((row) => html`<${Row} key=${row.symbol} row=${row} gates=${gates} store=${store} theme=${theme} />`)}
          </tbody>
        </table>
      </div>`}
    <//>`;
}

function Row({ row, gates, store, theme }) {
  const chosen = store.view.symbol === row.symbol;
  return html`
    <tr>
      <th scope="row">
        <button type="button" class="link" aria-pressed=${chosen ? "true" : "false"} title=${`Only ${name(row.symbol)}`}
          onClick=${() => store.go({ symbol: chosen ? "" : row.symbol })}>${name(row.symbol)}</button>
        ${row.stuck && html` <span class="tag">stuck</span>`}
      </th>
      <td class=${row.executed ? "" : "none"}>${row.executed ? percent(row.executed / row.total) : `none of ${count(row.total)}`}</td>
      ${gates.map((gate) => {
        const share = row.gates.get(gate)?.share ?? 0;
        const style = { background: colourOf(share, theme), color: textOn(share, theme) };
        const says = `${name(row.symbol)}, ${name(gate)}: ${percent(share)}`;
        return html`<td key=${gate} class="cell">
          <button type="button" style=${style} title=${says} aria-label=${says}
            onClick=${() => store.go({ symbol: row.symbol, rows: "gates", row: gate, at: null, till: null })}>
            ${share ? bare(share) : ""}
          </button>
        </td>`;
      })}
    </tr>`;
}
