// The drawing pad: one or two networks read the drawing shortly after the pen pauses, and show their layers.

import { element, find } from "../shared/dom.js";
import { NONE, chosen, networkName, startChoice } from "../shared/networks.js";
import { Prediction, mayBeNumber, numberOf } from "../shared/prediction.js";
import { Strokes } from "../shared/strokes.js";

const BLANK_CROP = btoa("\0".repeat(784));

let sides; // of each network: {prediction, names, roots, requests}, where names and roots are elements
let pad;
let picture = null; // read in place of the drawing until something is drawn
let reading; // {digit, numbers, layers}
let whenShown;

// `from` has the functions that read with a network by its name: `digit` and `numbers` from a canvas, `layers` from a crop,
// with the fields of the API. `shown` is called with the digit, or null, and the number that the first network read.
export function startPad(from, shown = (_digit, _number) => {}) {
  [reading, whenShown] = [from, shown];
  sides = ["", "-second"].map((suffix) => {
    const prediction = new Prediction(find, suffix);
    const names = [find(`draw-name${suffix}`), find(`layers-name${suffix}`)];
    return { prediction, names, roots: names.map((name) => name.parentElement), requests: 0 };
  });
  pad = new Strokes(find, "pad", () => readPicture(null));
  startChoice("draw", open);
  for (const side of sides) show(side, null);
  open(0);
  return pad;
}

// Read a picture in place of the drawing; null returns to the drawing.
export function readPicture(given) {
  picture = given;
  sides.forEach(read);
}

// Open the network that was chosen for a side, which may take some seconds for that of a run, and read what is drawn.
async function open(i) {
  const [side, name] = [sides[i], chosen(i)];
  for (const root of side.roots) root.hidden = name === NONE;
  sides.forEach(({ names }, k) => { for (const each of names) each.textContent = chosen(1) === NONE ? "" : networkName(chosen(k)); });
  const { prediction } = side;
  prediction.layers.build([]);
  const request = ++side.requests;
  if (name === NONE) return;
  show(side, null);
  if (name) prediction.place.replaceChildren(element("span", { class: "hint" }, `Opening the network of ${name} …`));
  try {
    const layers = await reading.layers(BLANK_CROP, name);
    if (request !== side.requests) return; // something was drawn or chosen meanwhile
    prediction.buildLayers(layers);
    show(side, null);
    await read(side);
  } catch (error) {
    if (request !== side.requests) return;
    prediction.buildLayers([], `Layers are not shown: ${error.message}`);
    if (name) prediction.fail(error.message);
    else await read(side);
  }
}

async function read(side) {
  const name = chosen(sides.indexOf(side));
  if (name === NONE) return;
  const { prediction } = side;
  const request = ++side.requests;
  const isLatest = () => request === side.requests; // older answers are ignored
  const canvas = picture ?? pad.drawing();
  if (!canvas) {
    show(side, null);
    prediction.layers.clear();
    return;
  }
  prediction.showStale();
  try {
    const digit = await reading.digit(canvas, name);
    const number = isLatest() && mayBeNumber(digit) ? numberOf(await reading.numbers(canvas, name)) : null;
    if (!isLatest()) return;
    show(side, digit, number);
    if (number) {
      prediction.buildLayers([], "Layers are shown for a single digit."); // the next one builds them again
      return;
    }
    const layers = await reading.layers(digit.crop, name).catch(() => null); // the digit is shown even if they can't be
    if (!layers || !isLatest()) return;
    if (prediction.layers.maps.length !== layers.length) prediction.buildLayers(layers);
    prediction.layers.show(layers);
  } catch (error) {
    if (!isLatest()) return;
    show(side, null);
    prediction.fail(error.message);
  }
}

function show(side, digit, number = null) {
  side.prediction.show(digit, number);
  if (side === sides[0]) whenShown(digit, number);
}
