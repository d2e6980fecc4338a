// Asks for the figures again every 15 s while somebody looks, and at once when the stream tells of another health or
// alert; says when that fails.

import { zoneIsNews } from "./times.js";

const EVERY_MS = 15000;

export function start() {
  const refresher = document.getElementById("refresher");
  const failure = document.getElementById("refresh-failure");
  if (!refresher) return;
  let asked = Date.now();

  const refresh = () => {
    asked = Date.now();
    htmx.trigger(refresher, "refresh");
  };
  setInterval(() => document.visibilityState === "visible" && refresh(), EVERY_MS);
  for (const news of ["health-changed", "alerts-changed"]) document.addEventListener(news, refresh);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && Date.now() - asked > EVERY_MS) refresh();
  });

  refresher.addEventListener("htmx:beforeSwap", (event) => {
    // An expired login answers with the login page: show it whole.
    if (new URL(event.detail.xhr.responseURL).pathname === "/login" || event.detail.xhr.status === 401) location.reload();
  });
  refresher.addEventListener("htmx:afterRequest", (event) => {
    failure.hidden = event.detail.successful;
  });
  if (zoneIsNews()) refresh();
}
