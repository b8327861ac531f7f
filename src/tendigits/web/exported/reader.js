// Reads single digits; Reader.digit of read/reader.py in JavaScript, with the fields of the API.

import { bytesOf } from "../page/shared/pixels.js";
import { findDigit } from "../page/shared/stages/find.js";
import { openDigits, startRuntime } from "./network.js";

const MIN_ALTERNATIVE = 0.05; // probability from which a doubt names a digit

const networks = new Map(); // name -> {predict, layers, threshold}; the first network also has the name ""

export async function openReader(packed) {
  await startRuntime(packed.runtime, packed.wasm);
  for (const { name, network, model } of packed.networks) {
    const opened = { ...(await openDigits(network, model)), threshold: model.threshold };
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
  return {
    label,
    probabilities,
    confidence,
    reason,
    is_digit,
    accepted: reason === null,
    crop: btoa(String.fromCharCode(...crop)),
  };
}

function doubt(probabilities) {
  const likely = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 3);
  const alternatives = likely.filter((digit) => probabilities[digit] > MIN_ALTERNATIVE);
  return alternatives.length > 1 ? `may be ${alternatives.join(" or ")}` : "may be no digit";
}

export function readLayers(name, crop) {
  return networks.get(name).layers(bytesOf(crop));
}
