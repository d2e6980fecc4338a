// The charts of an instance's resources, all under one cursor. Their numbers come from the table below them, which a
// refresh replaces; a reading without figures is a gap.

import { colour, count, fromZero, keep, overTime } from "./plot.js";
import { zone } from "./times.js";

const FIELDS = { cpu: "cpu_percent", memory: "memory_mb", lag: "loop_lag_ms", fds: "fds", threads: "threads" };
const WORDS = { cpu: ["CPU", " %"], memory: ["memory", " MB"], lag: ["lag", " ms"], fds: ["descriptors", ""], threads: ["threads", ""] };
const CLOCK = { hour: "2-digit", minute: "2-digit" };
const DAY = { day: "numeric", month: "short" };

export function start() {
  const frames = [...document.querySelectorAll("[data-resource]")];
  if (!frames.length) return;
  const charts = frames.map((frame) => [frame.dataset.resource, keep(frame, (own) => draw(own, frame.dataset.resource))]);
  document.body.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target.id !== "resources-numbers") return;
    for (const [name, chart] of charts) chart().setData(series(name));
  });
}

function readings() {
  return JSON.parse(document.getElementById("resources-numbers").dataset.series);
}

// [times in s, figures] and, of memory, the limit.
function series(name) {
  const all = readings();
  const of = (field) => all.map((reading) => reading[field] ?? null);
  const data = [all.map((reading) => Date.parse(reading.at) / 1000), of(FIELDS[name])];
  return name === "memory" ? [...data, of("memory_limit_mb")] : data;
}

function draw(frame, name) {
  const data = series(name);
  const span = (data[0].at(-1) ?? 0) - (data[0][0] ?? 0);
  const lines = [{}, { stroke: colour("in"), width: 1.5, fill: `${colour("in")}22`, points: { show: data[0].length === 1 } }];
  if (name === "memory") lines.push({ stroke: colour("fail"), width: 1.5, dash: [5, 4], points: { show: false } });
  const options = overTime(frame, wording(span < 2 * 86400 ? CLOCK : DAY), {
    cursor: { y: false, sync: { key: "resources" }, drag: { setScale: false, x: false } },
    scales: { y: { range: fromZero } },
    series: lines,
    hooks: { setCursor: [tell] },
  });
  return new uPlot(options, data, frame);
}

function wording(style) {
  const format = new Intl.DateTimeFormat("en-GB", { ...style, timeZone: zone });
  return (seconds) => format.format(seconds * 1000);
}

const when = wording({ ...DAY, ...CLOCK, second: "2-digit" });

function tell(plot) {
  const words = document.getElementById("resources-readout");
  const reading = readings()[plot.cursor.idx ?? -1];
  if (!reading) {
    words.textContent = words.dataset.rest;
    return;
  }
  const told = Object.entries(FIELDS)
    .filter(([, field]) => reading[field] !== null && reading[field] !== undefined)
    .map(([name, field]) => `${WORDS[name][0]} ${count.format(Math.round(reading[field] * 10) / 10)}${WORDS[name][1]}`);
  words.textContent = `${when(Date.parse(reading.at) / 1000)}: ${told.join(", ") || "nothing came"}`;
}
