// A file dropped on its zone, and how far an upload is. Without this file the browser's
// own file field takes drops, and the form is sent as a page.

const SIZES = ["B", "KiB", "MiB", "GiB"];

function size(bytes) {
  const step = Math.min(SIZES.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 1024 ** step).toFixed(step ? 1 : 0)} ${SIZES[step]}`;
}

const fileOf = (form) => form.querySelector("input[type=file]")?.files[0];

function tell(input) {
  const file = input.files[0];
  const most = Number(input.form.dataset.bytesMax);
  const isTooLarge = file !== undefined && file.size > most;
  input.setCustomValidity(isTooLarge ? `A file may have ${size(most)} at most; split it.` : "");
  const chosen = input.closest(".drop-zone").querySelector("[data-chosen]");
  chosen.textContent = file ? `${file.name}, ${size(file.size)}` : "";
  if (isTooLarge) input.reportValidity();
}

document.addEventListener("change", (event) => {
  if (event.target.matches?.(".drop-zone input[type=file]")) tell(event.target);
});

for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const zone = event.target.closest?.(".drop-zone");
    if (!zone) return;
    zone.classList.toggle("is-over", name === "dragover");
    if (name === "dragleave") return;
    event.preventDefault();
    const input = zone.querySelector("input[type=file]");
    if (name === "drop" && event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
}

// Only the form's own request is an upload; a preview within it is not.
const isUpload = (event) => event.detail.elt?.matches?.("form[data-upload]");

function show(form, text, share) {
  const status = form.querySelector("[data-upload-status]");
  status.hidden = text === "";
  status.querySelector("[data-upload-told]").textContent = text;
  const bar = status.querySelector("progress");
  if (share === undefined) bar.removeAttribute("value");
  else bar.value = share;
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isUpload(event)) return;
  const form = event.detail.elt;
  form.querySelector("[data-upload-end]").textContent = "";
  form.querySelector("button[type=submit]:not([name])").disabled = true;
  const file = fileOf(form);
  if (!file) return;
  show(form, `Sending ${file.name}`, 0);
  event.detail.xhr.upload.addEventListener("progress", ({ loaded, total }) => {
    const share = total ? loaded / total : 0;
    if (share < 1) show(form, `${size(loaded)} of ${size(total)}`, share);
    else show(form, "All sent. Checking every line.");
  });
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!isUpload(event)) return;
  const form = event.detail.elt;
  form.querySelector("button[type=submit]:not([name])").disabled = false;
  show(form, "");
});

document.addEventListener("htmx:sendAbort", (event) => {
  if (!isUpload(event)) return;
  event.detail.elt.querySelector("[data-upload-end]").textContent =
    "Canceled. Nothing was kept.";
});

document.addEventListener("click", (event) => {
  const form = event.target.closest?.("[data-cancels]")?.form;
  if (form) window.htmx.trigger(form, "htmx:abort");
});
