// The Messages page as one long list: further pages come as somebody scrolls, and new messages as they are stored.

import { matches } from "./marks.js";
import { follow } from "./live.js";
import { LongList } from "./long_list.js";
import { tellState } from "./live_state.js";
import { fill } from "./message_row.js";

const MOST_ROWS_AT_ONCE = 1000;
// So many new messages above those that were asked for: then the list begins anew.
const MOST_NEW = 1000;

export function start() {
  const log = document.getElementById("messages-log");
  if (log) new Messages(log);
}

class Messages {
  constructor(log) {
    this.log = log;
    this.asked = new URLSearchParams(log.dataset.asked);
    this.bot = log.dataset.bot;
    this.terms = JSON.parse(log.dataset.terms);
    this.older = log.dataset.older;
    this.limit = 100;
    this.loading = false;
    this.missed = 0;
    this.template = document.getElementById("message-row");
    this.states = document.getElementById("messages-states");
    this.newer = document.getElementById("messages-new");
    this.ended = document.getElementById("messages-end");
    this.empty = document.querySelector("main [data-when=empty]");
    this.state = document.getElementById("live-state");

    const rows = [...log.querySelectorAll(".message")].map((element) => ({ element, id: Number(element.dataset.id) }));
    this.known = new Set(rows.map((row) => row.id));
    this.list = new LongList(log, { draw: (row) => this.draw(row), onEnd: () => this.loadOlder() });
    log.replaceChildren(this.list.space);
    this.list.begin({ rows });
    this.newer.addEventListener("click", () => this.beginAnew());
    this.states.querySelector("[data-act=again]").addEventListener("click", () => this.loadOlder(true));
    log.addEventListener("keydown", (event) => this.open(event));
    document.addEventListener("keydown", (event) => this.enter(event));
    if (log.dataset.live) this.listen(Number(log.dataset.live));
  }

  draw(row) {
    row.element ??= fill(this.template.content.firstElementChild.cloneNode(true), row, { bot: this.bot, terms: this.terms });
    return row.element;
  }

  async loadOlder(isAgain = false) {
    if (this.loading || !this.older || (this.failed && !isAgain)) return this.tell();
    this.loading = true;
    this.failed = false;
    this.tell();
    const before = this.older;
    const limit = this.limit;
    try {
      const page = await this.fetch(before, limit);
      this.older = page.older;
      this.limit = Math.min(2 * limit, MOST_ROWS_AT_ONCE);
      this.list.append({ rows: page.messages, reload: async () => (await this.fetch(before, limit)).messages });
    } catch {
      this.failed = true;
    }
    this.loading = false;
    this.tell();
  }

  // From the newest on, whatever has come since.
  async beginAnew() {
    this.missed = 0;
    this.tellMissed();
    try {
      const page = await this.fetch("", 100);
      this.known = new Set(page.messages.map((message) => message.id));
      this.older = page.older;
      this.failed = false;
      this.list.ended = false;
      this.list.begin({ rows: page.messages });
    } catch {
      this.failed = true;
    }
    this.tell();
  }

  async fetch(before, limit) {
    const asked = new URLSearchParams(this.asked);
    asked.set("limit", limit);
    if (before) asked.set("before", before);
    const answer = await fetch(`/api/messages?${asked}`, { headers: { Accept: "application/json" } });
    // An expired login: the login page comes back here.
    if (answer.status === 401) location.reload();
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  }

  listen(lastId) {
    follow({
      bot: this.bot,
      lastId,
      onMessage: (message) => this.receive(message),
      onState: (state) => tellState(this.state, state),
    });
  }

  receive(message) {
    if (this.known.has(message.id) || !this.wants(message)) return;
    if (this.list.count && (!this.list.atTop || this.list.hasFocus || this.missed)) {
      this.missed += 1;
      this.tellMissed();
      return;
    }
    if (this.list.firstPageLength > MOST_NEW) {
      this.beginAnew();
      return;
    }
    this.list.prepend([message]);
    this.draw(message).classList.add("message-new");
    this.tell();
  }

  wants(message) {
    const is = (name, value) => !this.asked.has(name) || this.asked.get(name) === (value ?? "");
    return (
      is("user", message.user_id) &&
      is("direction", message.direction) &&
      is("channel", message.channel) &&
      matches(message.message_text ?? "", this.terms)
    );
  }

  tell() {
    const none = this.list.count === 0;
    if (!this.older) this.list.end();
    this.log.setAttribute("aria-busy", String(this.loading));
    const state = this.loading ? "loading" : this.failed ? "failed" : !this.older && !none ? "end" : "";
    for (const part of this.states.children) part.hidden = part.dataset.when !== state;
    this.ended.textContent = this.list.count.toLocaleString("en");
    this.empty.hidden = !none;
    this.log.hidden = none;
  }

  tellMissed() {
    this.newer.hidden = this.missed === 0;
    this.newer.textContent = `${this.missed.toLocaleString("en")} new message${this.missed === 1 ? "" : "s"}`;
  }

  // Enter on a row leads into its conversation.
  open(event) {
    if (event.key !== "Enter" || !event.target.matches(".message")) return;
    event.target.querySelector("[data-slot=open]").click();
  }

  // j and k begin the walk through the list from wherever the focus is.
  enter(event) {
    if (!["j", "k"].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.defaultPrevented || this.log.contains(event.target) || event.target.closest("input, select, textarea, dialog")) return;
    this.list.key(event);
  }
}
