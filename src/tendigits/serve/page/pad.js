// The page Draw: what is drawn is read a moment after the pen pauses, and can be corrected.

import { startAnswer, showAnswer } from "./answer.js";
import { ask, nameOf } from "./api.js";
import { choices, keep } from "./correct.js";
import { find, say, trying } from "./dom.js";
import { clearStrokes, drawing, restoreStrokes, startStrokes } from "./strokes.js";

let asked = 0;
let last = null; // the last answer

export function startPad() {
  startAnswer();
  startStrokes(() => trying(read));
  choices(find("draw-correct"), correct);
  show(null);
}

async function read() {
  const number = ++asked;
  const canvas = drawing();
  if (!canvas) return show(null);
  const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const answer = await ask("v1/read?one=true&crops=true", { method: "POST", body: picture, headers: { "content-type": "image/png" } });
  if (number === asked) show(answer.pages[0].lines[0].digits[0]); // an older answer than what is drawn now is not shown
}

function show(digit) {
  last = digit;
  showAnswer(digit);
  find("draw-correct").hidden = !digit || digit.reason === "no digit";
}

function correct(label) {
  const said = last.is_digit >= 0.5 ? last.label : null;
  const { crop } = last;
  const drawn = clearStrokes(); // at once: who draws the next digit already must not lose it
  trying(async () => {
    try {
      await keep({ crop, label, said, source: "draw" });
    } catch (error) {
      restoreStrokes(drawn);
      throw error;
    }
    if (label === said) say(`Kept: it is right, ${nameOf(label)}.`);
  });
}
