// The chart of the hourly volume: bars for the last 24 hours, a dashed line for the 24 before. Its numbers come
// from the table below it, which a refresh replaces.

import { colour, count, fromZero, keep, overTime } from "./plot.js";
import { zone } from "./times.js";

const hourFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });

export function start() {
  const frame = document.getElementById("volume-chart");
  if (!frame || !document.getElementById("volume-numbers")) return;
  const chart = keep(frame, draw);
  document.body.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target.id === "volume-numbers") chart().setData(series());
  });
}

// [times in s, all messages, those received, all messages of the day before]
function series() {
  const { hours, previous } = JSON.parse(document.getElementById("volume-numbers").dataset.series);
  return [
    hours.map((hour) => Date.parse(hour.at) / 1000),
    hours.map((hour) => hour.in + hour.out),
    hours.map((hour) => hour.in),
    hours.map((_, index) => (previous[index] ? previous[index].in + previous[index].out : null)),
  ];
}

function draw(frame) {
  const bars = uPlot.paths.bars({ size: [0.72, 36], align: 1 });
  const options = overTime(frame, (seconds) => hourFormat.format(seconds * 1000), {
    cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false } },
    scales: { y: { range: fromZero }, x: { range: wholeHours } },
    series: [
      {},
      { paths: bars, fill: colour("out"), width: 0, points: { show: false } },
      { paths: bars, fill: colour("in"), width: 0, points: { show: false } },
      { stroke: colour("before"), width: 2, dash: [5, 4], paths: middle(), points: { show: false } },
    ],
    hooks: { setCursor: [readOut] },
  });
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
