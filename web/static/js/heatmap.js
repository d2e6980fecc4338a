// Reads out the hour of the heatmap that is pointed at or touched.

export function start() {
  const words = document.getElementById("heat-readout");
  if (!words) return;
  const table = document.querySelector(".heat");
  table.addEventListener("pointerover", (event) => {
    words.textContent = event.target.closest("td[title]")?.title ?? words.dataset.rest;
  });
  table.addEventListener("pointerleave", () => {
    words.textContent = words.dataset.rest;
  });
}
