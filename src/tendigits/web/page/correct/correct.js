// Corrections: the server stores the right digit or the right text of a number, which can be undone.

import { ask } from "../shared/api.js";
import { element, find, notify, trying } from "../shared/dom.js";
import { drawStrip } from "../shared/pixels.js";
import { confidenceText, nameOf, plural } from "../shared/text.js";

const STRIP_PIXELS_PER_CHARACTER = 8; // at least

export function digitButtons(parent, chosen) {
  for (const label of [...Array(10).keys(), null]) {
    parent.append(element("button", { type: "button", onclick: () => chosen(label) }, nameOf(label)));
  }
}

export async function storeDigit(correction) {
  const { count, stored, path } = await store("v1/corrections", "corrections", correction, correction.crop);
  announce(nameOf(stored.label), plural(count, "correction"), path);
}

// Store the right text of a number; an empty one means that it is not a number. Returns the path of the correction, with which `undo` is called.
export async function storeNumber(correction, undo = undoStored) {
  const { count, stored, path } = await store("v1/corrections/numbers", "numbers", correction, correction.strip);
  announce(stored.text || "not a number", plural(count, "corrected number"), path, undo);
  return path;
}

// A new correction of the same picture, such as of a page that a document has twice, replaces the one before: that is deleted then.
const store = (address, kind, correction, picture) => inTurn(async () => {
  const { count, [kind]: [stored] } = await ask(address, { method: "POST", json: { [kind]: [correction] } });
  const path = `${address}/${stored.id}`;
  if (latest[picture]) deleted.add(latest[picture]);
  latest[picture] = path;
  return { count, stored, path };
});

function announce(name, count, path, undo = undoStored) {
  notify(`Saved as ${name}. You have ${count}.`, { name: "Undo", do: () => trying(() => undo(path)) });
}

const latest = {}; // crop or strip -> path of its correction
const deleted = new Set(); // paths of corrections
/** @type {Promise<any>} */
let last = Promise.resolve(); // the request before

/**
 * Make a request after the one before has been answered, so that none deletes what another is just replacing.
 * @type {(request: () => Promise<any>) => Promise<any>}
 */
function inTurn(request) {
  const turn = last.then(request);
  last = turn.catch(() => null);
  return turn;
}

// Delete a stored correction. It is done once: the message, the table and the view Teach may all undo the same one.
export async function undoStored(path) {
  await inTurn(async () => {
    if (deleted.has(path)) return;
    await ask(path, { method: "DELETE" }).catch((error) => { if (error.status !== 404) throw error; }); // another window has undone it
    deleted.add(path);
  });
  notify("Undone.");
}

// Ask in a dialog for the right text of a number, "" for "not a number"; null if the dialog was cancelled. The character at `index`,
// or all of the text, is selected, so that typing replaces it.
export function askText(number, index = null) {
  const [dialog, input] = [find("correct"), find("correct-text")];
  drawStrip(find("correct-strip"), number.strip);
  const { value, confidence } = number.original ?? number;
  find("correct-prediction").textContent = `The reader sees ${value}, ${confidenceText(confidence)} confident.`;
  input.value = number.value;
  input.maxLength = find("correct-strip").width / STRIP_PIXELS_PER_CHARACTER;
  dialog.returnValue = ""; // which Escape leaves as it is
  dialog.showModal();
  input.focus();
  if (index === null || index >= input.value.length) input.select();
  else input.setSelectionRange(index, index + 1);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve({ save: input.value, none: "" }[dialog.returnValue] ?? null), { once: true });
  });
}
