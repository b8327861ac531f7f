// The page Read: the server reads a picture, and a person can correct its digits.

import { ask } from "./api.js";
import { askLabel, store } from "./correct.js";
import { trying } from "./dom.js";
import { showNumbers, showPicture, startPictures } from "./picture.js";

let page = null; // the response, with corrections since

export function startReading() {
  startPictures((file) => trying(async () => {
    const kind = /^image\/(png|jpeg|webp|tiff|bmp|gif)$/.test(file.type) ? file.type : "application/octet-stream";
    const response = await ask("v1/read?crops=true", { method: "POST", body: file, headers: { "content-type": kind } });
    page = response.pages[0];
    showPicture(file, page, correct);
  }));
}

async function correct(character) {
  const answer = await askLabel(character);
  if (!answer) return;
  const predicted = /^[0-9]$/.test(character.label) ? Number(character.label) : null;
  await trying(async () => {
    await store({ crop: character.crop, label: answer.label, predicted, source: "picture" }, () => { delete character.corrected; updateLines(); });
    character.corrected = answer.label;
    updateLines();
  });
}

// Rebuild the lines from the predictions and the corrections.
function updateLines() {
  for (const line of page.lines) {
    line.original ??= { value: line.value, number: line.number, accepted: line.accepted, confidence: line.confidence, reason: line.reason };
    Object.assign(line, line.original);
    if (!line.characters.some((character) => character.corrected !== undefined)) continue;
    line.value = line.characters.map(({ corrected, label }) => corrected === undefined ? label : corrected ?? "").join("");
    line.number = null; // what a corrected value means, only the reader knows
    line.accepted = line.characters.every((character) => character.corrected !== undefined || character.accepted);
    line.reason = line.accepted ? null : line.original.reason;
    line.confidence = line.characters.reduce((product, { corrected, confidence }) => product * (corrected === undefined ? confidence : 1), 1);
  }
  showNumbers(page, correct);
}
