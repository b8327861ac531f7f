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
let networks; // of digits, by their names: {predict, model, own}
let opened;

// `given` holds the runtime and the networks, packed, and what is known of them. The first network has the name "", too.
export async function openReader(given) {
  packed = given;
  await startRuntime(packed.runtime, packed.wasm);
  networks = new Map();
  for (const { name, network, model, own } of packed.networks) {
    const open = { predict: await openDigits(network, model), model, own };
    if (!networks.size) networks.set("", open);
    networks.set(name, open);
  }
  packed.runtime = packed.wasm = packed.networks = null;
}

// The digit in a grey picture of one, with the fields of the API.
export async function readDigit(name, picture) {
  const { predict, model } = networks.get(name);
  const { crop, alone } = findDigit(picture);
  const [{ digits: probabilities, isDigit }] = await predict([crop]);
  const label = probabilities.indexOf(Math.max(...probabilities));
  const seen = crop.some(Boolean) ? isDigit : 0;
  const confidence = probabilities[label] * seen;
  const reason = reasonOf(crop, probabilities, seen, confidence >= model.threshold) ?? (alone ? null : "more than one digit");
  return {
    label, probabilities, confidence, reason, is_digit: seen, accepted: reason === null, crop: btoa(String.fromCharCode(...crop)),
  };
}

// What each hidden layer answers to a crop, in base64.
export async function readLayers(name, crop) {
  return picturesOf(await networks.get(name).predict.layers(Uint8Array.from(atob(crop), (character) => character.charCodeAt(0))));
}

function reasonOf(crop, probabilities, isDigit, isConfident) {
  if (!crop.some(Boolean)) return "no digit";
  if (isDigit < 0.5) return "not a digit";
  if (isConfident) return null;
  const likely = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 3);
  const others = likely.filter((digit) => probabilities[digit] > 0.05);
  return others.length > 1 ? `may be ${others.join(" or ")}` : "may be no digit";
}

// The numbers of a grey page, with the fields of the API; `progress` is told the share that is done, from 0 to 1.
export async function readPage(name, picture, progress) {
  const { finder, lines, trust, untaught } = packed.numbers;
  const { predict, own } = networks.get(name);
  opened ??= Promise.all([openFinder(finder), openLines(lines), untaught && openDigits(untaught, networks.get("").model)]);
  const [finding, reading, before] = await opened;
  const grey = openPage(picture);
  const found = await readings({ finder: finding, lines: reading, untaught: own ? null : before, digits: predict, own }, grey, progress);
  const mark = commonMark(found.map(({ text }) => text));
  const scale = picture.width / grey.width;
  return { size: [picture.width, picture.height], lines: found.map((reading) => judge(reading, trust, mark, scale)) };
}
