// The live feed: the last 50 messages that match the filter, newest first. Messages come as text, never as markup.

import { harmless, shortened } from "./harmless.js";
import { follow } from "./live.js";
import { clock, moment } from "./times.js";

const SHOWN = 50;
const KEPT = 500;

const STATES = {
  connecting: ["dot-unknown", "Connecting"],
  live: ["dot-ok dot-pulse", "Live"],
  lost: ["dot-warn", "Connection lost, trying again"],
  resting: ["dot-unknown", "Resting"],
};

export function start() {
  const feed = document.getElementById("feed");
  if (!feed) return;
  new Feed(feed);
}

class Feed {
  constructor(feed) {
    this.list = feed.querySelector(".feed-list");
    this.empty = feed.querySelector("[data-when=empty]");
    this.unmatched = feed.querySelector("[data-when=unmatched]");
    this.pauseButton = feed.querySelector("[data-act=pause]");
    this.find = feed.querySelector("[name=find]");
    this.way = feed.querySelector("[name=way]");
    this.of = feed.querySelector("[name=of]");
    this.template = document.getElementById("message-row");
    this.state = document.getElementById("live-state");
    this.entries = [...this.list.children].map(entryOfRow);
    // Stored while the page was written, a message may be in the page and come by the stream as well.
    this.inPage = new Set([...this.list.children].map((row) => Number(row.dataset.id)));
    this.arrived = [];
    this.held = 0;
    this.paused = false;
    this.drawing = false;

    this.pauseButton.addEventListener("click", () => this.pause(!this.paused));
    this.find.addEventListener("input", () => this.redraw());
    this.way.addEventListener("change", () => this.redraw());
    this.of?.addEventListener("change", () => this.redraw());
    follow({
      bot: feed.dataset.bot,
      lastId: Number(feed.dataset.lastId),
      onMessage: (message) => this.receive(message),
      onState: (state) => this.tellState(state),
    });
    this.redraw();
  }

  receive(message) {
    if (this.inPage.has(message.id)) return;
    this.arrived.unshift(entryOfMessage(message));
    this.arrived.length = Math.min(this.arrived.length, KEPT);
    if (this.paused) {
      this.held += 1;
      this.tellHeld();
    } else if (!this.drawing) {
      // A burst is drawn once a frame, whatever its size.
      this.drawing = true;
      requestAnimationFrame(() => {
        this.drawing = false;
        if (!this.paused) this.take();
      });
    }
  }

  take() {
    const fresh = this.arrived.filter((entry) => this.matches(entry)).slice(0, SHOWN);
    this.entries = [...this.arrived, ...this.entries].slice(0, KEPT);
    this.arrived = [];
    this.held = 0;
    const rows = fresh.map((entry) => this.row(entry));
    for (const row of rows) row.classList.add("message-new");
    this.list.prepend(...rows);
    while (this.list.children.length > SHOWN) this.list.lastElementChild.remove();
    this.tellEmpty();
  }

  pause(paused) {
    this.paused = paused;
    this.pauseButton.setAttribute("aria-pressed", String(paused));
    if (!paused) this.take();
    this.tellHeld();
  }

  redraw() {
    const shown = this.entries.filter((entry) => this.matches(entry)).slice(0, SHOWN);
    this.list.replaceChildren(...shown.map((entry) => this.row(entry)));
    this.tellEmpty();
  }

  matches(entry) {
    const words = this.find.value.toLowerCase().split(/\s+/);
    const isOf = (field, value) => !field?.value || field.value === value;
    return isOf(this.way, entry.direction) && isOf(this.of, entry.bot) && words.every((word) => entry.words.includes(word));
  }

  row(entry) {
    entry.row ??= fill(this.template.content.firstElementChild.cloneNode(true), entry.message);
    return entry.row;
  }

  tellHeld() {
    const waiting = this.held ? ` (${this.held.toLocaleString("en")} new)` : "";
    this.pauseButton.textContent = this.paused ? `Resume${waiting}` : "Pause";
  }

  tellEmpty() {
    const none = this.list.children.length === 0;
    this.empty.hidden = !none || this.entries.length > 0;
    this.unmatched.hidden = !none || this.entries.length === 0;
  }

  tellState(state) {
    const [dot, words] = STATES[state];
    if (this.state.dataset.state === state) return;
    this.state.dataset.state = state;
    this.state.querySelector(".dot").className = `dot ${dot}`;
    this.state.querySelector("[data-slot=words]").textContent = words;
  }
}

function entryOfRow(row) {
  return { row, bot: row.dataset.bot, direction: row.dataset.direction, words: `${row.dataset.user} ${row.textContent}`.toLowerCase() };
}

function entryOfMessage(message) {
  const words = [message.user_id, message.user_name, message.bot, message.channel, message.message_text];
  return { message, bot: message.bot, direction: message.direction, words: words.filter(Boolean).join(" ").toLowerCase() };
}

function fill(row, message) {
  const slot = (name) => row.querySelector(`[data-slot=${name}]`);
  row.classList.replace("message-in", `message-${message.direction}`);
  row.dataset.id = message.id;
  row.dataset.direction = message.direction;
  row.dataset.user = message.user_id ?? "";
  row.dataset.bot = message.bot;
  slot("time").dateTime = message.timestamp;
  slot("time").textContent = clock(message.timestamp);
  slot("time").title = moment(message.timestamp);
  slot("arrow").textContent = message.direction === "in" ? "→" : "←";
  slot("way").textContent = message.direction === "in" ? "received from" : "sent to";
  slot("who").textContent = harmless(message.user_name || message.user_id || "unknown user");
  slot("who").title = harmless(message.user_id ?? "");
  slot("bot").textContent = harmless(message.bot);
  slot("took").textContent = tookWords(message.response_time);
  slot("text").textContent = message.message_text === null ? "text not kept" : shortened(harmless(message.message_text));
  slot("text").classList.toggle("no-text", message.message_text === null);
  return row;
}

function tookWords(ms) {
  if (ms === null) return "";
  if (ms < 1000) return `${ms} ms`;
  if (ms < 9995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59950) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60000)} min`;
}
