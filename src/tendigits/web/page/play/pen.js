// A drawing goes through the networks as they learn: bars, the units of each layer, and what a unit responds to.

import { find, notifyError, span, trying } from "../shared/dom.js";
import { greyOf } from "../shared/image.js";
import { Layers } from "../shared/layers.js";
import { digitItem, drawCrop, drawWeights } from "../shared/pixels.js";
import { addBars, showBars } from "../shared/prediction.js";
import { toMnist } from "../shared/stages/preprocess.js";
import { Strokes } from "../shared/strokes.js";
import { confidenceText } from "../shared/text.js";
import { tell } from "./news.js";

const DRAWN_SIDE = 112; // pixels to which a drawing is shrunk first
const MAX_GUESS = 0.25; // the probability up to which a network only guesses

let networks;
let pad;
let crop = null; // what is drawn, or a picture in its place: 784 bytes
let isAsking = false; // one request at a time; the newest drawing comes next
let isStale = false;
let shown = null; // the unit that is shown: {network, layer, unit}
const layers = {};
const shapes = {}; // network -> units of its layers, as text

export function startDrawing(all) {
  networks = all;
  for (const name of ["a", "b"]) {
    layers[name] = new Layers(find(`play-layers-${name}`), (layer, unit) => showUnit(name, layer, unit));
    addBars(find(`play-bars-${name}`));
  }
  pad = new Strokes(find, "play-pad", () => see(drawnCrop()), 0);
  drawCrop(find("play-seen"), null);
}

function drawnCrop() {
  const canvas = pad.drawing(DRAWN_SIDE);
  if (!canvas) return null;
  const { pixels, ...size } = greyOf(canvas, "white");
  return toMnist({ ...size, pixels: pixels.map((grey) => 255 - grey) });
}

// Show what the networks see, 784 bytes; null for nothing.
function see(pixels) {
  crop = pixels;
  drawCrop(find("play-seen"), crop);
  askAgain();
}

// Show a picture, 784 bytes, on the pad as if it were drawn.
export function showPicture(pixels) {
  see(pixels);
  const context = pad.pad.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(find("play-seen"), 0, 0, pad.pad.width, pad.pad.height);
}

// What is drawn; null if nothing is.
export const drawing = () => crop;

export function clearDrawing() {
  pad.clear();
}

// Show a new network, whose hidden layers have these numbers of units; null if the network is gone.
export function setLayers(name, units) {
  const shape = String(units);
  if (shapes[name] === shape) return;
  shapes[name] = shape;
  const map = (count, i) => {
    const columns = Math.min(count, count > 64 ? 32 : 16);
    return { name: `Hidden layer ${i + 1}: ${count} units`, count, columns };
  };
  layers[name].build((units ?? []).map(map));
  find("play-layers-hint").hidden = !Object.values(layers).some(({ maps }) => maps.length);
  if (shown?.network === name) closeUnit();
}

// Ask for new predictions, because the drawing or the networks have changed.
export function askAgain() {
  isStale = true;
  if (!isAsking) askUntilFresh().catch((error) => notifyError(error.message));
}

async function askUntilFresh() {
  isAsking = true;
  try {
    while (isStale) {
      isStale = false;
      const [pixels, made] = [crop, Object.entries(networks).filter(([, network]) => network.made)];
      const outputs = pixels ? await Promise.all(made.map(([, network]) => network.ask("draw", { pixels }))) : [];
      show(Object.fromEntries(outputs.map((found, i) => [made[i][0], found])));
    }
  } finally {
    isAsking = false;
  }
}

function show(found) {
  const [texts, news] = [[], []];
  for (const name of ["a", "b"]) {
    const probabilities = found[name]?.at(-1) ?? null; // none of a network that has failed
    const most = Math.max(...(probabilities ?? []));
    const best = probabilities?.indexOf(most);
    showBars(find(`play-bars-${name}`), probabilities, best);
    if (!probabilities) layers[name].clear();
    else {
      layers[name].show(found[name].slice(0, -1));
      news.push(`${name.toUpperCase()} reads ${best}`);
      texts.push(`${news.at(-1)}, ${confidenceText(most)}${most > MAX_GUESS ? "" : ": just a guess"}`);
    }
  }
  find("play-reads").textContent = texts.length ? `${texts.join("; ")}.` : "Draw a digit.";
  if (news.length) tell("reads", `${news.join("; ")}.`);
}

function showUnit(network, layer, unit) {
  const asked = { network, layer, unit };
  shown = asked;
  layers[network === "a" ? "b" : "a"].unmark();
  return trying(async () => {
    const found = await networks[network].ask("unit", { layer, unit });
    if (shown !== asked) return; // another was selected meanwhile
    find("play-unit").hidden = false;
    find("play-unit-name").textContent =
      `Network ${network.toUpperCase()}, hidden layer ${layer + 1}, unit ${unit + 1}`;
    find("play-unit-about").textContent = layer
      ? "Its weights, traced back through the layers below to the pixels (the gradient, averaged over 128 test digits): ink on orange pixels excites it, ink on blue ones holds it back."
      : "What its weights have learned, without their random start: ink on orange pixels excites it, ink on blue ones holds it back.";
    drawWeights(find("play-unit-picture"), found.picture);
    const item = ({ picture, label, output }) => digitItem(picture, label, span(output.toFixed(2), "hint"));
    find("play-unit-digits").replaceChildren(...found.digits.map(item));
    find("play-unit-searched").textContent =
      `Of ${found.searched.toLocaleString("en")} training digits these excite it most; below each, its output.`;
  });
}

// Show the unit of this network anew, if one is shown.
export function refreshUnit(name) {
  if (shown?.network === name) showUnit(name, shown.layer, shown.unit);
}

export function closeUnit() {
  shown = null;
  find("play-unit").hidden = true;
  for (const name of ["a", "b"]) layers[name].unmark();
}
