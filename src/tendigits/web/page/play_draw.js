// The digit under the pen goes through the networks as they are now: bars, units of each layer, and what a unit looks for.

import { ask, confidenceText, drawCrop, percent, pngOf } from "./api.js";
import { element, find, trying } from "./dom.js";
import { drawWeights, startLayers } from "./layers.js";
import { startStrokes } from "./strokes.js";

const SIDE = 160; // pixels of the picture that is sent: the server shrinks larger ones to this

let pad;
let isAsking = false; // one request at a time; the newest drawing comes next
let isStale = false;
let canAsk; // whether there is a network to ask
let shown = null; // the unit that is shown: {network, layer, unit}
const layers = {};
const shapes = {}; // network -> units of its layers, as text

// `ready` says whether there is a network that can be asked.
export function startDrawing(ready) {
  canAsk = ready;
  for (const name of ["a", "b"]) {
    layers[name] = startLayers(find(`play-layers-${name}`), (layer, unit) => look(name, layer, unit));
    find(`play-bars-${name}`).replaceChildren(...Array.from({ length: 10 }, (_, digit) => element("li", {}, element("span", {}, String(digit)),
      element("span", { class: "track", "aria-hidden": "true" }, element("i")), element("span", { class: "percent" }, "–"))));
  }
  pad = startStrokes({ pad: find("play-pad"), undo: find("play-pad-undo"), clear: find("play-pad-clear") }, askAgain, 0);
  showCrop(null);
}

// A network was made, with hidden layers of these units; null: it is gone.
export function setLayers(name, units) {
  const shape = String(units);
  if (shapes[name] === shape) return;
  shapes[name] = shape;
  layers[name].build(units ?? []);
  if (shown?.network === name) closeUnit();
}

// Ask what the networks say to the drawing now: it was changed, or they were.
export function askAgain() {
  isStale = true;
  if (!isAsking) trying(askUntilFresh);
}

async function askUntilFresh() {
  isAsking = true;
  try {
    while (isStale) {
      isStale = false;
      const canvas = pad.drawing(SIDE);
      if (!canvas || !canAsk()) {
        showCrop(null);
        show({});
        if (canvas) find("play-reads").textContent = "Train, or take a step: there is no network yet.";
        continue;
      }
      const { crop, networks } = await ask("v1/play/draw", { method: "POST", body: pngOf(canvas), headers: { "content-type": "image/png" } });
      showCrop(crop);
      show(networks);
    }
  } finally {
    isAsking = false;
  }
}

function showCrop(crop) {
  drawCrop(find("play-seen"), crop);
}

function show(networks) {
  const said = [];
  for (const name of ["a", "b"]) {
    const found = networks[name];
    const best = found ? found.probabilities.indexOf(Math.max(...found.probabilities)) : null;
    [...find(`play-bars-${name}`).children].forEach((row, digit) => {
      const share = found?.probabilities[digit] ?? 0;
      row.querySelector("i").style.setProperty("--share", percent(share, 1));
      row.querySelector(".percent").textContent = found ? percent(share, 1) : "–";
      row.className = digit === best ? "best" : "";
    });
    if (found) {
      layers[name].show(found.layers);
      said.push(`${name.toUpperCase()} reads ${best}, ${confidenceText(found.probabilities[best])}`);
    } else layers[name].clear();
  }
  const text = said.length ? `${said.join("; ")}.` : "Draw a digit.";
  if (find("play-reads").textContent !== text) find("play-reads").textContent = text;
}

function look(network, layer, unit) {
  shown = { network, layer, unit };
  const other = network === "a" ? "b" : "a";
  layers[other].mark(null);
  return trying(async () => {
    const found = await ask(`v1/play/networks/${network}/layers/${layer}/units/${unit}`);
    if (shown?.network !== network || shown.layer !== layer || shown.unit !== unit) return; // another was selected meanwhile
    find("play-unit").hidden = false;
    find("play-unit-name").textContent = `Network ${network.toUpperCase()}, hidden layer ${layer + 1}, unit ${unit + 1}`;
    find("play-unit-about").textContent = found.is_weights
      ? "Its weights: ink on orange pixels excites it, ink on blue ones holds it back."
      : "Its weights, traced back through the layers below to the pixels (the gradient, averaged over 1,000 test digits): ink on orange pixels excites it, ink on blue ones holds it back.";
    drawWeights(find("play-unit-picture"), found.picture);
    find("play-unit-digits").replaceChildren(...found.digits.map((digit) => {
      const crop = element("canvas", { class: "crop", width: 28, height: 28, role: "img", "aria-label": `a ${digit.label}` });
      drawCrop(crop, digit.picture);
      return element("li", {}, crop, element("span", { class: "hint" }, digit.output.toFixed(2)));
    }));
    find("play-unit-searched").textContent = `Of ${found.searched.toLocaleString("en")} training digits these excite it most; below each, its output.`;
  });
}

// The networks have changed: look again at the unit that is shown.
export function lookAgain() {
  if (shown) look(shown.network, shown.layer, shown.unit);
}

export function closeUnit() {
  shown = null;
  find("play-unit").hidden = true;
  for (const name of ["a", "b"]) layers[name].mark(null);
}
