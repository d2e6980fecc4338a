// Dialogs that stand in the page already: <button data-dialog="id of the dialog"> opens one, a click beside it closes it.

export function start() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dialog]");
    if (button) document.getElementById(button.dataset.dialog).showModal();
    else if (event.target.matches("dialog")) event.target.close();
  });
}
