/* Alerts, the flows and how far they are behind, what has changed over weeks, proposals and permits. */

import { html } from "../vendor/preact-htm.js";
import { Instead, Part, Severity } from "./ui.js";
import { count, length, many, name, number, percent, points, when } from "./text.js";

const FEW = 5;

const RANK = { CRITICAL: 0, HIGH: 1, MEDIUM: 2, LOW: 3 };
const byRank = (one, other) => (RANK[one.severity] ?? 9) - (RANK[other.severity] ?? 9) || (one.since ?? 0) - (other.since ?? 0);

export function Alerts({ store }) {
  const alerts = store.events.alert;
  const now = store.now;
  if (!alerts) return html`<${Part} id="alerts" title="Alerts"><p class="quiet">Asking …</p><//>`;
  const old = alerts.checked_at == null ? "never checked: does flows.alerts run?" : `checked ${length(now - alerts.checked_at)} ago`;
  const firing = [...alerts.firing].sort(byRank);
  return html`
    <${Part} id="alerts" title="Alerts" aside=${old}>
      ${!firing.length && html`<p class="quiet">Nothing fires.</p>`}
      <ul class="alerts">${firing.slice(0, 12).map((one) => html`<${Alert} key=${one.alert_id} one=${one} now=${now} store=${store} />`)}</ul>
      ${firing.length > 12 && html`<p class="quiet">and ${count(firing.length - 12)} more</p>`}
      ${alerts.ended.length > 0 &&
      html`<details><summary>${many(alerts.ended.length, "alert")} that ended</summary>
        <ul class="alerts ended">${alerts.ended.slice(0, 20).map((one) => html`<${Alert} key=${one.alert_id} one=${one} now=${now} store=${store} />`)}</ul>
      </details>`}
    <//>`;
}

function Alert({ one, now, store }) {
  const pick = one.kind === "gate_explosion" ? () => store.go({ rows: "gates", row: one.reason, at: null, till: null, filter: "" }) : null;
  const about = one.kind === "symbol_stuck" ? () => store.go({ symbol: one.reason }) : pick;
  const reason = about ? html`<button type="button" class="link" onClick=${about}>${name(one.reason)}</button>` : name(one.reason);
  const span = one.ended
    ? `${when(one.since, now)} to ${when(one.ended, now)}`
    : one.since == null ? "since when is not known" : `since ${when(one.since, now)} UTC, ${length(now - one.since)}`;
  const undelivered = (one.deliveries ?? []).filter((each) => each.outcome !== "sent").length;
  return html`
    <li>
      <${Severity} of=${one.severity} /> <b>${name(one.kind)}</b> ${reason}
      <div class="quiet">${span}${one.share ? `, ${percent(one.share)}` : ""}${undelivered ? `; not sent to ${many(undelivered, "receiver")}` : ""}</div>
      <div class="message">${name(one.message)}</div>
    </li>`;
}

export function Flows({ store }) {
  const { health } = store.events;
  const lag = store.answer("lag");
  if (!health) return html`<${Part} id="flows" title="Flows and lag"><p class="quiet">Asking …</p><//>`;
  return html`
    <${Part} id="flows" title="Flows and lag">
      ${health.warnings.map((one) => html`<p class="warning" key=${one}>${name(one)}</p>`)}
      <ul class="flows">
        ${health.flows.map(
          (one) => html`<li key=${one.name}>
            <b class=${one.alive ? "up" : one.expected ? "down" : "off"}>${one.alive ? "runs" : one.expected ? "DOWN" : "off"}</b>
            ${" "}${name(one.name)}${" "}
            <span class="quiet">${one.alive ? name(one.version) : one.seen_at ? `last seen ${when(one.seen_at, store.now)}` : ""}</span>
          </li>`,
        )}
      </ul>
      <${Instead} answer=${lag} empty=${lag.value && !lag.value.groups.length ? "No stream is read yet." : null} />
      ${lag.value?.groups.length > 0 &&
      html`<table class="plain">
        <thead><tr><th scope="col">stream</th><th scope="col">pending</th><th scope="col">unread</th><th scope="col">readers</th></tr></thead>
        <tbody>
          ${lag.value.groups.map(
            (one) => html`<tr key=${one.stream + " " + one.group}>
              <th scope="row" title=${name(one.group)}>${name(one.stream).replace(/^.*?:stream:/, "")}<div class="quiet">${name(one.group)}</div></th>
              <td>${count(one.pending)}</td><td>${one.lag == null ? "unknown" : count(one.lag)}</td>
              <td>${count(Array.isArray(one.consumers) ? one.consumers.length : one.consumers)}</td>
            </tr>`,
          )}
        </tbody>
      </table>`}
    <//>`;
}

export function Weeks({ store }) {
  const answer = store.answer("trend");
  const trend = answer.value;
  const changed = (trend?.rows ?? []).filter((row) => row.verdict !== "no clear change");
  const weeks = trend?.against.weeks;
  const aside = trend ? (weeks ? `last 24 h against ${many(weeks, "week")} before` : "nothing is known of the weeks before") : "";
  return html`
    <${Part} id="weeks" title="Is that usual?" aside=${aside}>
      <${Instead} answer=${answer} empty=${weeks && !changed.length ? "Nothing has clearly changed." : null} />
      <ul class="weeks">
        ${changed.slice(0, 8).map(
          (row) => html`<li key=${row.kind + row.name}>
            <b class="verdict-word">${row.verdict}</b> <span class="quiet">${row.kind}</span> <${Named} row=${row} store=${store} />
            <div class="quiet">${percent(row.then.share)} before, ${percent(row.now.share)} now (${points(row.difference)} points${row.low == null ? "" : `, between ${points(row.low)} and ${points(row.high)}`})</div>
          </li>`,
        )}
      </ul>
      ${changed.length > 8 && html`<p class="quiet">and ${count(changed.length - 8)} more</p>`}
      ${trend?.persistent.length > 0 && html`<p class="quiet">In the top 3 for seven days: ${trend.persistent.map(name).join(", ")}.</p>`}
      ${trend?.growing.length > 0 && html`<p class="quiet">Grew three weeks on end: ${trend.growing.map(name).join(", ")}.</p>`}
    <//>`;
}

function Named({ row, store }) {
  const go = { gate: { rows: "gates", row: row.name }, symbol: { rows: "symbols", row: row.name } }[row.kind];
  if (!go) return name(row.name);
  return html`<button type="button" class="link" onClick=${() => store.go({ ...go, at: null, till: null, filter: "" })}>${name(row.name)}</button>`;
}

export function Permits({ store }) {
  const answer = store.answer("permits");
  const permits = answer.value?.permits ?? [];
  return html`
    <${Part} id="permits" title="Permits" aside="of the latest plans">
      <${Instead} answer=${answer} empty=${permits.length ? null : "No plan has a permit now."} />
      ${permits.length > 0 &&
      html`<${Table} rows=${permits} of=${(one) => one.plan_id} columns=${[
        ["symbol", (one) => name(one.symbol)],
        ["action", (one) => name(one.action)],
        ["factor", (one) => number(one.downsize_factor ?? one.factor, 2)],
        ["cooldown", (one) => { const wait = one.extra_cooldown_sec ?? one.extra_cooldown; return wait == null ? "–" : `${number(wait, 0)} s`; }],
        ["because", (one) => name(one.reason)],
      ]} />`}
    <//>`;
}

export function Proposals({ store }) {
  const answer = store.answer("proposals");
  const proposals = answer.value?.proposals ?? [];
  return html`
    <${Part} id="proposals" title="Proposals" aside="targets in the shadow, USD">
      <${Instead} answer=${answer} empty=${proposals.length ? null : "Nothing is proposed."} />
      ${proposals.length > 0 &&
      html`<${Table} rows=${proposals} of=${(one) => one.symbol} columns=${[
        ["symbol", (one) => name(one.symbol)],
        ["target", (one) => number(one.base_target, 0)],
        ["proposed", (one) => number(one.proposed_target, 0)],
        ["times", (one) => number(one.multiplier, 2)],
        ["because", (one) => name(one.reason)],
      ]} />`}
    <//>`;
}

function Table({ rows, of, columns }) {
  const shown = (some) => html`<div class="scroll">
    <table class="plain">
      <thead><tr>${columns.map(([title]) => html`<th key=${title} scope="col">${title}</th>`)}</tr></thead>
      <tbody>
        ${some.map((one) => html`<tr key=${of(one)}>${columns.map(([title, cell], at) => (at ? html`<td key=${title}>${cell(one)}</td>` : html`<th key=${title} scope="row">${cell(one)}</th>`))}</tr>`)}
      </tbody>
    </table></div>`;
  return html`
    ${shown(rows.slice(0, FEW))}
    ${rows.length > FEW && html`<details><summary>${count(rows.length - FEW)} more</summary>${shown(rows.slice(FEW))}</details>`}`;
}
