// The page: drawings and pictures are read here, in the browser.

import { readDigit, readsNumbers, startReader } from "./client.js";
import { trying } from "./dom.js";
import { greyOf } from "./image.js";
import { startPages } from "./pages.js";
import { showPrediction, startPrediction } from "./prediction.js";
import { startReading } from "./read.js";
import { startStrokes } from "./strokes.js";

let requests = 0;

startPrediction();
export const pad = startStrokes("pad", () => trying(read));
if (readsNumbers) {
  startReading();
  startPages({ draw: null, read: null });
}
const started = trying(async () => {
  await startReader();
  document.documentElement.dataset.ready = "";
});

async function read() {
  const number = ++requests;
  const canvas = pad.drawing();
  if (!canvas) return showPrediction(null);
  await started;
  const digit = await readDigit(greyOf(canvas, "white"));
  if (number === requests) showPrediction(digit); // skip predictions for an older drawing
}
