// Writes instants in the reader's own zone; UTC stays in the title. Without this file
// pages show UTC, and the footer says so.

const shown = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

function localize(root) {
  for (const time of root.querySelectorAll("time[data-moment]:not(.is-local)")) {
    time.textContent = shown.format(new Date(time.dateTime));
    time.classList.add("is-local");
  }
}

function tellZone() {
  const zone = shown.resolvedOptions().timeZone;
  for (const place of document.querySelectorAll("[data-zone]")) {
    place.textContent =
      zone === "UTC" ? "Times are in UTC." : `Times are in ${zone}; hover over one for UTC.`;
  }
}

localize(document);
tellZone();
document.addEventListener("htmx:load", (event) => localize(event.target));
