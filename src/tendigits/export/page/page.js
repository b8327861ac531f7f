// The page: the drawing is read here, in the browser.

import { trying } from "./dom.js";
import { answerFor, startNetwork } from "./network.js";
import { showPrediction, startPrediction } from "./prediction.js";
import { preprocess } from "./preprocess.js";
import { drawing, startStrokes } from "./strokes.js";

let model;
let requests = 0;

startPrediction();
startStrokes(() => trying(read));
trying(async () => {
  model = await startNetwork();
  document.documentElement.dataset.ready = "";
  await read();
});

async function read() {
  const number = ++requests;
  const canvas = drawing();
  if (!canvas || !model) return showPrediction(null);
  const digit = await answerFor(cropOfCanvas(canvas), model);
  if (number === requests) showPrediction(digit); // skip predictions for an older drawing
}

function cropOfCanvas(canvas) {
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const grey = new Uint8Array(width * height);
  // Pillow's conversion of RGB to grey.
  for (let i = 0; i < grey.length; i++) grey[i] = (19595 * data[4 * i] + 38470 * data[4 * i + 1] + 7471 * data[4 * i + 2] + 32768) >> 16;
  return preprocess(grey, width, height);
}
