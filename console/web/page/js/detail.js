/* What is looked at closely: a gate, or a cell of it. What it means, what to do, which reasons, which symbols, which entries. */

import { html } from "../vendor/preact-htm.js";
import { Day } from "./day-chart.js";
import { Entries } from "./entries.js";
import { build } from "./matrix.js";
import { MINUTE, shown } from "./spans.js";
import { gateOf, totals } from "./store.js";
import { Bar, Instead, Part } from "./ui.js";
import { count, day, many, name, percent, span } from "./text.js";

const FEW = 6;

/** From when to when the detail is: the cell that was picked, else all that is shown. */
function rangeOf(store) {
  const { view } = store;
  const shape = shown(view, store.now);
  return view.at == null ? shape : { ...shape, from: view.at, to: view.till };
}

export function Detail({ store, theme }) {
  const { view, focus } = store;
  const subject = view.row || focus;
  if (!subject) {
    return html`<${Part} id="detail" title="What to do"><p class="quiet">Nothing blocks. Pick a row or a cell to look at it closely.</p><//>`;
  }
  const range = rangeOf(store);
  const close = () => store.go({ row: "", at: null, till: null });
  const aside = view.row
    ? html`<button type="button" class="back" title="Escape" onClick=${close}>${view.at == null ? "" : "cell "}picked <span>✕</span></button>`
    : "blocks most now";
  const when = `${view.at != null ? day(range.from) + ", " : ""}${span(range.from, range.to, store.now)} UTC`;
  return html`
    <${Part} id="detail" title=${name(subject)} aside=${aside}>
      <p class="when">${when}${view.symbol ? `, ${name(view.symbol)} only` : ""}<${Amount} store=${store} range=${range} /></p>
      ${focus && html`<${Guide} answer=${store.answer("explain")} gate=${focus} />`}
      ${view.at != null && html`<${Entries} store=${store} range=${range} />`}
      <${Lists} store=${store} range=${range} />
      ${focus && html`<${Day} store=${store} gate=${focus} theme=${theme} />`}
    <//>`;
}

function matrixOf(store, question, range) {
  const answer = store.answer(question).value;
  return answer && build(answer, range);
}

const all = (matrix) => matrix.totals.reduce((sum, one) => sum + (Number.isNaN(one) ? 0 : one), 0);

function Amount({ store, range }) {
  const matrix = matrixOf(store, store.focus ? "reasons" : "gates", range);
  if (!matrix) return "";
  const rows = store.focus ? reasonsOf(store, range) : totals(matrix);
  const counted = rows.reduce((sum, one) => sum + one.count, 0);
  const total = all(matrix);
  const share = total >= counted && total ? `, ${percent(counted / total)} of ${many(total, "decision")}` : "";
  return html`: ${count(counted)}${share}`;
}

function Guide({ answer, gate }) {
  const says = answer.value;
  if (!says) return html`<${Instead} answer=${answer} />`;
  return html`
    <p class="meaning">${name(says.meaning)}.</p>
    <h3>What to do</h3>
    <ol class="actions">
      ${says.actions.map((one) => html`<li key=${one.what}>${name(one.what)}${one.minutes != null ? html` <span class="quiet">${one.minutes} min</span>` : ""}</li>`)}
    </ol>
    <details key=${gate}>
      <summary>How to find the cause</summary>
      ${says.causes.length > 0 && html`<ul>${says.causes.map((one) => html`<li key=${one}>${name(one)}</li>`)}</ul>`}
      ${says.look.map((one) => html`<div class="look" key=${one.command ?? one.key}><code>${name(one.command ?? one.key)}</code><p>${name(one.what)}</p></div>`)}
      ${says.ask?.length > 0 && html`${says.ask.map((one) => html`<div class="look" key=${one}><code>${name(one)}</code></div>`)}`}
    </details>`;
}

function Lists({ store, range }) {
  const symbol = store.view.rows === "symbols" && store.view.row;
  const gates = symbol ? matrixOf(store, "gates", range) : null;
  const reasons = reasonsOf(store, range);
  const whom = store.answer("whom");
  return html`
    <div class="lists">
      ${symbol && html`<${List} title="Its gates" answer=${store.answer("gates")} rows=${gates ? totals(gates) : []} noun="gate"
        onPick=${(gate) => store.go({ symbol, rows: "gates", row: gate })} />`}
      ${store.focus && range.step === MINUTE &&
      html`<${List} title="Its reasons" answer=${store.answer("reasons")} rows=${reasons} noun="reason" />`}
      ${store.focus && whom.url && html`<${List} title="Its symbols" answer=${whom} rows=${symbolsOf(whom.value, store.focus)} noun="symbol"
        says=${[whom.value?.other_symbols ? "of the ten busiest" : "", range.step > MINUTE ? "in the last hour" : ""].filter(Boolean).join(", ")}
        onPick=${(one) => store.go({ symbol: one, rows: "gates", row: store.focus })} />`}
    </div>`;
}

/** `[{name, count}]`: how often the gate stopped each symbol. */
function symbolsOf(answer, gate) {
  const found = (answer?.symbols ?? []).map((one) => {
    const own = one.gates.find((each) => each.gate === gate);
    return { name: one.symbol, count: own?.count ?? 0, share: own?.share ?? 0, part: true };
  });
  return found.filter((one) => one.count).sort((one, other) => other.count - one.count);
}

/** The reasons of a gate in a range: what it says behind its colon. */
function reasonsOf(store, range) {
  const matrix = matrixOf(store, "reasons", range);
  return matrix ? totals(matrix).filter((one) => gateOf(one.name) === store.focus) : [];
}

function List({ title, answer, rows, noun, says, onPick }) {
  const whole = rows.reduce((sum, one) => sum + one.count, 0);
  return html`
    <div class="list">
      <h3>${title}${rows.length ? html` <span class="quiet">${says || many(rows.length, noun)}</span>` : ""}</h3>
      <${Instead} answer=${answer} empty=${rows.length ? null : "None."} />
      <${Rows} rows=${rows.slice(0, FEW)} whole=${whole} onPick=${onPick} />
      ${rows.length > FEW &&
      html`<details><summary>${many(rows.length - FEW, "more " + noun)}</summary>
        <${Rows} rows=${rows.slice(FEW)} whole=${whole} onPick=${onPick} /></details>`}
    </div>`;
}

const Rows = ({ rows, whole, onPick }) => html`
  <ul class="ranked">
    ${rows.map(
      (one) => html`<li key=${one.name}>
        ${onPick
          ? html`<button type="button" class="link" onClick=${() => onPick(one.name)} title=${name(one.name)}>${name(one.name)}</button>`
          : html`<span title=${name(one.name)}>${name(one.name)}</span>`}
        <span class="number">${count(one.count)}</span><${Bar} share=${one.part ? one.share : one.count / whole} />
      </li>`,
    )}
  </ul>`;
