// The chart of the hourly volume: bars for the last 24 hours, a dashed line for the 24 before. Its numbers come
// from the table below it, which a refresh replaces.

import { zone } from "./times.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const hourFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
const count = new Intl.NumberFormat("en");

export function start() {
  const frame = document.getElementById("volume-chart");
  if (!frame || !document.getElementById("volume-numbers")) return;
  let drawn = draw(frame);

  const again = () => {
    drawn.destroy();
    drawn = draw(frame);
  };
  new ResizeObserver(() => drawn.setSize(size(frame))).observe(frame);
  dark.addEventListener("change", again);
  document.body.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target.id === "volume-numbers") drawn.setData(series());
  });
}

// [times in s, all messages, those received, all messages of the day before]
function series() {
  const { hours, previous } = JSON.parse(document.getElementById("volume-numbers").dataset.volume);
  return [
    hours.map((hour) => Date.parse(hour.at) / 1000),
    hours.map((hour) => hour.in + hour.out),
    hours.map((hour) => hour.in),
    hours.map((_, index) => (previous[index] ? previous[index].in + previous[index].out : null)),
  ];
}

function draw(frame) {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--bw-${name}`).trim();
  const bars = uPlot.paths.bars({ size: [0.72, 36], align: 1 });
  const axis = {
    stroke: colour("ink-soft"),
    font: "12px system-ui, sans-serif",
    ticks: { show: false },
    grid: { stroke: colour("line"), width: 1 },
  };
  const options = {
    ...size(frame),
    padding: [8, 0, 0, 0],
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false } },
    scales: { y: { range: (_, __, highest) => [0, Math.max(4, (highest ?? 0) * 1.08)] }, x: { range: wholeHours } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 56, values: (_, splits) => splits.map((at) => hourFormat.format(at * 1000)) },
      { ...axis, size: 52, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7],
        values: (_, splits) => splits.map((value) => count.format(value)) },
    ],
    series: [
      {},
      { paths: bars, fill: colour("out"), width: 0, points: { show: false } },
      { paths: bars, fill: colour("in"), width: 0, points: { show: false } },
      { stroke: colour("before"), width: 2, dash: [5, 4], paths: middle(), points: { show: false } },
    ],
    hooks: { setCursor: [readOut] },
  };
  frame.replaceChildren();
  return new uPlot(options, series(), frame);
}

// A bar begins at its hour: the last one needs an hour of room.
function wholeHours(_, first, last) {
  return [first, (last ?? 0) + 3600];
}

// The line of the day before runs through the middles of the bars.
function middle() {
  const linear = uPlot.paths.linear();
  return (plot, index, from, to) => {
    const paths = linear(plot, index, from, to);
    if (!paths?.stroke) return paths;
    const half = (plot.valToPos(3600, "x", true) - plot.valToPos(0, "x", true)) / 2;
    const moved = new Path2D();
    moved.addPath(paths.stroke, new DOMMatrix().translate(half, 0));
    return { ...paths, stroke: moved, clip: null };
  };
}

function readOut(plot) {
  const words = document.getElementById("volume-readout");
  const index = plot.cursor.idx;
  if (index === null || index === undefined) {
    words.textContent = words.dataset.rest;
    return;
  }
  const [at, all, received, before] = plot.data.map((values) => values[index]);
  const hour = `${hourFormat.format(at * 1000)}–${hourFormat.format((at + 3600) * 1000)}`;
  words.textContent = `${hour}: ${count.format(received)} received, ${count.format(all - received)} sent; ${
    before === null ? "nothing known of" : count.format(before)
  } the day before`;
}

function size(frame) {
  return { width: frame.clientWidth || 300, height: frame.clientHeight || 240 };
}
