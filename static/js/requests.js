// How requests of htmx behave on every page.

const isPoll = (element) => element.matches('[hx-trigger^="every"]');

// Nobody looks at a page in the background: it asks again when it is seen.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && isPoll(event.detail.elt)) event.preventDefault();
});

// A login that has ended shows the login page, not a piece of it within this one.
document.addEventListener("htmx:beforeSwap", (event) => {
  const address = event.detail.xhr.responseURL;
  if (address && new URL(address).pathname === "/login") {
    event.detail.shouldSwap = false;
    location.reload();
  }
});

// Who reads a scrolled table stays where they are.
let scrolled = new Map();
document.addEventListener("htmx:beforeSwap", () => {
  const tables = document.querySelectorAll(".table-scroll[id]");
  scrolled = new Map([...tables].map((one) => [one.id, one.scrollLeft]));
});
document.addEventListener("htmx:afterSwap", () => {
  for (const [id, left] of scrolled) {
    const table = document.getElementById(id);
    if (table) table.scrollLeft = left;
  }
});
