// Tells in a few words how the page's stream is.

const STATES = {
  connecting: ["dot-unknown", "Connecting"],
  live: ["dot-ok dot-pulse", "Live"],
  lost: ["dot-warn", "Connection lost, trying again"],
  resting: ["dot-unknown", "Resting"],
};

export function tellState(part, state) {
  const [dot, words] = STATES[state];
  if (part.dataset.state === state) return;
  part.dataset.state = state;
  part.querySelector(".dot").className = `dot ${dot}`;
  part.querySelector("[data-slot=words]").textContent = words;
}
