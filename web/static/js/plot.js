// What all charts share: colours of the theme, axes, and drawing again when the theme or the width changes.

import { zone } from "./times.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
export const count = new Intl.NumberFormat("en");

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--bw-${name}`).trim();
}

// Keeps a chart in its frame; make(frame) draws it anew. Returns a function that gives the chart of the moment.
export function keep(frame, make) {
  let drawn = make(frame);
  new ResizeObserver(() => drawn.setSize(size(frame))).observe(frame);
  dark.addEventListener("change", () => {
    drawn.destroy();
    drawn = make(frame);
  });
  return () => drawn;
}

// Options of a chart over time; tell(seconds) words a moment on the axis.
export function overTime(frame, tell, more) {
  frame.replaceChildren();
  const axis = {
    stroke: colour("ink-soft"),
    font: "12px system-ui, sans-serif",
    ticks: { show: false },
    grid: { stroke: colour("line"), width: 1 },
  };
  return {
    ...size(frame),
    padding: [8, 0, 0, 0],
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 56, values: (_, splits) => splits.map(tell) },
      { ...axis, size: 52, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7],
        values: (_, splits) => splits.map((value) => count.format(value)) },
    ],
    ...more,
  };
}

export function fromZero(_, __, highest) {
  return [0, Math.max(4, (highest ?? 0) * 1.08)];
}

function size(frame) {
  return { width: frame.clientWidth || 300, height: frame.clientHeight || 240 };
}
