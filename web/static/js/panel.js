// Links marked data-panel show their page's content in a dialog, which htmx fills. Without script they are links.

const LOADING = "panel-loading";
const FAILED = "panel-failed";

export function start() {
  const panel = document.getElementById("panel");
  const body = document.getElementById("panel-body");
  if (!panel) return;
  let openedBy = "";

  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const link = event.detail.elt;
    if (!link.matches("[data-panel]")) return;
    openedBy = link.id;
    document.getElementById("panel-title").textContent = link.dataset.panel;
    show(body, LOADING);
    if (!panel.open) panel.showModal();
  });
  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.body.addEventListener(failure, (event) => {
      if (event.detail.elt.matches("[data-panel]")) show(body, FAILED);
    });
  }
  // The link may have been replaced by a refresh since: find its successor.
  panel.addEventListener("close", () => document.getElementById(openedBy)?.focus());
}

function show(body, template) {
  body.replaceChildren(document.getElementById(template).content.cloneNode(true));
}
