// The page Draw: the drawing is read shortly after the pen pauses, and can be corrected.

import { ask, nameOf } from "./api.js";
import { choices, store } from "./correct.js";
import { find, notify, trying } from "./dom.js";
import { showPrediction, startPrediction } from "./prediction.js";
import { startStrokes } from "./strokes.js";

let requests = 0;
let last = null; // the last prediction
let pad;

export function startPad() {
  startPrediction();
  pad = startStrokes("pad", () => trying(read));
  choices(find("draw-correct"), correct);
  show(null);
}

async function read() {
  const number = ++requests;
  const canvas = pad.drawing();
  if (!canvas) return show(null);
  const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const response = await ask("v1/read?one=true&crops=true", { method: "POST", body: picture, headers: { "content-type": "image/png" } });
  if (number === requests) show(response.pages[0].lines[0].digit); // skip predictions for an older drawing
}

function show(digit) {
  last = digit;
  showPrediction(digit);
  find("draw-correct").hidden = !digit || digit.reason === "no digit";
}

function correct(label) {
  const predicted = last.is_digit >= 0.5 ? last.label : null;
  const { crop } = last;
  const drawn = pad.clear(); // at once, so that a digit drawn meanwhile is not lost
  trying(async () => {
    try {
      await store({ crop, label, predicted, source: "draw" });
    } catch (error) {
      pad.restore(drawn);
      throw error;
    }
    if (label === predicted) notify(`Saved: ${nameOf(label)} is right.`);
  });
}
