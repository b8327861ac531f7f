// The view Draw: the server reads the drawing, and a person can correct the result.

import { askText, digitButtons, storeDigit, storeNumber } from "../correct/correct.js";
import { ask } from "../shared/api.js";
import { find, notify, trying } from "../shared/dom.js";
import { chosen, ofNetwork, offerRuns } from "../shared/networks.js";
import { pngOf } from "../shared/pixels.js";
import { nameOf } from "../shared/text.js";
import { startPad } from "./pad.js";

const reading = {
  digit: async (canvas, name) => (await numbersOf(canvas, "one=true&", name))[0].digit,
  numbers: (canvas, name) => numbersOf(canvas, "", name),
  layers: async (crop, name) => (await ask(`v1/layers?${ofNetwork(name)}`, { method: "POST", json: { crop } })).layers,
};

let last; // the first network's {digit, number}; `number` is null for a single digit
let pad;

export function startDrawing() {
  digitButtons(find("draw-correct"), correct);
  find("correct-number").addEventListener("click", correctNumber);
  pad = startPad(reading, (digit, number) => {
    last = { digit, number };
    find("draw-correct").hidden = !digit || digit.reason === "no digit" || number !== null;
    find("correct-number").hidden = !number?.number;
  });
}

export function showDrawing() {
  return trying(offerRuns);
}

async function numbersOf(canvas, options, name) {
  const response = await ask(`v1/read?${options}crops=true${ofNetwork(name)}`, { method: "POST", body: pngOf(canvas), headers: { "content-type": "image/png" } });
  return response.pages[0].numbers;
}

function correct(label) {
  const { digit } = last;
  const read = digit.is_digit >= 0.5 ? digit.label : null;
  storing(async () => {
    // What a run's network predicted is not a mistake of the reader.
    await storeDigit({ crop: digit.crop, label, predicted: chosen(0) ? null : read, source: "draw" });
    if (label === read) notify(`Saved: ${nameOf(label)} is right.`);
  });
}

async function correctNumber() {
  const { number } = last.number;
  const text = await askText(number);
  if (text !== null) storing(() => storeNumber({ strip: number.strip, text, predicted: number.value, source: "picture" }));
}

// Clear the pad at once, so that the next drawing can begin; a failure brings the drawing back.
function storing(work) {
  const drawn = pad.strokes;
  pad.clear();
  find("pad").focus(); // and scroll to it
  return trying(async () => {
    try {
      await work();
    } catch (error) {
      if (!pad.strokes.length) pad.replace(drawn);
      pad.repaint();
      throw error;
    }
  });
}
