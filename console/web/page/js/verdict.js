/* The verdict, and the six questions of a night: what, by what, since when, for whom, is it usual, what to do. */

import { html } from "../vendor/preact-htm.js";
import { DECISIONS, decisionColour } from "./colours.js";
import { answerOf, build, renewed, since, usual } from "./matrix.js";
import { HOUR, MINUTE, WEEK } from "./spans.js";
import { gateOf } from "./store.js";
import { symbolRows } from "./symbols.js";
import { Severity } from "./ui.js";
import { clock, count, length, many, name, percent, points, sentence, when } from "./text.js";

export function Verdict({ store, theme }) {
  const { why } = store.events;
  if (!why) return html`<section class="verdict" aria-label="Verdict"><h1>${store.stream.state === "stale" ? "Unknown" : "Asking …"}</h1></section>`;
  return html`
    <section class=${`verdict ${why.severity}`} aria-label="Verdict">
      <h1>${sentence(why.verdict)}</h1>
      ${why.warnings.map((one) => html`<p class="warning" key=${one}>${name(one)}</p>`)}
      <${Firing} store=${store} why=${why} />
      <${Mix} store=${store} why=${why} theme=${theme} />
      <dl class="facts">
        <${Facts} store=${store} why=${why} />
      </dl>
    </section>`;
}

/** What fires, the worst first: the kinds, each once. */
function Firing({ store, why }) {
  const kinds = new Map();
  for (const one of store.events.alert?.firing ?? why.alerts ?? []) {
    if (!kinds.has(one.kind)) kinds.set(one.kind, { ...one, times: 0 });
    kinds.get(one.kind).times += 1;
  }
  if (!kinds.size) return null;
  return html`
    <ul class="firing" aria-label="Alerts that fire">
      ${[...kinds.values()].slice(0, 6).map(
        (one) => html`<li key=${one.kind}>
          <a href="#alerts"><${Severity} of=${one.severity} /> ${name(one.kind)}${one.times > 1 ? ` × ${one.times}` : ""}</a>
        </li>`,
      )}
    </ul>`;
}

function usualMix(store) {
  const answer = store.answer("usualMix").value;
  const hour = store.now - (store.now % HOUR);
  return answer ? usual(answerOf(answer.points, "decisions"), hour - WEEK, hour - WEEK + HOUR) : { total: 0, shares: new Map() };
}

function Mix({ store, why, theme }) {
  const then = usualMix(store);
  return html`
    <div class="mix-now">
      <div class="stack" aria-hidden="true">
        ${DECISIONS.map((one) => {
          const width = why.total ? (why.decisions[one] / why.total) * 100 : 0;
          return width > 0 && html`<span key=${one} style=${{ width: `${width}%`, background: decisionColour(one, theme) }}></span>`;
        })}
      </div>
      <ul aria-label=${`Decisions of the last 5 minutes: ${count(why.total)}`}>
        ${DECISIONS.map((one) => html`<${Share} key=${one} of=${one} why=${why} then=${then} theme=${theme} />`)}
        <li class="quiet">${many(why.total, "decision")} in 5 min${then.total ? "; in brackets a week before" : ""}</li>
      </ul>
    </div>`;
}

function Share({ of, why, then, theme }) {
  const before = then.total ? ` (${percent(then.shares.get(of) ?? 0)})` : "";
  return html`
    <li>
      <i style=${{ background: decisionColour(of, theme) }}></i>${of}${" "}
      <b>${percent(why.total ? why.decisions[of] / why.total : null)}</b><span class="quiet">${before}</span>
    </li>`;
}

const Fact = ({ asks, children }) => html`<div><dt>${asks}</dt><dd>${children}</dd></div>`;

function Facts({ store, why }) {
  const { top } = store;
  if (!top) {
    if (why.total) return html`<${Fact} asks="What blocks">No gate.<//>`;
    const last = why.last_ts;
    return html`
      <${Fact} asks="What blocks">Nothing is decided: is anything published?<//>
      <${Fact} asks="Since">${last ? `${when(last, store.now)} UTC, ${length(store.now - last)} ago: the newest decision` : "nothing was ever counted"}<//>
      <${Fact} asks="What to do"><a href="#flows">see flows and lag</a>: does the publisher run, and flows.p35?<//>`;
  }
  const pick = () => store.go({ rows: "gates", row: top.name, at: null, till: null, filter: "" });
  return html`
    <${Fact} asks="What blocks">
      ${top.share < FEW && why.decisions.BLOCKED > 0 ? "many gates, none stands out; most: " : ""}
      <button type="button" class="link" onClick=${pick}>${name(top.name)}</button> ${percent(top.share)}${details(why, top)}
    <//>
    <${Fact} asks="Since">${sinceWhen(store, top)}<//>
    <${Fact} asks="For whom"><a href="#symbols">${whom(store, top)}</a><//>
    <${Fact} asks="Usual?">${isUsual(store, top)}<//>
    <${Fact} asks="What to do"><${FirstStep} store=${store} top=${top} pick=${pick} /><//>`;
}

/** A gate below this share does not stand out. */
const FEW = 0.1;

/** What the gate says after its first colon, most first. */
function details(why, top) {
  const own = why.reasons.filter(({ reason }) => gateOf(reason) === top.name && reason !== top.name);
  if (!own.length) return "";
  const said = own.map(({ reason, count: times }) => {
    const rest = reason.slice(top.name.length).replace(/^\s*:\s*/, "");
    return `${name(rest).slice(0, 60)} ${percent(times / top.count)}`;
  });
  return ": " + said.slice(0, 3).join(", ") + (said.length > 3 ? " …" : "");
}

function sinceWhen(store, top) {
  const threshold = store.answer("share").value?.threshold ?? 0.4;
  const answer = store.answer("recent").value;
  if (!answer) return "…";
  const now = store.now;
  const end = now - (now % MINUTE) + MINUTE;
  const shape = { from: Math.floor(now / 600) * 600 - 2 * HOUR, to: end, step: MINUTE };
  const matrix = renewed(build(answerOf(answer.points, "gates"), shape), store.points, "gates");
  const row = matrix.rows.find((one) => one.name === top.name);
  const found = row ? since(matrix, row.counts, threshold) : null;
  if (found == null) return `it is below ${percent(threshold)} in single minutes`;
  if (found <= shape.from) return `for more than ${length(now - found)}, before ${clock(found)} UTC`;
  return `${clock(found)} UTC, for ${length(now - found)} above ${percent(threshold)}`;
}

/** Between which shares the gate stops the symbols that it stops. */
function shares(rows, top) {
  const found = rows.map((one) => one.gates.get(top.name)?.share ?? 0).filter(Boolean);
  if (!found.length) return "";
  const [least, most] = [Math.min(...found), Math.max(...found)].map(percent);
  return `${found.length} of ${many(rows.length, "symbol")}, ${least === most ? least : `${least} to ${most}`} of each; `;
}

function whom(store, top) {
  const rows = symbolRows(store);
  if (!rows.length) return "…";
  const stopped = rows.filter((one) => !one.executed);
  const named = stopped.slice(0, 3).map((one) => name(one.symbol).slice(0, 24)).join(", ");
  if (!stopped.length) return `${shares(rows, top)}none is without an execution`;
  const which = stopped.length > 3 ? `${named} …` : named;
  return `${stopped.length} of ${rows.length} symbols without an execution: ${which}`;
}

function isUsual(store, top) {
  const answer = store.answer("usual").value;
  if (!answer) return store.answer("usual").error ? "unknown" : "…";
  const hour = store.now - (store.now % HOUR);
  const then = usual(answer, hour - WEEK, hour - WEEK + HOUR);
  if (!then.total) return "nothing is known of this hour a week before";
  const before = then.shares.get(top.name) ?? 0;
  const difference = top.share - before;
  const times = before > 0 ? `, ${(top.share / before).toFixed(1)} times as much` : "";
  const says = Math.abs(difference) < 0.05 ? "yes" : difference > 0 ? "no" : "less than usual";
  return `${says}: ${percent(before)} at this hour a week before (${points(difference)} points${times})`;
}

function FirstStep({ store, top, pick }) {
  const first = store.answer("steps").value?.actions?.[0];
  return html`
    ${first ? html`${first.what}${first.minutes != null ? ` (${first.minutes} min)` : ""} · ` : ""}
    <a href="#detail" onClick=${store.focus === top.name ? null : pick}>all steps</a>`;
}
