// Says that something was done, and leaves by itself, unless somebody is about to read or dismiss it.

const LASTS_MS = 6000;

export function start() {
  for (const toast of document.querySelectorAll(".toasts > .toast")) keep(toast);
  for (const button of document.querySelectorAll("[data-toast]")) {
    button.addEventListener("click", () => tell("Something was done.", button.dataset.toast));
  }
}

export function tell(words, state = "ok") {
  const toast = document.getElementById("toast-row").content.firstElementChild.cloneNode(true);
  toast.classList.replace("toast-ok", `toast-${state}`);
  toast.querySelector("[data-slot=words]").textContent = words;
  document.querySelector(".toasts").append(toast);
  keep(toast);
}

function keep(toast) {
  const leave = () => (toast.matches(":hover, :focus-within") ? wait() : toast.remove());
  const wait = () => setTimeout(leave, LASTS_MS);
  toast.querySelector("[data-act=dismiss]").addEventListener("click", () => toast.remove());
  wait();
}
