// Says in passing what happened. The server asks for it with the header
//   HX-Trigger: {"toast": "The row was accepted."}
// and a request of htmx that fails says so by itself.

const SHOWN_MS = 6000;

function say(text) {
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.textContent = text;
  document.getElementById("toasts").append(toast);
  setTimeout(() => toast.remove(), SHOWN_MS);
}

// What refreshes by itself tries again by itself, and need not complain.
const isPoll = (event) => event.detail.elt.matches('[hx-trigger^="every"]');

document.addEventListener("toast", (event) => say(event.detail.value));
document.addEventListener("htmx:sendError", (event) => {
  if (!isPoll(event)) say("The server could not be reached. Check the connection and try again.");
});
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (!isPoll(event)) say(`That did not work (error ${status}). Reload the page and try again.`);
});
