// Shows the buttons that copy something. Without this file people select the text.

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  // Browsers offer the clipboard on HTTPS and on the machine itself only.
  if (!source || !navigator.clipboard) continue;
  button.classList.add("is-ready");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = button.dataset.copied;
  });
}
