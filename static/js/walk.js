// Moves the focus along the rows of a list: a button with data-walks="1" to the next
// link with data-step, "-1" to the one before. Without this file the buttons stay hidden.

let last = null;

for (const place of document.querySelectorAll("[data-walk]")) place.hidden = false;

document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-step]")) last = event.target;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-walks]");
  if (!button) return;
  const steps = [...document.querySelectorAll("[data-step]")];
  // -1 where nothing was walked to, or a filter took it away.
  const here = steps.indexOf(last);
  const next = here < 0 ? 0 : here + Number(button.dataset.walks);
  steps[Math.min(Math.max(next, 0), steps.length - 1)]?.focus();
});
