// The drawing pad: one or two networks read the drawing shortly after the pen pauses, and show their layers.

import { addBars } from "../shared/bars.js";
import { element, find } from "../shared/dom.js";
import { Layers } from "../shared/layers.js";
import { NONE, chosen, networkName, startChoice } from "../shared/networks.js";
import { mayBeNumber, numberOf, showDigit, showFailure, showNumber, showSeen, showStale } from "../shared/prediction.js";
import { Strokes } from "../shared/strokes.js";

const BLANK_CROP = btoa("\0".repeat(784));
const NO_LAYERS = "No layers to show: this network has no hidden ones, or was exported with 8 bits.";

let sides; // the elements of each network
let pad;
let picture = null; // read in place of the drawing until something is drawn
let reading; // {digit, numbers, layers}
let whenShown;

// `from` has the functions that read with a network by its name: `digit` and `numbers` from a canvas, `layers` from a crop,
// with the fields of the API. `shown` is called with the digit, or null, and the number that the first network read.
export function startPad(from, shown = (_digit, _number) => {}) {
  [reading, whenShown] = [from, shown];
  sides = ["", "-second"].map((suffix) => {
    const [place, bars, layers, ...names] = ["prediction", "bars", "layers", "draw-name", "layers-name"].map((name) => find(name + suffix));
    addBars(bars);
    return { place, bars, names, roots: [place.parentElement, layers.parentElement], layers: new Layers(layers), requests: 0 };
  });
  pad = new Strokes({ pad: find("pad"), undo: find("pad-undo"), clear: find("pad-clear") }, () => readPicture(null));
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
  side.layers.build([]);
  const request = ++side.requests;
  if (name === NONE) return;
  show(side, null);
  if (name) side.place.replaceChildren(element("span", { class: "hint" }, `Opening the network of ${name} …`));
  try {
    const layers = await reading.layers(BLANK_CROP, name);
    if (request !== side.requests) return; // something was drawn or chosen meanwhile
    build(side, layers);
    show(side, null);
    await read(side);
  } catch (error) {
    if (request !== side.requests) return;
    side.layers.place.replaceChildren(element("p", { class: "hint" }, `Layers are not shown: ${error.message}`));
    if (name) showFailure(side.place, side.bars, error.message);
    else await read(side);
  }
}

async function read(side) {
  const name = chosen(sides.indexOf(side));
  if (name === NONE) return;
  const request = ++side.requests;
  const isLatest = () => request === side.requests; // older answers are ignored
  const canvas = picture ?? pad.drawing();
  if (!canvas) {
    show(side, null);
    side.layers.clear();
    return;
  }
  showStale(side.place);
  try {
    const digit = await reading.digit(canvas, name);
    const number = isLatest() && mayBeNumber(digit) ? numberOf(await reading.numbers(canvas, name)) : null;
    if (!isLatest()) return;
    show(side, digit, number);
    if (number) side.layers.clear();
    else await showLayers(side, digit, name, isLatest);
  } catch (error) {
    if (!isLatest()) return;
    show(side, null);
    showFailure(side.place, side.bars, error.message);
  }
}

// Layers are optional: the digit is shown even if they can't be.
async function showLayers(side, digit, name, isLatest) {
  const found = await reading.layers(digit.crop, name).catch(() => null);
  if (!found || !isLatest()) return;
  if (side.layers.maps.length !== found.length) build(side, found);
  side.layers.show(found);
}

function build(side, layers) {
  side.layers.buildAs(layers);
  if (!layers.length) side.layers.place.replaceChildren(element("p", { class: "hint" }, NO_LAYERS));
}

function show(side, digit, number = null) {
  if (number) showNumber(side.place, side.bars, number);
  else showDigit(side.place, side.bars, digit);
  if (side !== sides[0]) return;
  showSeen(find("seen"), find("seen-help"), digit, number);
  whenShown(digit, number);
}
