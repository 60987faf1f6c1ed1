/* The event stream: what is new, whether it is live, and how it comes back. One a tab; none while nobody looks. */

import { ask, address } from "./api.js";

const QUIET_MS = 2400;
/** After so long without a sign the connection is taken for dead, and made anew. */
const DEAD_MS = 12000;
const LONGEST_WAIT_MS = 15000;
const KINDS = ["why", "minute", "alert", "health"];

export class Stream {
  /** `onEvent(kind, value)` is told of each event, `onState({state, error})` of each change: connecting, live, stale, refused. */
  constructor(onEvent, onState) {
    this.onEvent = onEvent;
    this.onState = onState;
    this.state = null;
    this.gaps = [];
    this.wait = 500;
  }

  /** Connect, and watch. */
  start() {
    if (this.watch) return;
    this.heard = performance.now();
    this.watch = setInterval(() => this.look(), 200);
    this.open();
  }

  /** Close it; nothing is asked or told until `start`. */
  stop() {
    clearInterval(this.watch);
    clearTimeout(this.again);
    this.watch = this.again = null;
    this.source?.close();
    this.source = null;
    this.state = null;
    this.last = null;
  }

  open() {
    this.again = null;
    this.source?.close();
    const source = (this.source = new EventSource(address("events")));
    this.opened = performance.now();
    if (this.state == null) this.tell("connecting");
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.got(kind, event.data));
    source.addEventListener("error", () => {
      if (source === this.source && source.readyState === EventSource.CLOSED) this.refused();
    });
  }

  got(kind, text) {
    let value;
    try {
      value = JSON.parse(text);
    } catch {
      return;
    }
    this.wait = 500;
    if (kind === "why") {
      const now = performance.now();
      if (this.last != null && this.state === "live") this.gaps = [...this.gaps.slice(-4), now - this.last];
      this.last = this.heard = now;
      this.tell("live");
    }
    this.onEvent(kind, value);
  }

  /** How long silence is nothing unusual: the server looks at Redis every second, or as seldom as it was set to. */
  get patience() {
    return Math.max(QUIET_MS, this.gaps.length ? 2.5 * Math.min(...this.gaps) : 0);
  }

  look() {
    const quiet = performance.now() - this.heard;
    if (quiet > this.patience && this.state !== "refused") this.tell("stale");
    const dead = Math.max(DEAD_MS, 4 * this.patience);
    if (quiet > dead && performance.now() - this.opened > dead && !this.again) this.open();
  }

  /** The server has refused, or closed for good: learn why, then try again. */
  async refused() {
    let error = null;
    try {
      await ask(address("why"));
    } catch (refused) {
      error = refused;
    }
    if (!this.watch || this.again) return;
    if (error?.status === 401) {
      this.tell("refused", error);
      this.source?.close();
      return;
    }
    this.tell("stale", error);
    this.again = setTimeout(() => this.open(), this.wait * (0.75 + 0.5 * Math.random()));
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT_MS);
  }

  tell(state, error = null) {
    if (state === this.state && error == null) return;
    this.state = state;
    this.onState({ state, error });
  }
}
