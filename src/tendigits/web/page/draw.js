// The page Draw: the server reads the drawing, and what was read can be corrected.

import { ask, nameOf, pngOf } from "./api.js";
import { askText, choices, store, storeNumber } from "./correct.js";
import { find, notify, trying } from "./dom.js";
import { chosen, ofNetwork, offerRuns } from "./networks.js";
import { startPad } from "./pad.js";

const reading = {
  digit: async (canvas, name) => (await linesOf(canvas, "one=true&", name))[0].digit,
  lines: (canvas, name) => linesOf(canvas, "", name),
  layers: async (crop, name) => (await ask(`v1/layers?${ofNetwork(name)}`, { method: "POST", json: { crop } })).layers,
};

let last; // what the first network read: {digit, number}; the number stands in place of the digit, if there is one
let pad;

export function startDrawing() {
  choices(find("draw-correct"), correct);
  find("correct-number").addEventListener("click", correctNumber);
  pad = startPad(reading, (digit, number) => {
    last = { digit, number };
    find("draw-correct").hidden = !digit || digit.reason === "no digit" || number !== null;
    find("correct-number").hidden = !number?.line;
  });
}

export function showDrawing() {
  return trying(offerRuns);
}

// What is drawn, as one digit or as a page of numbers.
async function linesOf(canvas, how, name) {
  const response = await ask(`v1/read?${how}crops=true${ofNetwork(name)}`, { method: "POST", body: pngOf(canvas), headers: { "content-type": "image/png" } });
  return response.pages[0].numbers;
}

function correct(label) {
  const { digit } = last;
  const read = digit.is_digit >= 0.5 ? digit.label : null;
  storing(async () => {
    // What a run's network read is no mistake of the reader's.
    await store({ crop: digit.crop, label, predicted: chosen(0) ? null : read, source: "draw" });
    if (label === read) notify(`Saved: ${nameOf(label)} is right.`);
  });
}

async function correctNumber() {
  const { line } = last.number;
  const text = await askText(line);
  if (text !== null) storing(() => storeNumber({ strip: line.strip, text, predicted: line.value, source: "picture" }));
}

// The pad is empty at once, so that what is drawn meanwhile is not lost, and has the keyboard; a failure brings the drawing back.
function storing(work) {
  const drawn = pad.clear();
  find("pad").focus(); // which brings it into view
  return trying(async () => {
    try {
      await work();
    } catch (error) {
      pad.restore(drawn);
      throw error;
    }
  });
}
