// Corrections: choose one of ten digits or "not a digit", or type a number; the server stores it, and it can be undone.

import { ask, confidenceText, drawStrip, nameOf, plural } from "./api.js";
import { element, find, notify, trying } from "./dom.js";

// Add eleven buttons to an element; `chosen` is called with 0 to 9, or null for "not a digit".
export function choices(parent, chosen) {
  for (let digit = 0; digit < 10; digit++) {
    parent.append(element("button", { type: "button", onclick: () => chosen(digit) }, String(digit)));
  }
  parent.append(element("button", { type: "button", onclick: () => chosen(null) }, "not a digit"));
}

// Store one correction of a digit; returns it as stored.
export async function store(correction, undone = () => {}) {
  const response = await ask("v1/corrections", { method: "POST", json: { corrections: [correction] } });
  const [stored] = response.corrections;
  announce(`Saved as ${nameOf(stored.label)}. You have ${plural(response.count, "correction")}.`, `v1/corrections/${stored.id}`, undone);
  return stored;
}

// Store the right text of a number that was read; an empty one says that it is no number.
export async function storeNumber(correction, undone = () => {}) {
  const response = await ask("v1/corrections/numbers", { method: "POST", json: { numbers: [correction] } });
  const [stored] = response.numbers;
  announce(`Saved as ${stored.text || "not a number"}. You have ${plural(response.count, "corrected number")}.`, `v1/corrections/numbers/${stored.id}`, undone);
  return stored;
}

function announce(text, path, undone) {
  const undo = () => trying(async () => {
    await ask(path, { method: "DELETE" });
    undone();
    notify("Undone.");
  });
  notify(text, { name: "Undo", do: undo });
}

let resolveDialog = null;

// Ask in a dialog what stands in a line; gives its text, or null if the dialog was cancelled.
// The character at `index` is selected, so that typing replaces it; without one, all of the number is.
export function askText(line, index = null) {
  const dialog = find("correct");
  const input = find("correct-text");
  drawStrip(find("correct-strip"), line.strip);
  const { value, confidence } = line.original ?? line;
  find("correct-prediction").textContent = `The reader sees ${value}, ${confidenceText(confidence)} confident.`;
  input.value = line.corrected ?? value;
  input.maxLength = find("correct-strip").width / 8;
  dialog.showModal();
  input.focus();
  if (index === null || index >= input.value.length) input.select();
  else input.setSelectionRange(index, index + 1);
  return new Promise((done) => { resolveDialog = done; });
}

function close(text) {
  const done = resolveDialog;
  resolveDialog = null;
  find("correct").close();
  done?.(text);
}

find("correct-form").addEventListener("submit", (event) => { event.preventDefault(); close(find("correct-text").value); });
find("correct-none").addEventListener("click", () => close(""));
find("correct-cancel").addEventListener("click", () => close(null));
find("correct").addEventListener("cancel", () => { const done = resolveDialog; resolveDialog = null; done?.(null); });
