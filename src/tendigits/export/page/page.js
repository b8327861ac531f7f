// The page: what is drawn is read here, by nobody else.

import { showAnswer, startAnswer } from "./answer.js";
import { trying } from "./dom.js";
import { answerFor, startNetwork } from "./network.js";
import { preparedCrop } from "./prepare.js";
import { drawing, startStrokes } from "./strokes.js";

let model;
let asked = 0;

startAnswer();
startStrokes(() => trying(read));
trying(async () => {
  model = await startNetwork();
  document.documentElement.dataset.ready = "";
  await read();
});

async function read() {
  const number = ++asked;
  const canvas = drawing();
  if (!canvas || !model) return showAnswer(null);
  const digit = await answerFor(cropOfCanvas(canvas), model);
  if (number === asked) showAnswer(digit); // an older answer than what is drawn now is not shown
}

function cropOfCanvas(canvas) {
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const grey = new Uint8Array(width * height);
  // As Pillow makes grey of red, green and blue.
  for (let i = 0; i < grey.length; i++) grey[i] = (19595 * data[4 * i] + 38470 * data[4 * i + 1] + 7471 * data[4 * i + 2] + 32768) >> 16;
  return preparedCrop(grey, width, height);
}
