/* The page: what it knows is drawn again, at most once a frame, when any of it changes. */

import { html, render, useEffect, useMemo, useState } from "../vendor/preact-htm.js";
import { Detail } from "./detail.js";
import { Help, SignIn } from "./dialogs.js";
import { Heatmap } from "./heatmap.js";
import { modelOf } from "./heat-model.js";
import { listen } from "./keys.js";
import { Alerts, Flows, Permits, Proposals, Weeks } from "./side.js";
import { Store } from "./store.js";
import { name } from "./text.js";
import { Symbols } from "./symbols.js";
import { TopBar } from "./top-bar.js";
import { Verdict } from "./verdict.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

function themeNow() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

function App({ store }) {
  const [theme, setTheme] = useState(themeNow());
  const [help, setHelp] = useState(false);
  const [width, setWidth] = useState(800);
  document.documentElement.dataset.shown = theme;
  useEffect(() => {
    dark.addEventListener("change", () => setTheme(themeNow()));
    listen(store, () => setHelp(true));
  }, []);
  const choose = (one) => {
    document.documentElement.dataset.theme = one;
    try {
      localStorage.setItem("quantum-theme", one);
    } catch {
      // (then it is so until the page is loaded again)
    }
    setTheme(one);
  };
  const { view } = store;
  const answers = ["heat", "mix", "before", "mixBefore"].map((one) => store.answer(one).value);
  const minute = Math.floor(store.now / 60);
  const model = useMemo(
    () => modelOf(store, width),
    [...answers, store.points, store.newest, minute, width, view.span, view.from, view.to, view.rows, view.filter, view.symbol],
  );
  const stale = store.stream.state === "stale" || store.events.health?.redis_up === false;
  return html`
    <${TopBar} store=${store} theme=${theme} onTheme=${choose} onHelp=${() => setHelp(true)} />
    <main class=${stale ? "stale" : ""}>
      <${Verdict} store=${store} theme=${theme} />
      <div class="columns">
        <div class="wide">
          <${Heatmap} store=${store} model=${model} theme=${theme} onWidth=${setWidth} />
          <${Symbols} store=${store} theme=${theme} />
          <div class="pair">
            <${Weeks} store=${store} />
            <${Flows} store=${store} />
            <${Permits} store=${store} />
            <${Proposals} store=${store} />
          </div>
        </div>
        <div class="narrow">
          <${Detail} store=${store} theme=${theme} />
          <${Alerts} store=${store} />
        </div>
      </div>
    </main>
    <${Help} open=${help} onClose=${() => setHelp(false)} />
    <${SignIn} store=${store} />`;
}

let due = false;

const store = new Store(() => {
  if (due) return;
  due = true;
  requestAnimationFrame(draw);
});

function draw() {
  due = false;
  render(html`<${App} store=${store} />`, document.getElementById("app"));
  const { why } = store.events;
  const state = store.stream.state === "stale" ? "STALE: " : "";
  document.title = state + (why ? `${name(why.verdict)} · quantum` : "quantum: why are we not trading?");
}

draw();
