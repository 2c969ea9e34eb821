// Shows the buttons that copy something. Without this file people select the text.
//
// data-copy is the id of the element whose text is copied; data-copied what is said then.

const SAID_MS = 2000;

function prepare(root) {
  for (const button of root.querySelectorAll("[data-copy]:not(.is-ready)")) {
    // Browsers offer the clipboard on HTTPS and on the machine itself only.
    if (document.getElementById(button.dataset.copy) && navigator.clipboard) {
      button.classList.add("is-ready");
    }
  }
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.dataset.value ?? source.textContent);
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent;
  label.textContent = button.dataset.copied ?? "Copied";
  button.classList.add("is-copied");
  setTimeout(() => {
    label.textContent = before;
    button.classList.remove("is-copied");
  }, SAID_MS);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy].is-ready");
  if (button) copy(button);
});
prepare(document);
document.addEventListener("htmx:load", (event) => prepare(event.target));
