// The prediction for a drawing: the digit with ten bars, or the number, and the crop that the network saw.

import { confidenceText, drawCrop, drawStrip, percent } from "./api.js";
import { element } from "./dom.js";

const LIKELY = 0.5; // confidence from which what stands beside each other is a number rather than a scrawl
const CROP = "What the network sees: 28 by 28 pixels, cropped, scaled and centred like MNIST's digits.";
const STRIP = "A number is cut out, and its digits are read together.";

// Add ten bars to a list.
export function addBars(list) {
  for (let digit = 0; digit < 10; digit++) {
    list.append(element("li", {}, element("span", {}, String(digit)),
      element("span", { class: "track", "aria-hidden": "true" }, element("i")), element("span", { class: "percent" }, "–")));
  }
}

// Whether it is worth asking for the numbers in the drawing, because it is not clearly one digit.
export function mayBeNumber(digit) {
  return !digit.accepted && digit.reason !== "no digit";
}

// The number that a drawing's lines are, in place of one digit: {value, confidence, accepted, reason, line}; null if they are
// none. `line` is the only line, which can be corrected; null where there are several.
export function numberOf(lines) {
  const isNumber = lines.reduce((sum, line) => sum + line.characters.length, 0) > 1 && lines.every((line) => line.confidence >= LIKELY);
  if (!isNumber) return null;
  const confidence = Math.min(...lines.map((line) => line.confidence));
  const doubtful = lines.find((line) => !line.accepted);
  return {
    value: lines.map((line) => line.value).join(" "), confidence, accepted: !doubtful, reason: doubtful?.reason ?? null,
    line: lines.length === 1 ? lines[0] : null,
  };
}

// Show in `place` what was read; `digit` comes from the API, and null means that nothing is drawn.
export function showDigit(place, bars, digit) {
  const isDigit = digit !== null && digit.is_digit >= 0.5;
  if (!digit) place.replaceChildren(element("span", { class: "hint" }, "Draw a digit or a number."));
  else if (!isDigit) place.replaceChildren(element("strong", {}, "not a digit"));
  else place.replaceChildren(...answer(String(digit.label), digit));
  settle(place, digit && !digit.accepted);
  [...bars.children].forEach((row, i) => {
    const share = digit ? digit.probabilities[i] * digit.is_digit : 0;
    row.querySelector("i").style.setProperty("--share", percent(share, 1));
    row.querySelector(".percent").textContent = digit ? percent(share, 1) : "–";
    row.className = isDigit && digit.label === i ? "best" : "";
  });
  bars.hidden = false;
}

// Show a number in place of one digit; bars would say nothing.
export function showNumber(place, bars, number) {
  place.replaceChildren(...answer(number.value, number));
  settle(place, !number.accepted);
  bars.hidden = true;
}

// What is shown is of an older drawing, until the new one is read.
export function showStale(place) {
  place.classList.add("stale");
  place.setAttribute("aria-busy", "true");
}

// The drawing could not be read; nothing older stays.
export function showFailure(place, bars, message) {
  showDigit(place, bars, null);
  place.replaceChildren(element("span", { class: "doubt" }, `Not read: ${message}`));
}

// Show the pixels that were seen in a canvas, with a text beside it: of a digit the crop, of a number its strip, if there is one.
export function showSeen(canvas, help, digit, number = null) {
  const strip = number?.line?.strip;
  canvas.className = strip ? "strip" : "crop large";
  if (strip) drawStrip(canvas, strip);
  else {
    [canvas.width, canvas.height] = [28, 28];
    drawCrop(canvas, number ? null : digit?.crop);
  }
  canvas.hidden = number !== null && !strip;
  help.textContent = number ? STRIP : CROP;
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
