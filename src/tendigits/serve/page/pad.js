// The page Draw: one or two networks read the drawing shortly after the pen pauses; what the first one read can be corrected.

import { ask, nameOf } from "./api.js";
import { askText, choices, store, storeNumber } from "./correct.js";
import { element, find, notify, trying } from "./dom.js";
import { startLayers } from "./layers.js";
import { NONE, chosen, networkName, ofNetwork, offerRuns, startChoice } from "./networks.js";
import { addBars, mayBeNumber, numberOf, showDigit, showFailure, showNumber, showSeen, showStale } from "./prediction.js";
import { startStrokes } from "./strokes.js";

const BLANK = btoa("\0".repeat(784)); // a crop without a digit

let sides; // of each network its elements, and what it read last: {digit, number}; the number stands in place of the digit
let pad;

export function startPad() {
  sides = ["", "-beside"].map((suffix) => {
    const [place, bars, layers, ...names] = ["prediction", "bars", "layers", "draw-name", "layers-name"].map((name) => find(name + suffix));
    addBars(bars);
    return { place, bars, names, roots: [place.parentElement, layers.parentElement], layers: startLayers(layers), requests: 0, digit: null, number: null };
  });
  pad = startStrokes("pad", () => { sides.forEach(read); });
  choices(find("draw-correct"), correct);
  find("correct-number").addEventListener("click", correctNumber);
  startChoice("draw", open);
  sides.forEach((side) => show(side, null));
  open(0);
}

export function showPad() {
  return trying(offerRuns);
}

// Another network was chosen for a side. A run's is opened now, which takes some seconds, and read what is drawn.
async function open(i) {
  const [side, name] = [sides[i], chosen(i)];
  for (const root of side.roots) root.hidden = name === NONE;
  sides.forEach(({ names }, k) => { for (const each of names) each.textContent = chosen(1) === NONE ? "" : networkName(chosen(k)); });
  side.layers.build([]);
  if (name === NONE) return;
  const request = ++side.requests;
  show(side, null);
  if (name) side.place.replaceChildren(element("span", { class: "hint" }, `Opening the network of ${name} …`));
  try {
    const { layers } = await layersOf(name, BLANK);
    if (request !== side.requests) return; // something was drawn or chosen meanwhile
    side.layers.buildAs(layers);
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
  const isLatest = () => request === side.requests; // skip what comes of an older drawing
  const canvas = pad.drawing();
  if (!canvas) {
    show(side, null);
    side.layers.clear();
    return;
  }
  showStale(side.place);
  try {
    const body = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const [line] = await linesOf(body, "one=true&", name);
    const number = isLatest() && mayBeNumber(line.digit) ? numberOf(await linesOf(body, "", name)) : null;
    if (!isLatest()) return;
    show(side, line.digit, number);
    if (number) side.layers.clear();
    else await showLayers(side, line.digit, name, isLatest);
  } catch (error) {
    if (!isLatest()) return;
    show(side, null);
    showFailure(side.place, side.bars, error.message);
  }
}

// What is drawn, as one digit or as a page of numbers.
async function linesOf(body, how, name) {
  const response = await ask(`v1/read?${how}crops=true${ofNetwork(name)}`, { method: "POST", body, headers: { "content-type": "image/png" } });
  return response.pages[0].lines;
}

function layersOf(name, crop) {
  return ask(`v1/layers?${ofNetwork(name)}`, { method: "POST", json: { crop } });
}

// Heat maps say nothing where the server can't show layers; the digit is read all the same.
async function showLayers(side, digit, name, isLatest) {
  const found = await layersOf(name, digit.crop).catch(() => null);
  if (!found || !isLatest()) return;
  if (side.layers.maps.length !== found.layers.length) side.layers.buildAs(found.layers);
  side.layers.show(found.layers);
}

function show(side, digit, number = null) {
  Object.assign(side, { digit, number });
  if (number) showNumber(side.place, side.bars, number);
  else showDigit(side.place, side.bars, digit);
  if (side !== sides[0]) return;
  showSeen(digit, number);
  find("draw-correct").hidden = !digit || digit.reason === "no digit" || number !== null;
  find("correct-number").hidden = !number?.line;
}

function correct(label) {
  const { digit } = sides[0];
  const read = digit.is_digit >= 0.5 ? digit.label : null;
  storing(async () => {
    // What a run's network read is no mistake of the reader's.
    await store({ crop: digit.crop, label, predicted: chosen(0) ? null : read, source: "draw" });
    if (label === read) notify(`Saved: ${nameOf(label)} is right.`);
  });
}

async function correctNumber() {
  const { line } = sides[0].number;
  const text = await askText(line);
  if (text !== null) storing(() => storeNumber({ strip: line.strip, text, predicted: line.value, source: "picture" }));
}

// The pad is empty at once, so that what is drawn meanwhile is not lost, and has the keyboard; a failure brings the drawing back.
function storing(work) {
  const drawn = pad.clear();
  find("pad").focus({ preventScroll: true });
  return trying(async () => {
    try {
      await work();
    } catch (error) {
      pad.restore(drawn);
      throw error;
    }
  });
}
