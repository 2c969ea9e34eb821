// A file dropped on its zone, and how far an upload is. Without this file the browser's
// own file field takes drops, and the form is sent as a page.

const ALL_SENT = "All sent. Checking every line.";
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

// What is heard is said once, at the beginning and when all is sent: a reader that is told
// every step reads nothing else.
function say(form, text) {
  const heard = form.querySelector("[data-upload-heard]");
  if (heard.textContent !== text) heard.textContent = text;
}

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
  say(form, `Sending ${file.name}, ${size(file.size)}.`);
  event.detail.xhr.upload.addEventListener("progress", ({ loaded, total }) => {
    const share = total ? loaded / total : 0;
    if (share < 1) show(form, `${size(loaded)} of ${size(total)}`, share);
  });
  event.detail.xhr.upload.addEventListener("load", () => {
    show(form, ALL_SENT);
    say(form, ALL_SENT);
  });
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!isUpload(event)) return;
  const form = event.detail.elt;
  form.querySelector("button[type=submit]:not([name])").disabled = false;
  show(form, "");
  say(form, "");
});

// The server may have had all of it before it was told to stop.
document.addEventListener("click", (event) => {
  const form = event.target.closest?.("[data-cancels]")?.form;
  if (!form) return;
  const wasSent = form.querySelector("[data-upload-told]").textContent === ALL_SENT;
  window.htmx.trigger(form, "htmx:abort");
  form.querySelector("[data-upload-end]").textContent = wasSent
    ? "Canceled while it was checked. Nothing is reserved."
    : "Canceled. Nothing was kept.";
  // The button that was pressed is hidden now.
  form.querySelector("button[type=submit]:not([name])").focus();
});
