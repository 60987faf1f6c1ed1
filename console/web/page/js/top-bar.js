/* The bar at the top: is it live, how much is shown, of which symbol, in which light. */

import { html, useState } from "../vendor/preact-htm.js";
import { SPANS } from "./spans.js";
import { exact, length, name } from "./text.js";
import { Choice } from "./ui.js";

export function TopBar({ store, theme, onTheme, onHelp }) {
  const { view } = store;
  const options = SPANS.map((one, at) => [one.name, one.name, `The last ${one.says} (${at + 1})`]);
  const chosen = view.from == null ? view.span : null;
  return html`
    <header class="top-bar">
      <a class="brand" href="/" title="Everything, from the start" onClick=${(event) => (event.preventDefault(), store.reset())}>quantum</a>
      <${Live} store=${store} />
      <${Choice} label="Time span" value=${chosen} options=${options} onChoose=${(span) => store.go({ span, from: null, to: null, at: null, till: null })} />
      <${Symbol} store=${store} />
      <span class="spring"></span>
      <button type="button" title="Light or dark" onClick=${() => onTheme(theme === "dark" ? "light" : "dark")}>
        ${theme === "dark" ? "light" : "dark"}
      </button>
      <button type="button" title="Keys, and what is what (?)" onClick=${onHelp}>help</button>
    </header>`;
}

function Live({ store }) {
  const { state, error } = store.stream;
  const heard = store.clock && store.events.why?.as_of;
  const down = store.events.health?.redis_up === false;
  const says =
    state === "live" && !down ? "live" : state === "connecting" ? "connecting" : heard ? `STALE for ${length(store.now - heard)}` : "no answer";
  const why = down ? name(store.events.health.warnings[0] ?? "Redis does not answer") : (error?.message ?? "the server does not answer");
  return html`
    <span class=${`live ${state === "live" && !down ? "live" : state === "connecting" ? "connecting" : "stale"}`}>
      <b role="status">${says.replace(/ for .*/, "")}</b>
      <span>${says.includes(" for ") ? says.slice(5) : ""}</span>
      <span class="quiet">${heard ? `${exact(heard)} UTC` : ""}</span>
      ${says.startsWith("STALE") || says === "no answer" ? html`<span class="quiet">${why}</span>` : ""}
    </span>`;
}

function Symbol({ store }) {
  const { symbol } = store.view;
  const [typed, setTyped] = useState(null);
  const known = store.answer("symbols").value?.symbols ?? [];
  const choose = (text) => {
    setTyped(null);
    if (text !== symbol) store.go({ symbol: text.trim() });
  };
  return html`
    <label class="field"><span class="unseen">Symbol</span>
      <input id="symbol" type="search" list="known-symbols" placeholder="all symbols  s" autocomplete="off" spellcheck=${false}
        maxlength="128" value=${typed ?? symbol} class=${symbol ? "set" : ""}
        onInput=${(event) => setTyped(event.target.value)} onChange=${(event) => choose(event.target.value)} />
      <datalist id="known-symbols">${known.map((one) => html`<option key=${one.symbol} value=${one.symbol}></option>`)}</datalist>
    </label>`;
}
