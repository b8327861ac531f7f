// Reads numbers and digits; read/reader.py in JavaScript.

import { findDigit, openPage } from "./find.js";
import { openFinder } from "./finder.js";
import { judge } from "./judge.js";
import { picturesOf } from "./layers.js";
import { openLines } from "./line_network.js";
import { openDigits } from "./network.js";
import { commonMark } from "./numbers.js";
import { readings } from "./reading.js";
import { startRuntime } from "./runtime.js";

let packed;
let digits;
let opened;

// `given` holds the runtime and the networks, packed, and what is known of them.
export async function openReader(given) {
  packed = given;
  await startRuntime(packed.runtime, packed.wasm);
  digits = await openDigits(packed.network, packed.model);
  packed.runtime = packed.wasm = packed.network = null;
}

// The digit in a grey picture of one, with the fields of the API.
export async function readDigit(picture) {
  const { crop, alone } = findDigit(picture);
  const [{ digits: probabilities, isDigit }] = await digits([crop]);
  const label = probabilities.indexOf(Math.max(...probabilities));
  const seen = crop.some(Boolean) ? isDigit : 0;
  const confidence = probabilities[label] * seen;
  const reason = reasonOf(crop, probabilities, seen, confidence) ?? (alone ? null : "more than one digit");
  return {
    label, probabilities, confidence, reason, is_digit: seen, accepted: reason === null, crop: btoa(String.fromCharCode(...crop)),
  };
}

// What each hidden layer answers to a crop, in base64.
export async function readLayers(crop) {
  return picturesOf(await digits.layers(Uint8Array.from(atob(crop), (character) => character.charCodeAt(0))));
}

function reasonOf(crop, probabilities, isDigit, confidence) {
  if (!crop.some(Boolean)) return "no digit";
  if (isDigit < 0.5) return "not a digit";
  if (confidence >= packed.model.threshold) return null;
  const likely = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 3);
  const others = likely.filter((digit) => probabilities[digit] > 0.05);
  return others.length > 1 ? `may be ${others.join(" or ")}` : "may be no digit";
}

// The numbers of a grey page, with the fields of the API; `progress` is told the share that is done, from 0 to 1.
export async function readPage(picture, progress) {
  const { finder, lines, trust, own, untaught } = packed.numbers;
  opened ??= Promise.all([openFinder(finder), openLines(lines), untaught && openDigits(untaught, packed.model)]);
  const networks = await opened;
  const grey = openPage(picture);
  const found = await readings({ finder: networks[0], lines: networks[1], untaught: networks[2], digits, own }, grey, progress);
  const mark = commonMark(found.map(({ text }) => text));
  const scale = picture.width / grey.width;
  return { size: [picture.width, picture.height], lines: found.map((reading) => judge(reading, trust, mark, scale)) };
}
