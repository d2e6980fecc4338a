// One connection to the message stream for everyone in this browser who listens, each from a place of its own: no
// message missed, none twice. It runs in the shared worker, or in a page where there is none.

const URL_PATH = "/api/monitoring/stream";
const CHANNELS = [["channels", "messages"], ["channels", "health"], ["channels", "alerts"]];
const WAITS_MS = [1000, 2000, 5000, 10000, 20000];
const KEPT = 1000;

export class Hub {
  listeners = new Map();
  source = null;
  failures = 0;
  timer = 0;
  // All messages above `floor` and up to `position` are in `recent`.
  floor = 0;
  position = 0;
  recent = [];
  // The indicators of each bot, null for the collector, as they were told last.
  health = new Map();

  // A port says {bot, lastId} to listen to what comes after that message, of one bot or of all, and null to stop. It
  // is told {message}, {state}: "connecting", "live" or "lost", {health} when an indicator has changed, and {alert} when
  // one began or ended.
  join(port) {
    port.onmessage = ({ data }) => (data ? this.add(port, data) : this.remove(port));
  }

  add(port, { bot, lastId }) {
    const listener = { port, bot, lastId };
    this.listeners.set(port, listener);
    if (!this.source && !this.timer) {
      this.goBackTo(lastId);
    } else if (lastId < this.floor) {
      // What it has missed isn't kept here any more: the others don't mind hearing it again.
      this.goBackTo(lastId);
    } else {
      port.postMessage({ state: this.state });
      for (const message of this.recent) tell(listener, message);
    }
  }

  remove(port) {
    this.listeners.delete(port);
    if (this.listeners.size === 0) this.close();
  }

  goBackTo(id) {
    this.close();
    this.floor = this.position = id;
    this.recent = [];
    this.tellState("connecting");
    this.connect();
  }

  connect() {
    this.timer = 0;
    const source = new EventSource(`${URL_PATH}?${new URLSearchParams([...CHANNELS, ["last_event_id", this.position]])}`);
    source.addEventListener("open", () => {
      this.failures = 0;
      this.tellState("live");
    });
    source.addEventListener("message:new", (event) => this.receive(JSON.parse(event.data)));
    for (const name of ["alert:new", "alert:resolved"]) {
      source.addEventListener(name, (event) => this.alarm(JSON.parse(event.data)));
    }
    source.addEventListener("health:changed", (event) => this.compare(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      this.tellState("lost");
      // The browser reconnects by itself after a broken connection, but not after an answer such as 502 or 503.
      if (source.readyState === EventSource.CLOSED) this.again();
    });
    this.source = source;
  }

  again() {
    const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    // Jitter, so that a restarted collector doesn't meet all its readers in one moment.
    this.timer = setTimeout(() => this.connect(), wait * (0.75 + Math.random() / 2));
  }

  close() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.source?.close();
    this.source = null;
  }

  receive(message) {
    this.position = message.id;
    this.recent.push(message);
    if (this.recent.length > KEPT) this.floor = this.recent.shift().id;
    for (const listener of this.listeners.values()) tell(listener, message);
  }

  alarm(alert) {
    this.position = alert.id;
    for (const listener of this.listeners.values()) {
      if (!listener.bot || listener.bot === alert.bot) listener.port.postMessage({ alert: alert.alert_id });
    }
  }

  // Each connection begins with the state of everything: only what is another than before is news.
  compare({ bot, indicators }) {
    const now = indicators.map((one) => `${one.key} ${one.status}`).join("\n");
    const before = this.health.get(bot);
    this.health.set(bot, now);
    if (before === undefined || before === now) return;
    for (const listener of this.listeners.values()) {
      if (!listener.bot || !bot || listener.bot === bot) listener.port.postMessage({ health: bot ?? "" });
    }
  }

  tellState(state) {
    this.state = state;
    for (const { port } of this.listeners.values()) port.postMessage({ state });
  }
}

function tell(listener, message) {
  if (message.id <= listener.lastId) return;
  listener.lastId = message.id;
  if (!listener.bot || listener.bot === message.bot) listener.port.postMessage({ message });
}
