// Corrections: choose one of ten digits or "not a digit"; the server stores it, and it can be undone.

import { ask, confidenceText, drawCrop, nameOf } from "./api.js";
import { element, find, notify, trying } from "./dom.js";

// Add eleven buttons to an element; `chosen` is called with 0 to 9, or null for "not a digit".
export function choices(parent, chosen) {
  for (let digit = 0; digit < 10; digit++) {
    parent.append(element("button", { type: "button", onclick: () => chosen(digit) }, String(digit)));
  }
  parent.append(element("button", { type: "button", onclick: () => chosen(null) }, "not a digit"));
}

// Store one correction; returns it as stored.
export async function store(correction, undone = () => {}) {
  const response = await ask("v1/corrections", { method: "POST", json: { corrections: [correction] } });
  const [stored] = response.corrections;
  const undo = () => trying(async () => {
    await ask(`v1/corrections/${stored.id}`, { method: "DELETE" });
    undone();
    notify("Undone.");
  });
  notify(`Saved as ${nameOf(stored.label)}. You have ${response.count} correction${response.count === 1 ? "" : "s"}.`, { name: "Undo", do: undo });
  return stored;
}

let resolveDialog = null;

// Ask in a dialog what a character is; gives {label}, or null if the dialog was cancelled.
export function askLabel(character) {
  const dialog = find("correct");
  drawCrop(find("correct-crop"), character.crop);
  find("correct-prediction").textContent = `The reader sees ${character.label}, ${confidenceText(character.confidence)} confident.`;
  dialog.showModal();
  return new Promise((done) => { resolveDialog = done; });
}

function close(result) {
  const done = resolveDialog;
  resolveDialog = null;
  find("correct").close();
  done?.(result);
}

choices(find("correct-choices"), (label) => close({ label }));
find("correct-cancel").addEventListener("click", () => close(null));
find("correct").addEventListener("cancel", () => { const done = resolveDialog; resolveDialog = null; done?.(null); });
find("correct").addEventListener("keydown", (event) => {
  if (/^[0-9]$/.test(event.key)) close({ label: Number(event.key) });
});
