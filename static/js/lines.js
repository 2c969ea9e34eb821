// Puts the cursor on a line of a text, and words into one. Without this file the links
// lead to the text, and words are typed.
//
// data-goes-to-line is the line's number, in the field that the link leads to;
// data-inserts is what a button puts into the field of the id data-into.

function goTo(field, number) {
  const lines = field.value.split("\n");
  const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
  field.focus();
  field.setSelectionRange(start, start + (lines[number - 1] ?? "").length);
  const height = parseFloat(getComputedStyle(field).lineHeight) || 20;
  field.scrollTop = Math.max(0, (number - 3) * height);
  field.scrollIntoView({ block: "center" });
}

// Where nobody has put the cursor, words go to the end.
const visited = new WeakSet();
document.addEventListener("focusin", (event) => visited.add(event.target));

function insert(field, words) {
  if (!visited.has(field)) field.setSelectionRange(field.value.length, field.value.length);
  field.setRangeText(words, field.selectionStart, field.selectionEnd, "end");
  field.focus();
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-goes-to-line]");
  const field = link && document.querySelector(link.getAttribute("href"));
  if (field) {
    event.preventDefault();
    goTo(field, Number(link.dataset.goesToLine));
    return;
  }
  const button = event.target.closest?.("[data-inserts]");
  if (button) insert(document.getElementById(button.dataset.into), button.dataset.inserts);
});

function prepare(root) {
  for (const button of root.querySelectorAll("[data-inserts]")) button.hidden = false;
}

prepare(document);
document.addEventListener("htmx:load", (event) => prepare(event.target));
