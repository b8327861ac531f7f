// The page: drawings and pictures are read here, in the browser.

import { readDigit, readLayers, readPage, startReader } from "./client.js";
import { find, trying } from "./dom.js";
import { greyOf } from "./image.js";
import { startLayers } from "./layers.js";
import { startPages } from "./pages.js";
import { addBars, mayBeNumber, numberOf, showDigit, showFailure, showNumber, showSeen, showStale } from "./prediction.js";
import { startReading } from "./read.js";
import { startStrokes } from "./strokes.js";

const BLANK = btoa("\0".repeat(784)); // a crop without a digit

let requests = 0;

addBars(find("bars"));
show(null);
export const pad = startStrokes("pad", read);
const layers = startLayers(find("layers"), null);
startReading();
startPages({ draw: null, read: null });
const started = trying(async () => {
  await startReader();
  await showLayers(BLANK);
  layers.clear();
  find("layers").closest(".card").hidden = !layers.maps.length; // a linear network has none, one of 8 bits does not show them
  document.documentElement.dataset.ready = "";
});

async function read() {
  const request = ++requests;
  const isLatest = () => request === requests; // skip what comes of an older drawing
  const canvas = pad.drawing();
  if (!canvas) {
    layers.clear();
    return show(null);
  }
  showStale(find("prediction"));
  try {
    await started;
    const picture = greyOf(canvas, "white");
    const digit = await readDigit(picture);
    const number = isLatest() && mayBeNumber(digit) ? numberOf((await readPage(picture, () => {})).lines) : null;
    if (!isLatest()) return;
    show(digit, number);
    if (number) layers.clear();
    else await showLayers(digit.crop);
  } catch (error) {
    if (isLatest()) showFailure(find("prediction"), find("bars"), error.message);
  }
}

function show(digit, number = null) {
  if (number) showNumber(find("prediction"), find("bars"), number);
  else showDigit(find("prediction"), find("bars"), digit);
  showSeen(digit, number);
}

async function showLayers(crop) {
  const found = await readLayers(crop);
  if (!layers.maps.length) layers.buildAs(found);
  layers.show(found);
}
