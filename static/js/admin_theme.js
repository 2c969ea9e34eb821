// One choice of theme for the console and Django's admin: the console's cookie keeps it.
// Django's own script runs next, and looks for a choice in the browser's store.

{
  const choice = document.querySelector('meta[name="theme-choice"]');
  localStorage.setItem("theme", choice.content === "system" ? "auto" : choice.content);

  document.addEventListener("click", (event) => {
    if (!event.target.closest(".theme-toggle")) return;
    const theme = localStorage.getItem("theme");
    const body = new URLSearchParams({ theme: theme === "auto" ? "system" : theme });
    fetch(choice.dataset.address, { method: "POST", body, redirect: "manual" });
  });
}
