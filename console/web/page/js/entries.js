/* The entries of the stream behind a cell. */

import { html } from "../vendor/preact-htm.js";
import { Instead } from "./ui.js";
import { clock, count, exact, name } from "./text.js";

export function Entries({ store, range }) {
  const answer = store.answer("entries");
  if (range.step > 60 && !answer.value) return null;
  const entries = answer.value?.entries ?? [];
  const minute = clock(range.from);
  const gone = answer.value?.trimmed ? "The stream does not go back to that minute." : "No such entry was published in that minute.";
  const more = entries.length && !answer.value.complete ? "the first " : "";
  const only = range.to - range.from > 60 ? ` (the first minute of the cell: zoom in for the others)` : "";
  return html`
    <h3>Entries of ${minute} UTC <span class="quiet">${entries.length ? more + count(entries.length) : ""}${only}</span></h3>
    <${Instead} answer=${answer} empty=${entries.length ? null : gone} />
    ${entries.length > 0 &&
    html`<div class="scroll short" tabindex="0" role="region" aria-label="Entries">
      <table class="entries">
        <thead><tr>${["time", "symbol", "decision", "reason", "plan", "ID"].map((one) => html`<th key=${one} scope="col">${one}</th>`)}</tr></thead>
        <tbody>
          ${entries.map(
            (one) => html`<tr key=${one.id}>
              <td>${one.time == null ? "–" : exact(one.time)}</td><td>${name(one.symbol)}</td><td>${name(one.decision)}</td>
              <td>${name(one.reason)}</td><td>${name(one.plan_id)}</td><td><code>${name(one.id)}</code></td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`}`;
}
