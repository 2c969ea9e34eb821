// Names for what Django's admin leaves without one: readers of screens need them.

function fieldName(element) {
  const row = element.closest(".fieldBox, .form-row, fieldset");
  const label = row?.querySelector("legend, label");
  return label?.textContent.trim().replace(/:$/, "") || "Value";
}

function columnHead(cell) {
  return cell.closest("table").tHead.rows[0].cells[cell.cellIndex];
}

function nameEntries(table) {
  for (const head of table.querySelectorAll("thead th:empty")) {
    if (head.classList.contains("original")) {
      head.textContent = "Entry";
    } else {
      // The column of a box for deleting, where nothing can be deleted.
      head.replaceWith(document.createElement("td"));
    }
  }
  for (const field of table.querySelectorAll("td :is(input, select, textarea)")) {
    const cell = field.closest("td");
    const column = columnHead(cell).textContent.trim().replace(/\?$/, "");
    const entry = cell.parentElement.sectionRowIndex + 1;
    field.setAttribute("aria-label", `${column}, entry ${entry}`);
  }
}

function name() {
  for (const table of document.querySelectorAll(".tabular table")) {
    nameEntries(table);
    // Wider than a phone, it scrolls by itself: by keys too.
    table.closest("fieldset").tabIndex = 0;
  }
  for (const input of document.querySelectorAll(".datetime input")) {
    const part = input.id.endsWith("_1") ? "time" : "date";
    input.setAttribute("aria-label", `${fieldName(input)}, ${part}`);
  }
  for (const box of document.querySelectorAll(
    ".select2-selection, .select2-selection__rendered",
  )) {
    box.removeAttribute("aria-labelledby");
    box.setAttribute("aria-label", fieldName(box));
  }
  for (const tip of document.querySelectorAll(".help-tooltip[aria-label]")) {
    tip.setAttribute("role", "img");
  }
}

// The admin's own scripts draw fields when the page is ready, and anew when one is used.
new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
name();
