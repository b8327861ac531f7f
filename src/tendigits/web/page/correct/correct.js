// Corrections: the server stores the right digit or the right text of a number, which can be undone.

import { ask } from "../shared/api.js";
import { element, find, notify, trying } from "../shared/dom.js";
import { drawStrip } from "../shared/pixels.js";
import { confidenceText, nameOf, plural } from "../shared/text.js";

const STRIP_PIXELS_PER_CHARACTER = 8; // at least

// Add a button for each digit and one for "not a digit"; `chosen` is called with 0 to 9 or null.
export function digitButtons(parent, chosen) {
  for (const label of [...Array(10).keys(), null]) {
    parent.append(element("button", { type: "button", onclick: () => chosen(label) }, nameOf(label)));
  }
}

// Store the right digit; returns the correction as stored.
export async function storeDigit(correction, undone = () => {}) {
  const response = await ask("v1/corrections", { method: "POST", json: { corrections: [correction] } });
  const [stored] = response.corrections;
  announce(`Saved as ${nameOf(stored.label)}. You have ${plural(response.count, "correction")}.`, `v1/corrections/${stored.id}`, undone);
  return stored;
}

// Store the right text of a number; an empty one means that it is not a number.
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

// Ask in a dialog for the right text of a number; null if the dialog was cancelled. The character at `index`, or all of the
// text, is selected, so that typing replaces it.
export function askText(number, index = null) {
  const dialog = find("correct");
  const input = find("correct-text");
  drawStrip(find("correct-strip"), number.strip);
  const { value, confidence } = number.original ?? number;
  find("correct-prediction").textContent = `The reader sees ${value}, ${confidenceText(confidence)} confident.`;
  input.value = number.corrected ?? value;
  input.maxLength = find("correct-strip").width / STRIP_PIXELS_PER_CHARACTER;
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
find("correct").addEventListener("cancel", () => close(null)); // Escape
