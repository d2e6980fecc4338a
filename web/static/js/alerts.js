// The Alerts page: asked for again as soon as the stream tells that an alert began or ended.

import { follow } from "./live.js";
import { tellState } from "./live_state.js";

export function start() {
  const alerts = document.getElementById("alerts");
  if (!alerts) return;
  const state = document.getElementById("live-state");
  follow({
    bot: alerts.dataset.bot,
    lastId: Number(alerts.dataset.lastId),
    onMessage: () => {},
    onAlert: () => document.dispatchEvent(new Event("alerts-changed")),
    onState: (found) => tellState(state, found),
  });
}
