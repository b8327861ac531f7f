// A drawing goes through the networks as they learn: bars, the units of each layer, and what a unit responds to.

import { ask } from "../shared/api.js";
import { announce, element, find, trying } from "../shared/dom.js";
import { Layers } from "../shared/layers.js";
import { cropCanvas, drawCrop, drawWeights, pngOf } from "../shared/pixels.js";
import { addBars, showBars } from "../shared/prediction.js";
import { Strokes } from "../shared/strokes.js";
import { confidenceText } from "../shared/text.js";

const SENT_SIDE = 160; // pixels; the server would shrink a larger picture to this

let pad;
let isAsking = false; // one request at a time; the newest drawing comes next
let isStale = false;
let hasNetworks;
let shown = null; // the unit that is shown: {network, layer, unit}
const layers = {};
const shapes = {}; // network -> units of its layers, as text

export function startDrawing(ready) {
  hasNetworks = ready;
  for (const name of ["a", "b"]) {
    layers[name] = new Layers(find(`play-layers-${name}`), (layer, unit) => showUnit(name, layer, unit));
    addBars(find(`play-bars-${name}`));
  }
  pad = new Strokes(find, "play-pad", askAgain, 0);
  drawCrop(find("play-seen"), null);
}

// Show a new network, whose hidden layers have these numbers of units; null if the network is gone.
export function setLayers(name, units) {
  const shape = String(units);
  if (shapes[name] === shape) return;
  shapes[name] = shape;
  layers[name].build((units ?? []).map((count, i) =>
    ({ name: `Hidden layer ${i + 1}: ${count} units`, count, columns: Math.min(count, count > 64 ? 32 : 16) })));
  if (shown?.network === name) closeUnit();
}

// Ask for new predictions, because the drawing or the networks have changed.
export function askAgain() {
  isStale = true;
  if (!isAsking) trying(askUntilFresh);
}

async function askUntilFresh() {
  isAsking = true;
  try {
    while (isStale) {
      isStale = false;
      const canvas = pad.drawing(SENT_SIDE);
      const request = { method: "POST", body: pngOf(canvas), headers: { "content-type": "image/png" } };
      const { crop, networks } = canvas && hasNetworks() ? await ask("v1/play/draw", request) : { crop: null, networks: {} };
      drawCrop(find("play-seen"), crop);
      show(networks, canvas && !hasNetworks() ? "Train, or take a step: there is no network yet." : "Draw a digit.");
    }
  } finally {
    isAsking = false;
  }
}

function show(networks, hint) {
  const predictions = [];
  for (const name of ["a", "b"]) {
    const found = networks[name];
    const best = found ? found.probabilities.indexOf(Math.max(...found.probabilities)) : null;
    showBars(find(`play-bars-${name}`), found?.probabilities ?? null, best);
    if (found) {
      layers[name].show(found.layers);
      predictions.push(`${name.toUpperCase()} reads ${best}, ${confidenceText(found.probabilities[best])}`);
    } else layers[name].clear();
  }
  announce("play-reads", predictions.length ? `${predictions.join("; ")}.` : hint);
}

function showUnit(network, layer, unit) {
  const asked = { network, layer, unit };
  shown = asked;
  layers[network === "a" ? "b" : "a"].unmark();
  return trying(async () => {
    const found = await ask(`v1/play/networks/${network}/layers/${layer}/units/${unit}`);
    if (shown !== asked) return; // another was selected meanwhile
    find("play-unit").hidden = false;
    find("play-unit-name").textContent = `Network ${network.toUpperCase()}, hidden layer ${layer + 1}, unit ${unit + 1}`;
    find("play-unit-about").textContent = found.is_weights
      ? "Its weights: ink on orange pixels excites it, ink on blue ones holds it back."
      : "Its weights, traced back through the layers below to the pixels (the gradient, averaged over 1,000 test digits): ink on orange pixels excites it, ink on blue ones holds it back.";
    drawWeights(find("play-unit-picture"), found.picture);
    find("play-unit-digits").replaceChildren(...found.digits.map((digit) =>
      element("li", {}, cropCanvas(digit.picture, `a ${digit.label}`), element("span", { class: "hint" }, digit.output.toFixed(2)))));
    find("play-unit-searched").textContent = `Of ${found.searched.toLocaleString("en")} training digits these excite it most; below each, its output.`;
  });
}

export function refreshUnit() {
  if (shown) showUnit(shown.network, shown.layer, shown.unit);
}

export function closeUnit() {
  shown = null;
  find("play-unit").hidden = true;
  for (const name of ["a", "b"]) layers[name].unmark();
}
