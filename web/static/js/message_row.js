// Fills the row of a message, in the feed and in the list of messages. What people wrote comes as text, never as markup.

import { harmless, shortened } from "./harmless.js";
import { clock, moment } from "./times.js";
import { marked } from "./marks.js";
import { userPath } from "./user_path.js";

// `bot` is the one that the page is about, if it is about one; `terms` are what was looked for.
export function fill(row, message, { bot = "", terms = [] } = {}) {
  const slot = (name) => row.querySelector(`[data-slot=${name}]`);
  const tell = (name, text) => slot(name) && (slot(name).textContent = text);
  row.classList.replace("message-in", `message-${message.direction}`);
  row.dataset.id = message.id;
  row.dataset.direction = message.direction;
  row.dataset.user = message.user_id ?? "";
  row.dataset.bot = message.bot;
  slot("time").dateTime = message.timestamp;
  slot("time").title = moment(message.timestamp);
  tell("time", clock(message.timestamp));
  tell("arrow", message.direction === "in" ? "→" : "←");
  tell("way", message.direction === "in" ? "received from" : "sent to");
  tell("who", harmless(message.user_name || message.user_id || "unknown user"));
  if (message.user_id !== null) {
    slot("user").href = userPath(message.user_id, bot);
    slot("user").title = harmless(message.user_id);
  }
  tell("bot", harmless(message.bot));
  tell("channel", harmless(message.channel ?? ""));
  tell("took", tookWords(message.response_time));
  tell("waited", message.wait_ms === null ? "" : `waited ${tookWords(message.wait_ms)}`);
  if (slot("open")) slot("open").href = `/messages/${message.id}#chosen`;
  const text = message.message_text;
  slot("text").replaceChildren(...(text === null ? ["text not kept"] : marked(shortened(harmless(text)), terms)));
  slot("text").classList.toggle("no-text", text === null);
  return row;
}

function tookWords(ms) {
  if (ms === null) return "";
  if (ms < 1000) return `${ms} ms`;
  if (ms < 9995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59950) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60000)} min`;
}
