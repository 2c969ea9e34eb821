// Changes the theme in place. Without this file the form is posted and the page reloads.

const form = document.querySelector(".theme-switch");

function choose(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of form.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

form?.addEventListener("submit", (event) => {
  if (!event.submitter) return;
  event.preventDefault();
  const body = new URLSearchParams({ theme: event.submitter.value });
  choose(event.submitter.value);
  fetch(form.action, { method: "POST", body, redirect: "manual" });
});
