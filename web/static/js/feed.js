// The live feed: the last 50 messages that match the filter, newest first. Messages come as text, never as markup.

import { follow } from "./live.js";
import { tellState } from "./live_state.js";
import { fill } from "./message_row.js";

const SHOWN = 50;
const KEPT = 500;

export function start() {
  const feed = document.getElementById("feed");
  if (!feed) return;
  new Feed(feed);
}

class Feed {
  constructor(feed) {
    this.bot = feed.dataset.bot;
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
      bot: this.bot,
      lastId: Number(feed.dataset.lastId),
      onMessage: (message) => this.receive(message),
      onHealth: () => document.dispatchEvent(new Event("health-changed")),
      onState: (state) => tellState(this.state, state),
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
    entry.row ??= fill(this.template.content.firstElementChild.cloneNode(true), entry.message, { bot: this.bot });
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
}

function entryOfRow(row) {
  return { row, bot: row.dataset.bot, direction: row.dataset.direction, words: `${row.dataset.user} ${row.textContent}`.toLowerCase() };
}

function entryOfMessage(message) {
  const words = [message.user_id, message.user_name, message.bot, message.channel, message.message_text];
  return { message, bot: message.bot, direction: message.direction, words: words.filter(Boolean).join(" ").toLowerCase() };
}
