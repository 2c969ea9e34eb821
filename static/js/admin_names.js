// Names for what Django's admin leaves without one: readers of screens need them.

function fieldName(element) {
  const row = element.closest(".fieldBox, .form-row, fieldset");
  const label = row?.querySelector("legend, label");
  return label?.textContent.trim().replace(/:$/, "") || "Value";
}

function name() {
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
  for (const head of document.querySelectorAll("th.original:empty")) {
    head.textContent = "Entry";
  }
}

// The admin's own scripts draw fields when the page is ready, and anew when one is used.
new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
name();
