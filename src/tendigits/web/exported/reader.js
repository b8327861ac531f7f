// Reads single digits; digits/find.py and Reader.digit of read/reader.py in JavaScript, with the fields of the API.

import { bytesOf } from "../page/shared/pixels.js";
import { even } from "./stages/arrays.js";
import { findForeground } from "./stages/foreground.js";
import { openDigits, startRuntime } from "./stages/network.js";
import { FIELD, toMnist } from "./stages/preprocess.js";
import { enlargedSmoothly, shrunk } from "./stages/resize.js";
import { cut, findComponents, hasOthers, mainComponent } from "./stages/segment.js";

const DIGIT_SIDE = 160;
const SMALL_SIDE = 64;
const MIN_ALTERNATIVE = 0.05; // probability from which a doubt names a digit

const networks = new Map(); // name -> {predict, layers, threshold}; the first network also has the name ""

export async function openReader(packed) {
  await startRuntime(packed.runtime, packed.wasm);
  for (const { name, network, model } of packed.networks) {
    const opened = { ...await openDigits(network, model), threshold: model.threshold };
    if (!networks.size) networks.set("", opened);
    networks.set(name, opened);
  }
}

export async function readDigit(name, picture) {
  const { predict, threshold } = networks.get(name);
  const { crop, alone } = findDigit(picture);
  const isBlank = !crop.some(Boolean);
  const { digits: probabilities, isDigit } = await predict(crop);
  const label = probabilities.indexOf(Math.max(...probabilities));
  const is_digit = isBlank ? 0 : isDigit;
  const confidence = probabilities[label] * is_digit;
  let reason = null;
  if (isBlank) reason = "no digit";
  else if (is_digit < 0.5) reason = "not a digit";
  else if (confidence < threshold) reason = doubt(probabilities);
  else if (!alone) reason = "more than one digit";
  return { label, probabilities, confidence, reason, is_digit, accepted: reason === null, crop: btoa(String.fromCharCode(...crop)) };
}

function doubt(probabilities) {
  const likely = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 3);
  const alternatives = likely.filter((digit) => probabilities[digit] > MIN_ALTERNATIVE);
  return alternatives.length > 1 ? `may be ${alternatives.join(" or ")}` : "may be no digit";
}

export function readLayers(name, crop) {
  return networks.get(name).layers(bytesOf(crop));
}

// The digit's crop, 784 bytes, white on black, all 0 if nothing was found; and whether it is the only one.
function findDigit(picture) {
  const foreground = findForeground(scaled(picture));
  const found = foreground && findComponents(foreground);
  const digit = found && mainComponent(found);
  if (!digit) return { crop: new Uint8Array(FIELD * FIELD), alone: true };
  return { crop: toMnist(cut(digit, found, foreground)), alone: !hasOthers(found, digit) };
}

// Shrink a large picture, and enlarge a tiny one, so that thin strokes stay connected.
function scaled(picture) {
  const { width, height } = picture;
  const longest = Math.max(width, height);
  if (longest > DIGIT_SIDE) {
    return shrunk(picture, Math.max(1, even((width * DIGIT_SIDE) / longest)), Math.max(1, even((height * DIGIT_SIDE) / longest)));
  }
  if (longest >= SMALL_SIDE) return picture;
  const times = Math.ceil(SMALL_SIDE / longest);
  return enlargedSmoothly(picture, width * times, height * times);
}
