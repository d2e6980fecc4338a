// Buttons that copy a block of code: <button data-copy="id of the code">.

export function start() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    const copied = await copy(source);
    const said = button.dataset.said ?? button.textContent;
    button.dataset.said = said;
    button.textContent = copied ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (button.textContent = said), 2000);
  });
}

async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Plain http from another machine has no clipboard: the text is selected, one key is left to press.
    getSelection().selectAllChildren(source);
    return false;
  }
}
