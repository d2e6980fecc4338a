// A page's way to the message stream. It resumes where it broke off: no message missed, none twice.

import { Hub } from "./stream_hub.js";

const HIDDEN_FOR_MS = 60000;
// Tabs of an older version may still be open: they have a worker of another name.
const WORKER = { type: "module", name: "botwatch-stream-3" };

// follow({bot, lastId, onMessage, onHealth, onAlert, onState}): lastId is the id of the newest message the page shows already.
// onHealth is called when an indicator of the bot, or of the collector, is another than it was.
// onAlert is called when an alert of the bot began or ended.
// onState gets "connecting", "live", "lost" or "resting" (the tab has been in the background for a minute).
export function follow({ bot, lastId, onMessage, onHealth, onAlert, onState }) {
  let port = null;
  let listening = false;
  let hiddenTimer = 0;

  function use(found) {
    if (port) port.onmessage = null;
    port = found;
    port.onmessage = ({ data }) => {
      if (data.message) receive(data.message);
      else if ("health" in data) listening && onHealth?.();
      else if ("alert" in data) listening && onAlert?.();
      else tell(data.state);
    };
    if (listening) listen();
  }

  function receive(message) {
    // One that was on its way while this page stopped comes again when it goes on.
    if (!listening || message.id <= lastId) return;
    lastId = message.id;
    onMessage(message);
  }

  function tell(state) {
    if (listening) onState(state);
  }

  function listen() {
    listening = true;
    port.postMessage({ bot, lastId });
  }

  function stop() {
    listening = false;
    port.postMessage(null);
  }

  // A tab in the background needs no messages before it is looked at again, and then catches up.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.visibilityState === "hidden") {
      hiddenTimer = setTimeout(() => {
        stop();
        onState("resting");
      }, HIDDEN_FOR_MS);
    } else if (!listening) {
      listen();
    }
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && !listening && listen());

  onState("connecting");
  use(sharedPort(() => use(ownPort())) ?? ownPort());
  listen();
}

// Into the worker that all tabs share; null where the browser has none.
function sharedPort(onFailure) {
  try {
    const worker = new SharedWorker(new URL("./stream_worker.js", import.meta.url), WORKER);
    worker.addEventListener("error", onFailure, { once: true });
    return worker.port;
  } catch {
    return null;
  }
}

// A connection of this page's own.
function ownPort() {
  const { port1, port2 } = new MessageChannel();
  new Hub().join(port1);
  return port2;
}
