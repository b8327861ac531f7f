// The prediction for a drawing: a digit with ten bars, or a number, and the picture that the network received.

import { showBars } from "./bars.js";
import { element } from "./dom.js";
import { drawCrop, drawStrip } from "./pixels.js";
import { confidenceText } from "./text.js";

const MIN_NUMBER_CONFIDENCE = 0.5; // below it, several characters are a scribble rather than a number
const CROP_HELP = "What the network sees: 28 by 28 pixels, cropped, scaled and centred like MNIST's digits.";
const STRIP_HELP = "A number is cut out, and its digits are read together.";

// Whether to ask for the numbers in the drawing, because it is not clearly one digit.
export function mayBeNumber(digit) {
  return !digit.accepted && digit.reason !== "no digit";
}

// What to show in place of one digit: {value, confidence, accepted, reason, number}; null if the drawing has no number.
// `number` is the API's number, which can be corrected; null if there are several.
export function numberOf(numbers) {
  const isNumber = numbers.flatMap((number) => number.characters).length > 1
    && numbers.every((number) => number.confidence >= MIN_NUMBER_CONFIDENCE);
  if (!isNumber) return null;
  const doubtful = numbers.find((number) => !number.accepted);
  return {
    value: numbers.map((number) => number.value).join(" "),
    confidence: Math.min(...numbers.map((number) => number.confidence)),
    accepted: !doubtful,
    reason: doubtful?.reason ?? null,
    number: numbers.length === 1 ? numbers[0] : null,
  };
}

// Show a digit of the API; null means that nothing is drawn.
export function showDigit(place, bars, digit) {
  const isDigit = digit !== null && digit.is_digit >= 0.5;
  if (!digit) place.replaceChildren(element("span", { class: "hint" }, place.dataset.empty));
  else if (!isDigit) place.replaceChildren(element("strong", {}, "not a digit"));
  else place.replaceChildren(...answer(String(digit.label), digit));
  settle(place, digit && !digit.accepted);
  showBars(bars, digit?.probabilities.map((probability) => probability * digit.is_digit) ?? null, isDigit ? digit.label : null);
  bars.hidden = false;
}

export function showNumber(place, bars, number) {
  place.replaceChildren(...answer(number.value, number));
  settle(place, !number.accepted);
  bars.hidden = true;
}

export function showStale(place) {
  place.classList.add("stale");
  place.setAttribute("aria-busy", "true");
}

// Show that the drawing could not be read, in place of any older prediction.
export function showFailure(place, bars, message) {
  showDigit(place, bars, null);
  place.replaceChildren(element("span", { class: "doubt" }, `Not read: ${message}`));
}

// Show the network's input in a canvas, with an explanation: the crop of a digit, or the strip of a single number.
export function showSeen(canvas, help, digit, number = null) {
  const strip = number?.number?.strip;
  canvas.className = strip ? "strip" : "crop large";
  if (strip) drawStrip(canvas, strip);
  else drawCrop(canvas, number ? null : digit?.crop);
  canvas.hidden = number !== null && !strip;
  help.textContent = number ? STRIP_HELP : CROP_HELP;
  const what = number ? number.value : !digit ? "nothing yet" : digit.is_digit >= 0.5 ? `a ${digit.label}` : "not a digit";
  canvas.setAttribute("aria-label", `What the network sees: ${what}`);
}

function answer(value, { confidence, accepted, reason }) {
  return [element("b", {}, value), element("span", {}, `${confidenceText(confidence)} confident${accepted ? "" : `: ${reason}`}`)];
}

function settle(place, isDoubtful) {
  place.className = isDoubtful ? "prediction doubtful" : "prediction";
  place.removeAttribute("aria-busy");
}
