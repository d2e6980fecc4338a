// Times as the reader says them: "5 minutes ago", and clocks in the reader's own zone.

const root = document.documentElement;
const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const wording = new Intl.RelativeTimeFormat("en", { numeric: "always" });

const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

// An account that has chosen its zone keeps it in every browser.
export const zone = root.hasAttribute("data-zone-chosen") ? root.dataset.zone : browserZone;

const clockFormat = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: zone });
const momentFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long", timeZone: zone });
const dayFormat = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeZone: zone });
const shortDayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: zone });

export function relative(iso, now = Date.now()) {
  const seconds = Math.round((now - Date.parse(iso)) / 1000);
  if (seconds < 5) return "just now";
  const [unit, size] = STEPS.find(([, length]) => seconds >= length);
  return wording.format(-Math.floor(seconds / size), unit);
}

// The time of day; another day than today stands before it.
export function clock(iso) {
  const at = new Date(iso);
  const time = clockFormat.format(at);
  return dayFormat.format(at) === dayFormat.format(new Date()) ? time : `${shortDayFormat.format(at)} ${time}`;
}

export function moment(iso) {
  return momentFormat.format(new Date(iso));
}

// Brings every <time> below `part` up to date.
export function tell(part = document) {
  for (const time of part.querySelectorAll("time[data-relative]")) {
    time.textContent = relative(time.dateTime);
    time.title = moment(time.dateTime);
  }
  for (const time of part.querySelectorAll("time[data-clock]")) {
    time.textContent = clock(time.dateTime);
    time.title = moment(time.dateTime);
  }
}

export function start() {
  document.cookie = `tz=${browserZone}; path=/; max-age=31536000; samesite=lax`;
  tell();
  setInterval(tell, 5000);
  document.body.addEventListener("htmx:load", (event) => tell(event.detail.elt.parentElement ?? document));
}

// Whether the server wrote this page for another zone than the reader's, as on a first visit.
export function zoneIsNews() {
  return root.dataset.zone !== zone;
}
