// The bars of heartbeats: pointing at a slot, tapping it, or the arrow keys tell its times and what was in it.

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

let chosen = { bar: "", index: -1 };

export function start() {
  const rest = new WeakMap();

  function tell(bar, index) {
    const words = document.getElementById(bar.getAttribute("aria-describedby"));
    if (!rest.has(words)) rest.set(words, words.textContent);
    bar.querySelector(".beat-chosen")?.classList.remove("beat-chosen");
    const slot = bar.children[index];
    slot?.classList.add("beat-chosen");
    words.textContent = slot ? slot.title : rest.get(words);
  }

  const barOf = (event) => event.target.closest?.(".beats");
  const place = (slot) => [...slot.parentElement.children].indexOf(slot);

  for (const kind of ["pointerover", "pointerdown"]) {
    document.addEventListener(kind, (event) => {
      const slot = event.target.closest?.(".beats > .beat");
      if (slot) tell(slot.parentElement, place(slot));
    });
  }
  document.addEventListener("pointerout", (event) => {
    const bar = barOf(event);
    // A finger that is lifted leaves what it has chosen.
    if (bar && event.pointerType === "mouse" && !bar.contains(event.relatedTarget)) tell(bar, -1);
  });
  document.addEventListener("keydown", (event) => {
    const bar = barOf(event);
    if (!bar || !(event.key in STEPS)) return;
    event.preventDefault();
    const last = bar.children.length - 1;
    const from = chosen.bar === bar.id && chosen.index >= 0 ? chosen.index : last + (event.key === "ArrowLeft" ? 1 : 0);
    chosen = { bar: bar.id, index: Math.min(Math.max(from + STEPS[event.key], 0), last) };
    tell(bar, chosen.index);
  });
  document.addEventListener("focusout", (event) => {
    const bar = barOf(event);
    if (!bar?.isConnected) return;
    chosen = { bar: "", index: -1 };
    tell(bar, -1);
  });
  // A refresh has replaced the bar and given its successor the focus.
  document.addEventListener("focusin", (event) => {
    const bar = barOf(event);
    if (bar && chosen.bar === bar.id) tell(bar, chosen.index);
  });
}
