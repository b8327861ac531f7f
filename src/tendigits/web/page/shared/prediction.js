// The prediction for a drawing: a digit with ten bars, or a number; the picture that the network received; and its layers.

import { element } from "./dom.js";
import { Layers } from "./layers.js";
import { bytesOf, drawCrop, drawStrip } from "./pixels.js";
import { confidenceText, percent } from "./text.js";

const MIN_NUMBER_CONFIDENCE = 0.5; // below it, several characters are a scribble rather than a number
const CROP_HELP = "What the network sees: 28 by 28 pixels, cropped, scaled and centred like MNIST's digits.";
const STRIP_HELP = "A number is cut out, and its digits are read together.";
const NO_LAYERS = "No layers to show: this network has no hidden ones, or was exported with 8 bits.";

// Add ten empty bars to a list.
export function addBars(list) {
  for (let digit = 0; digit < 10; digit++) {
    list.append(
      element(
        "li",
        {},
        element("span", {}, String(digit)),
        element("span", { class: "track", "aria-hidden": "true" }, element("i")),
        element("span", { class: "percent" }, "–"),
      ),
    );
  }
}

// Show ten probabilities, or empty bars for null; `best` is the digit to emphasise, or null.
export function showBars(list, probabilities, best = null) {
  [...list.children].forEach((row, digit) => {
    row.querySelector("i").style.setProperty("--fraction", percent(probabilities?.[digit] ?? 0, 1));
    row.querySelector(".percent").textContent = probabilities ? confidenceText(probabilities[digit]) : "–";
    row.className = digit === best ? "best" : "";
  });
}

// Whether to ask for the numbers in the drawing, because it is not clearly one digit.
export function mayBeNumber(digit) {
  return !digit.accepted && digit.reason !== "no digit";
}

// What to show in place of one digit: {value, confidence, accepted, reason, number}; null if the drawing has no number.
// `number` is the API's number, which can be corrected; null if there are several.
export function numberOf(numbers) {
  const isNumber =
    numbers.flatMap((number) => number.characters).length > 1 &&
    numbers.every((number) => number.confidence >= MIN_NUMBER_CONFIDENCE);
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

export class Prediction {
  // `find` finds elements by their ids, which end with `suffix`; the second prediction has no picture of the input.
  constructor(find, suffix = "") {
    this.place = find(`prediction${suffix}`);
    this.bars = find(`bars${suffix}`);
    this.seen = find(`seen${suffix}`);
    this.help = find(`seen-help${suffix}`);
    this.layers = new Layers(find(`layers${suffix}`));
    addBars(this.bars);
  }

  // Show a digit of the API, or a number of `numberOf` in its place; null means that nothing is drawn.
  show(digit, number = null) {
    const isDigit = digit !== null && digit.is_digit >= 0.5;
    const shown = number ?? digit;
    if (number || isDigit) {
      this.place.replaceChildren(
        element("b", {}, number ? number.value : String(digit.label)),
        element(
          "span",
          {},
          `${confidenceText(shown.confidence)} confident${shown.accepted ? "" : `: ${shown.reason}`}`,
        ),
      );
    } else
      this.place.replaceChildren(
        digit ? element("strong", {}, "not a digit") : element("span", { class: "hint" }, this.place.dataset.empty),
      );
    this.place.className = shown && !shown.accepted ? "prediction doubtful" : "prediction";
    this.place.removeAttribute("aria-busy");
    showBars(
      this.bars,
      digit?.probabilities.map((probability) => probability * digit.is_digit) ?? null,
      isDigit ? digit.label : null,
    );
    this.bars.hidden = number !== null;
    if (this.seen)
      this.showSeen(
        digit,
        number,
        number ? number.value : !digit ? "nothing yet" : isDigit ? `a ${digit.label}` : "not a digit",
      );
  }

  // Show the network's input: the crop of a digit, or the strip of a single number.
  showSeen(digit, number, name) {
    const strip = number?.number?.strip;
    this.seen.className = strip ? "strip" : "crop large";
    if (strip) drawStrip(this.seen, strip);
    else drawCrop(this.seen, number ? null : digit?.crop);
    this.seen.hidden = number !== null && !strip;
    this.seen.setAttribute("aria-label", `What the network sees: ${name}`);
    this.help.textContent = number ? STRIP_HELP : CROP_HELP;
  }

  showStale() {
    this.place.classList.add("stale");
    this.place.setAttribute("aria-busy", "true");
  }

  // Show that the drawing could not be read, in place of any older prediction.
  fail(message) {
    this.show(null);
    this.place.replaceChildren(element("span", { class: "doubt" }, `Not read: ${message}`));
  }

  // Make dark pictures for layers of the API; without any, show the reason.
  buildLayers(layers, reason = NO_LAYERS) {
    this.layers.build(
      layers.map(({ name, columns, units }) => ({
        name: name[0].toUpperCase() + name.slice(1),
        columns,
        count: bytesOf(units).length,
      })),
    );
    if (!layers.length) this.layers.place.replaceChildren(element("p", { class: "hint" }, reason));
  }
}
