// Keeps the live part of a batch's page fresh. Without this file the page works the
// same; its Refresh link does by hand what happens here every two seconds.

const PERIOD_MS = 2000;
const WORST_PERIOD_MS = 30000;

let period = PERIOD_MS;

async function refresh() {
  const part = document.querySelector("[data-live-url]");
  if (!part) return;
  if (document.hidden) {
    document.addEventListener("visibilitychange", refresh, { once: true });
    return;
  }
  try {
    const reply = await fetch(part.dataset.liveUrl, {
      headers: { Accept: "text/html" },
      redirect: "error",
    });
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    const fresh = new DOMParser()
      .parseFromString(await reply.text(), "text/html")
      .querySelector(".live-part");
    if (!fresh) throw new Error("no live part");
    if (!fresh.dataset.liveUrl) {
      // It has ended: rows, files and receipts are on the whole page.
      location.reload();
      return;
    }
    replace(part, document.adoptNode(fresh));
    period = PERIOD_MS;
  } catch {
    period = Math.min(period * 2, WORST_PERIOD_MS);
  }
  setTimeout(refresh, period);
}

function replace(part, fresh) {
  // A person who is on the link, or reads a scrolled table, stays where they are.
  const held = part.contains(document.activeElement) && document.activeElement.id;
  const scrolled = part.querySelector(".table-scroll")?.scrollLeft ?? 0;
  part.replaceWith(fresh);
  if (held) document.getElementById(held)?.focus({ preventScroll: true });
  const table = fresh.querySelector(".table-scroll");
  if (table) table.scrollLeft = scrolled;
}

setTimeout(refresh, PERIOD_MS);
