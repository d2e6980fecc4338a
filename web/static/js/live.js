// The page's one connection to the message stream. It resumes where it broke off: no message missed, none twice.

const URL_PATH = "/debug/message-stream";
const WAITS_MS = [1000, 2000, 5000, 10000, 20000];
const HIDDEN_FOR_MS = 60000;

// follow({bot, lastId, onMessage, onState}): lastId is the id of the newest message the page shows already.
// onState gets "connecting", "live", "lost" or "resting" (the tab has been in the background for a minute).
export function follow({ bot, lastId, onMessage, onState }) {
  let source = null;
  let failures = 0;
  let timer = 0;
  let hiddenTimer = 0;

  function connect() {
    clearTimeout(timer);
    const query = new URLSearchParams({ last_event_id: lastId });
    if (bot) query.set("bot", bot);
    source = new EventSource(`${URL_PATH}?${query}`);
    source.addEventListener("open", () => {
      failures = 0;
      onState("live");
    });
    source.addEventListener("message:new", receive);
    source.addEventListener("error", () => {
      onState("lost");
      // The browser reconnects by itself after a broken connection, but not after an answer such as 502 or 503.
      if (source.readyState === EventSource.CLOSED) again();
    });
  }

  function receive(event) {
    const id = Number(event.lastEventId);
    if (id <= lastId) return;
    lastId = id;
    onMessage(JSON.parse(event.data));
  }

  function again() {
    const wait = WAITS_MS[Math.min(failures, WAITS_MS.length - 1)];
    failures += 1;
    // Jitter, so that a restarted collector doesn't meet all its readers in one moment.
    timer = setTimeout(connect, wait * (0.75 + Math.random() / 2));
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  // Browsers allow six connections to a host: background tabs give theirs back and catch up later.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.visibilityState === "hidden") {
      hiddenTimer = setTimeout(() => {
        close();
        onState("resting");
      }, HIDDEN_FOR_MS);
    } else if (!source) {
      connect();
    }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && !source && connect());

  onState("connecting");
  connect();
}
