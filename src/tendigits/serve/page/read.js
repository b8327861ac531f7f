// The page Read: the server reads a picture, and a person can correct its numbers.

import { ask } from "./api.js";
import { askText, storeNumber } from "./correct.js";
import { trying } from "./dom.js";
import { showForm, startForms } from "./form.js";
import { startPhone } from "./from_phone.js";
import { showGrid, showLine, startGrid } from "./grid.js";
import { showNumbers, showPicture, startPictures } from "./picture.js";

let page = null; // the response, with corrections since

export function startReading() {
  startGrid();
  startForms();
  const open = (file) => trying(async () => {
    const kind = /^(image\/(png|jpeg|webp|tiff|bmp|gif|heic|avif)|application\/pdf)$/.test(file.type) ? file.type : "application/octet-stream";
    const response = await ask("v1/read?crops=true", { method: "POST", body: file, headers: { "content-type": kind } });
    page = response.pages[0];
    showPicture(file, page, correct);
    showGrid(page);
    showForm(file, page);
  });
  startPictures(open);
  trying(() => startPhone(open));
}

async function correct(line, index) {
  const text = await askText(line, index);
  if (text === null) return;
  await trying(async () => {
    const predicted = (line.original ?? line).value;
    await storeNumber({ strip: line.strip, text, predicted, source: "picture" }, () => { change(line, undefined); });
    change(line, text);
  });
}

// Show a corrected text in place of what was read, or what was read again.
function change(line, text) {
  line.original ??= { value: line.value, number: line.number, accepted: line.accepted, confidence: line.confidence, reason: line.reason };
  line.corrected = text;
  // What a corrected value means, only the reader knows.
  Object.assign(line, text === undefined ? line.original : { value: text, number: null, accepted: true, confidence: 1, reason: null });
  showNumbers(page, correct);
  showLine(line);
}
