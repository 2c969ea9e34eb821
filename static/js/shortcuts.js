// Keys that press what is on the page, and the list of them behind "?".
//
// data-shortcut="g b" on a link, button or field says its keys, one after the other.
// What it is called in the list is its data-shortcut-label, aria-label or text. A reader
// who does not want single keys to act turns them off in the list (WCAG 2.1.4).

const NEXT_KEY_MS = 1200;
const OFF = "shortcuts-off";

let typed = [];
let timer = 0;

const list = document.getElementById("shortcuts");
const isOff = () => localStorage.getItem(OFF) === "1";

function isTyping(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function candidates() {
  const open = document.querySelector("dialog[open]");
  return [...(open ?? document).querySelectorAll("[data-shortcut]")].filter(
    (one) => !one.disabled && one.getClientRects().length > 0,
  );
}

function act(one) {
  if (one.matches("input:not([type=checkbox], [type=radio], [type=submit]), textarea, select")) {
    one.focus();
    one.select?.();
  } else {
    one.click();
  }
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "?" && list) {
    event.preventDefault();
    showList();
    return;
  }
  if (isOff() || event.key.length > 1) return;
  clearTimeout(timer);
  timer = setTimeout(() => (typed = []), NEXT_KEY_MS);
  typed.push(event.key);
  const sequence = typed.join(" ");
  const found = candidates();
  const hit =
    found.find((one) => one.dataset.shortcut === sequence) ??
    found.find((one) => one.dataset.shortcut === event.key);
  if (hit) {
    event.preventDefault();
    typed = [];
    act(hit);
  } else if (!found.some((one) => one.dataset.shortcut.startsWith(`${sequence} `))) {
    typed = [event.key];
  }
}

function showList() {
  if (list.open) return;
  const entries = list.querySelector("[data-entries]");
  const rows = candidates().map((one) => {
    const keys = document.createElement("dt");
    for (const key of one.dataset.shortcut.split(" ")) {
      keys.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    }
    const name =
      one.dataset.shortcutLabel ?? one.getAttribute("aria-label") ?? one.textContent.trim();
    return [keys, Object.assign(document.createElement("dd"), { textContent: name })];
  });
  entries.replaceChildren(...rows.flat());
  list.querySelector("[data-shortcuts-on]").checked = !isOff();
  list.showModal();
}

document.addEventListener("keydown", press);
list?.querySelector("[data-shortcuts-on]").addEventListener("change", (event) => {
  if (event.target.checked) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "1");
});
for (const opener of document.querySelectorAll("[data-shows-shortcuts]")) {
  opener.hidden = false;
  opener.addEventListener("click", showList);
}
