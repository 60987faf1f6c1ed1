/* What the page knows: the view, the newest events, and the answers that the view needs. Tells when any of it changes. */

import { ask } from "./api.js";
import { PLAIN, read, write } from "./address.js";
import { sum } from "./matrix.js";
import { Stream } from "./stream.js";
import { wanted } from "./wanted.js";

/** Questions under way at one time: a browser has six connections, and one is the stream's. */
const AT_ONCE = 4;
const KEPT_POINTS = 30;

export class Store {
  constructor(onChange) {
    this.onChange = onChange;
    this.view = read(location.search);
    this.stream = { state: "connecting", error: null };
    this.events = {};
    this.points = new Map();
    this.answers = {};
    this.signedOut = false;
    this.follows = new Stream((kind, value) => this.event(kind, value), (state) => this.streamed(state));
    addEventListener("popstate", () => this.show(read(location.search)));
    document.addEventListener("visibilitychange", () => this.attend());
    this.attend();
  }

  /** Follow what happens while somebody looks; ask nothing while nobody does. */
  attend() {
    clearInterval(this.ticking);
    if (document.hidden) {
      this.follows.stop();
      return;
    }
    this.follows.start();
    this.ticking = setInterval(() => this.load(), 1000);
    this.load();
  }

  /** Now, by the clock of Redis as far as it is known. */
  get now() {
    return this.clock ? this.clock.at + (performance.now() - this.clock.heard) / 1000 : Date.now() / 1000;
  }

  /** Look at something else. `remember`: a step that the browser can go back from. */
  go(change, remember = true) {
    const view = { ...this.view, ...change };
    const address = location.pathname + write(view);
    if (remember && address !== location.pathname + location.search) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
    this.show(view);
  }

  show(view) {
    this.view = view;
    this.load();
    this.onChange();
  }

  reset() {
    this.go({ ...PLAIN });
  }

  event(kind, value) {
    this.events[kind] = value;
    if (kind === "why" || kind === "minute") {
      if (value.as_of) this.clock = { at: value.as_of, heard: performance.now() };
    }
    if (kind === "minute") {
      this.newest = value;
      for (const point of value.points) this.points.set(point.time, point);
      const newest = [...this.points.keys()].sort((one, other) => other - one);
      for (const old of newest.slice(KEPT_POINTS)) this.points.delete(old);
    }
    this.onChange();
  }

  streamed({ state, error }) {
    const back = state === "live" && this.stream.state === "stale";
    this.stream = { state, error };
    if (state === "refused") this.signedOut = true;
    if (back) {
      this.points.clear();
      if (this.events.minute) this.event("minute", this.events.minute);
      for (const answer of Object.values(this.answers)) if (answer) answer.at = -Infinity;
      this.load();
    }
    this.onChange();
  }

  /** The gate that is looked at closely: the one that was picked, else the one that blocks most. */
  get focus() {
    const { row, rows } = this.view;
    if (row && rows === "gates") return row;
    if (row && rows === "reasons") return gateOf(row);
    if (row && rows === "symbols") return "";
    return this.top?.name ?? "";
  }

  /** The gate that blocks most in the window of the verdict: `{name, count, share}`. (Before it is known, by its 15 reasons.) */
  get top() {
    const share = this.answer("share").value;
    if (share) return share.gates.length ? { ...share.gates[0], name: share.gates[0].gate } : null;
    const counts = new Map();
    for (const { reason, count } of this.events.why?.reasons ?? []) {
      const gate = gateOf(reason);
      if (gate !== "none") counts.set(gate, (counts.get(gate) ?? 0) + count);
    }
    const [name, count] = [...counts].sort((one, other) => other[1] - one[1])[0] ?? [];
    return name == null ? null : { name, count, share: count / this.events.why.total };
  }

  /** Symbols of which an alert says that they are stuck. */
  get stuck() {
    return (this.events.alert?.firing ?? []).filter((one) => one.kind === "symbol_stuck").map((one) => one.reason);
  }

  /** The answer to a question of the view: `{value, error, loading}`; what it was before, while a newer one is under way. */
  answer(name) {
    return this.answers[name] ?? {};
  }

  load() {
    if (document.hidden || this.signedOut) return;
    const now = performance.now() / 1000;
    const all = wanted(this.view, this.now, this.focus, this.stuck, this.top?.name);
    for (const name of Object.keys(this.answers)) if (!all[name]) delete this.answers[name];
    let running = Object.values(this.answers).filter((one) => one?.loading).length;
    for (const [name, { url, every, of }] of Object.entries(all)) {
      let known = this.answers[name];
      if (known && known.of !== of) known = this.answers[name] = null;
      const due = !known || known.url !== url || (!known.loading && now - known.at >= every);
      if (!due || running >= AT_ONCE) continue;
      running += 1;
      this.fetch(name, url, of);
    }
  }

  async fetch(name, url, of) {
    const before = this.answers[name];
    const asked = { value: before?.value, error: before?.error, url, of, at: performance.now() / 1000, loading: true };
    this.answers[name] = asked;
    let [value, error] = [asked.value, null];
    try {
      value = await ask(url);
    } catch (refused) {
      error = refused;
      if (error.status === 401) this.signedOut = true;
    }
    if (this.answers[name] !== asked) return;
    this.answers[name] = { ...asked, value, error, loading: false };
    this.load();
    this.onChange();
  }

  /** Go on after the token was given. */
  signedIn() {
    this.signedOut = false;
    this.follows.stop();
    this.attend();
    this.onChange();
  }
}

/** The gate of a whole reason: the part before its first colon. */
export const gateOf = (reason) => reason.split(":", 1)[0].trimEnd() || reason;

/** How much of `matrix` each name of a row is, as `{name, count, share}`, most first. */
export function totals(matrix) {
  return matrix.rows
    .map((row) => ({ name: row.name, ...sum(matrix, row) }))
    .filter((row) => row.count > 0)
    .sort((one, other) => other.count - one.count);
}
