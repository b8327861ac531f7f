// What a person says that the reader had not: ten digits and "not a digit", kept on the server, and undone.

import { ask, drawCrop, nameOf, sure } from "./api.js";
import { element, find, say, trying } from "./dom.js";

// Put eleven buttons into a place, and call `chosen` with 0 to 9, or null for what is no digit.
export function choices(place, chosen) {
  for (let digit = 0; digit < 10; digit++) {
    place.append(element("button", { type: "button", onclick: () => chosen(digit) }, String(digit)));
  }
  place.append(element("button", { type: "button", onclick: () => chosen(null) }, "not a digit"));
}

// Keep one correction; returns it as it is stored.
export async function keep(correction, undone = () => {}) {
  const answer = await ask("v1/corrections", { method: "POST", json: { corrections: [correction] } });
  const [kept] = answer.corrections;
  const undo = () => trying(async () => {
    await ask(`v1/corrections/${kept.id}`, { method: "DELETE" });
    undone();
    say("Undone.");
  });
  say(`Kept as ${nameOf(kept.label)}; ${answer.count} correction${answer.count === 1 ? "" : "s"} now.`, { name: "Undo", do: undo });
  return kept;
}

let answered = null;

// Ask in a dialog what a digit is; null where it is left as it is, else {label}.
export function askWhat(digit) {
  const dialog = find("correct");
  drawCrop(find("correct-crop"), digit.crop);
  const isDigit = digit.is_digit >= 0.5;
  find("correct-said").textContent = isDigit
    ? `It says ${digit.label}, ${sure(digit.confidence)} sure.`
    : "It says that this is not a digit.";
  dialog.showModal();
  return new Promise((done) => { answered = done; });
}

function close(result) {
  const done = answered;
  answered = null;
  find("correct").close();
  done?.(result);
}

choices(find("correct-choices"), (label) => close({ label }));
find("correct-cancel").addEventListener("click", () => close(null));
find("correct").addEventListener("cancel", () => { const done = answered; answered = null; done?.(null); });
find("correct").addEventListener("keydown", (event) => {
  if (/^[0-9]$/.test(event.key)) close({ label: Number(event.key) });
});
