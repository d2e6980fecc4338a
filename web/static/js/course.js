// The charts of the Analytics page: messages beside those of the time before, unusual steps marked, and users
// beside it, both under one cursor. Their numbers come from the table below the first.

import { colour, count, fromZero, keep, overTime } from "./plot.js";
import { zone } from "./times.js";
import * as toast from "./toast.js";

const CLOCK = { hour: "2-digit", minute: "2-digit" };
const DAY = { day: "numeric", month: "short" };
const MONTH = { month: "short", year: "numeric" };
const WORDS = { minute: { ...DAY, ...CLOCK }, hour: { ...DAY, ...CLOCK }, day: { weekday: "long", ...DAY }, week: { ...DAY, year: "numeric" }, month: MONTH };

export function start() {
  const frame = document.getElementById("course-chart");
  if (!frame) return;
  const steps = JSON.parse(document.getElementById("course-numbers").dataset.series);
  const at = steps.map((step) => Date.parse(step.at) / 1000);
  const bucket = frame.dataset.bucket;
  const mark = wording(bucket === "month" ? MONTH : at.at(-1) - at[0] < 2 * 86400 ? CLOCK : DAY);
  const readOut = (plot) => tell(plot, steps, bucket, wording(WORDS[bucket]));
  const messages = keep(frame, () => drawMessages(frame, mark, at, steps, readOut));
  keep(document.getElementById("users-chart"), (other) => drawUsers(other, mark, at, steps, readOut));
  const button = document.querySelector("[data-save=course-chart]");
  button.addEventListener("click", () => save(messages().ctx.canvas, button.dataset.file));
}

function wording(style) {
  const format = new Intl.DateTimeFormat("en-GB", { ...style, timeZone: zone });
  return (seconds) => format.format(seconds * 1000);
}

const local = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short", timeZone: zone });
const cursor = { y: false, sync: { key: "course" }, drag: { setScale: false, x: true, dist: 10 } };

function drawMessages(frame, mark, at, steps, readOut) {
  const options = overTime(frame, mark, {
    cursor,
    scales: { y: { range: fromZero } },
    series: [
      {},
      { stroke: colour("before"), width: 2, dash: [5, 4], points: { show: false } },
      { stroke: colour("in"), width: 2, fill: fade, points: { show: at.length === 1 } },
    ],
    hooks: { setCursor: [readOut], setSelect: [goTo], draw: [(plot) => dot(plot, steps)] },
  });
  return new uPlot(options, [at, steps.map((step) => step.before), steps.map((step) => step.total)], frame);
}

function drawUsers(frame, mark, at, steps, readOut) {
  const options = overTime(frame, mark, {
    cursor,
    scales: { y: { range: fromZero } },
    series: [{}, { stroke: colour("ok"), width: 2, points: { show: at.length === 1 } }],
    hooks: { setCursor: [readOut] },
  });
  return new uPlot(options, [at, steps.map((step) => step.users)], frame);
}

// What was drawn over with the pointer becomes the range of the page.
function goTo(plot) {
  const { left, width } = plot.select;
  if (width < 10) return;
  const moment = (position) => local.format(plot.posToVal(position, "x") * 1000).replace(" ", "T");
  const address = new URL(location.href);
  for (const name of ["bucket", "users_after"]) address.searchParams.delete(name);
  const asked = { range: "custom", from: moment(left), to: moment(left + width), tz: zone };
  for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, value);
  location.assign(address);
}

// From the line's colour to nothing: the theme's colours have six hex digits, two more are opacity. Before the first layout the box has no size yet.
function fade(plot) {
  const { top, height } = plot.bbox;
  if (!Number.isFinite(top + height)) return "transparent";
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, `${colour("in")}73`);
  gradient.addColorStop(1, `${colour("in")}05`);
  return gradient;
}

function dot(plot, steps) {
  const radius = 4 * devicePixelRatio;
  plot.ctx.save();
  plot.ctx.fillStyle = colour("fail");
  steps.forEach((step, index) => {
    if (!step.unusual) return;
    plot.ctx.beginPath();
    plot.ctx.arc(plot.valToPos(plot.data[0][index], "x", true), plot.valToPos(step.total, "y", true), radius, 0, 2 * Math.PI);
    plot.ctx.fill();
  });
  plot.ctx.restore();
}

function tell(plot, steps, bucket, word) {
  const words = document.getElementById("course-readout");
  const step = steps[plot.cursor.idx ?? -1];
  if (!step) {
    words.textContent = words.dataset.rest;
    return;
  }
  const when = `${bucket === "week" ? "week of " : ""}${word(Date.parse(step.at) / 1000)}${step.open ? ", so far" : ""}`;
  const unusual = step.unusual && `; unusual, ${count.format(Math.round(step.unusual.expected))} were expected`;
  const before = step.before === null ? "" : `, ${count.format(step.before)} the time before`;
  words.textContent = `${when}: ${count.format(step.total)} messages${before}, ${count.format(step.users)} users${unusual || ""}`;
}

// On the ground of the page: a transparent picture can't be read everywhere.
function save(canvas, name) {
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [canvas.width, canvas.height];
  const context = picture.getContext("2d");
  context.fillStyle = colour("surface");
  context.fillRect(0, 0, picture.width, picture.height);
  context.drawImage(canvas, 0, 0);
  picture.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
    toast.tell(`Saved as ${name}`);
  });
}
