// Reads out the hour of a heatmap that is pointed at or touched.

export function start() {
  for (const table of document.querySelectorAll(".heat")) {
    const words = document.getElementById(table.dataset.readout);
    table.addEventListener("pointerover", (event) => {
      words.textContent = event.target.closest("td[title]")?.title ?? words.dataset.rest;
    });
    table.addEventListener("pointerleave", () => {
      words.textContent = words.dataset.rest;
    });
  }
}
