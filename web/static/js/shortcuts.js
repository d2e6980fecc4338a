// Keys for those who like them: "?" tells them all, "/" leads to the search box, "g" and a letter to a page.

const PATIENCE_MS = 1500;
const FIELDS = "input, select, textarea, [contenteditable]";

export function start() {
  const dialog = document.getElementById("shortcuts");
  if (!dialog) return;
  const actions = { "?": () => dialog.showModal(), "/": search };
  let goingSince = -Infinity;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(FIELDS)) return;
    if (document.querySelector("dialog[open]")) return;
    const isGoing = event.timeStamp - goingSince < PATIENCE_MS;
    goingSince = event.key === "g" ? event.timeStamp : -Infinity;
    const act = isGoing ? () => page(event.key)?.click() : actions[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function page(key) {
  return document.querySelector(`[data-key="${CSS.escape(key)}"]`);
}

// On a phone the box is on a page of its own.
function search() {
  const box = document.getElementById("search");
  if (box.checkVisibility()) box.select();
  else location.assign("/search");
}
