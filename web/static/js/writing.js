// The chart of how much somebody wrote. Its numbers come from the table below it.

import { colour, count, fromZero, keep, overTime } from "./plot.js";
import { zone } from "./times.js";

const CLOCK = { hour: "2-digit", minute: "2-digit" };
const DAY = { day: "numeric", month: "short" };
const MONTH = { month: "short", year: "numeric" };
const WORDS = { minute: { ...DAY, ...CLOCK }, hour: { ...DAY, ...CLOCK }, day: { weekday: "long", ...DAY }, week: { ...DAY, year: "numeric" }, month: MONTH };

export function start() {
  const frame = document.getElementById("writing-chart");
  if (!frame) return;
  const steps = JSON.parse(document.getElementById("writing-numbers").dataset.series);
  const at = steps.map((step) => Date.parse(step.at) / 1000);
  const bucket = frame.dataset.bucket;
  const mark = wording(bucket === "month" ? MONTH : at.at(-1) - at[0] < 2 * 86400 ? CLOCK : DAY);
  const readOut = (plot) => tell(plot, steps, bucket, wording(WORDS[bucket]));
  keep(frame, () => draw(frame, mark, at, steps, readOut));
}

function wording(style) {
  const format = new Intl.DateTimeFormat("en-GB", { ...style, timeZone: zone });
  return (seconds) => format.format(seconds * 1000);
}

function draw(frame, mark, at, steps, readOut) {
  const options = overTime(frame, mark, {
    cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false } },
    scales: { y: { range: fromZero }, x: { range: wholeSteps(at) } },
    series: [{}, { paths: uPlot.paths.bars({ size: [0.72, 36], align: 1 }), fill: colour("in"), width: 0, points: { show: false } }],
    hooks: { setCursor: [readOut] },
  });
  return new uPlot(options, [at, steps.map((step) => step.messages)], frame);
}

// A bar begins at its step: the last one needs room as well.
function wholeSteps(at) {
  const length = at.length > 1 ? at.at(-1) - at.at(-2) : 86400;
  return (_, first, last) => [first, (last ?? 0) + length];
}

function tell(plot, steps, bucket, word) {
  const words = document.getElementById("writing-readout");
  const step = steps[plot.cursor.idx ?? -1];
  words.textContent = step
    ? `${bucket === "week" ? "week of " : ""}${word(Date.parse(step.at) / 1000)}: ${count.format(step.messages)} messages`
    : words.dataset.rest;
}
