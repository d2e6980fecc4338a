// A page that answered a form takes an address of its own, so that a reload asks for it and sends nothing again.

export function start() {
  const own = document.querySelector("[data-address]");
  if (own) history.replaceState(null, "", own.dataset.address);
}
