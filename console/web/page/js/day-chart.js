/* A gate's share by the hour over a day, with the same hours a week before behind it. Drawn by uPlot, loaded when needed. */

import { html, useEffect, useRef } from "../vendor/preact-htm.js";
import { HOUR, WEEK } from "./spans.js";
import { clock, name, percent } from "./text.js";

let loading = null;

function loaded() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/vendor/uplot.js";
    script.onload = () => resolve(window.uPlot);
    script.onerror = () => ((loading = null), reject(new Error("uPlot could not be loaded")));
    document.head.append(script);
  });
  return loading;
}

/** `[times, shares, shares a week before]`, null where nothing is known. */
export function series(now, then, gate) {
  const shares = (history, later) =>
    new Map(
      (history?.points ?? []).map((point) => {
        const counted = point.gates.find((one) => one.gate === gate)?.count ?? 0;
        return [point.time + later, point.total ? counted / point.total : null];
      }),
    );
  const [today, before] = [shares(now, 0), shares(then, WEEK)];
  const times = [...new Set([...today.keys(), ...before.keys()])].sort((one, other) => one - other);
  return [times, times.map((at) => today.get(at) ?? null), times.map((at) => before.get(at) ?? null)];
}

export function Day({ store, gate, theme }) {
  const place = useRef(null);
  const [now, then] = [store.answer("day").value, store.answer("dayBefore").value];
  const data = series(now, then, gate);
  const known = data[0].length > 1;
  useEffect(() => {
    if (!known) return undefined;
    let [plot, gone, watch] = [null, false, null];
    const host = place.current;
    loaded().then((uPlot) => {
      if (gone) return;
      plot = draw(uPlot, host, data, theme);
      watch = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: plot.height }));
      watch.observe(host);
    }, () => {});
    return () => {
      gone = true;
      watch?.disconnect();
      plot?.destroy();
    };
  }, [now, then, theme, known]);
  if (!known) return null;
  const says = data[0].map((at, i) => `${clock(at)}: ${percent(data[1][i])}, a week before ${percent(data[2][i])}`);
  return html`
    <h3>By the hour <span class="quiet"><i class="line-now"></i>last day <i class="line-then"></i>a week before</span></h3>
    <div class="day-chart" ref=${place} role="img" aria-label=${`Share of ${name(gate)} by the hour. ${says.slice(-6).join("; ")}`}></div>`;
}

function draw(uPlot, place, data, theme) {
  const style = getComputedStyle(place);
  // (A canvas knows no variables: the style has each colour as that of something.)
  const [quiet, line, accent] = [style.color, style.borderTopColor, style.outlineColor];
  const axis = { stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: `11px ${style.fontFamily}` };
  return new uPlot(
    {
      width: place.clientWidth,
      height: 130,
      legend: { show: false },
      cursor: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      scales: { y: { range: (_plot, _least, most) => [0, Math.max(0.05, (most ?? 0) * 1.1)] } },
      series: [
        {},
        { stroke: accent, width: 2, points: { show: data[0].length < 30, size: 4, fill: accent } },
        { stroke: quiet, width: 1.5, dash: [4, 3], points: { show: false } },
      ],
      axes: [
        { ...axis, size: 24, values: (_plot, times) => times.map(clock), incrs: [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR] },
        { ...axis, size: 42, values: (_plot, shares) => shares.map((share) => `${Math.round(share * 1000) / 10}%`) },
      ],
    },
    data,
    place,
  );
}
