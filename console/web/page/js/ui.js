/* Small pieces that several parts are made of. */

import { html } from "../vendor/preact-htm.js";
import { name, percent } from "./text.js";

/** One of several, as a row of buttons. `options`: [value, label, title]. */
export const Choice = ({ label, value, options, onChoose }) => html`
  <div class="choice" role="group" aria-label=${label}>
    ${options.map(
      ([one, says, title]) => html`<button
        key=${one} type="button" title=${title} aria-pressed=${one === value ? "true" : "false"}
        onClick=${() => onChoose(one)}>${says}</button>`,
    )}
  </div>`;

/** A share as a bar with its number. */
export const Bar = ({ share, most = 1 }) => html`
  <span class="bar"><span class="bar-full" style=${{ width: `${Math.min(100, ((share ?? 0) / (most || 1)) * 100)}%` }}></span></span>
  <span class="bar-says">${percent(share)}</span>`;

/** What stands in place of an answer that is not there: still asked for, refused, or empty. */
export function Instead({ answer, empty }) {
  if (answer.error) return html`<p class="quiet">Not available: ${answer.error.message}</p>`;
  if (answer.value === undefined) return html`<p class="quiet">Asking …</p>`;
  return empty ? html`<p class="quiet">${empty}</p>` : null;
}

/** A part of the page with a heading. */
export const Part = ({ id, title, aside, children }) => html`
  <section class="part" id=${id} aria-labelledby=${id + "-title"}>
    <header><h2 id=${id + "-title"}>${title}</h2>${aside && html`<div class="aside">${aside}</div>`}</header>
    ${children}
  </section>`;

/** How bad an alert is. */
export const Severity = ({ of }) => html`<span class=${`severity ${String(of).toLowerCase().replace(/[^a-z]/g, "")}`}>${name(of)}</span>`;
