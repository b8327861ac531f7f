// The network for single digits: from crops to predictions; digits/network.py in JavaScript.

import { softmax, total } from "./arrays.js";
import { constants } from "./constants.js";
import { openNetwork } from "./runtime.js";

const { BATCH, DOUBTFUL, LEAST, TURN } = constants["digits.network"];
const { FIELD } = constants["data.preprocess"];

// A function from crops, 784 bytes each, to what the network predicts for each: the probability of each digit, given
// that it is one, and the probability of being a digit at all. `about` is what the page knows of the network. Its `layers` is
// a function from a crop to what each hidden layer answers.
export async function openDigits(packed, about) {
  const run = await openNetwork(packed);
  const own = about.output === "probabilities";

  async function logitsOf(crops) {
    const logits = [];
    for (let first = 0; first < crops.length; first += BATCH) {
      const part = crops.slice(first, first + BATCH);
      const x = new Float32Array(part.length * FIELD * FIELD);
      part.forEach((crop, n) => crop.forEach((value, i) => { x[n * FIELD * FIELD + i] = value / 255; }));
      const { data, dims } = await run(x, [part.length, ...about.shape]);
      part.forEach((_, n) => logits.push(Array.from(data.subarray(n * dims[1], (n + 1) * dims[1]),
        (value) => (own ? Math.log(Math.max(value, LEAST)) : value))));
    }
    return logits;
  }

  // Doubtful crops are looked at twice more, rotated either way.
  async function refinedLogits(crops) {
    const logits = await logitsOf(crops);
    if (own) return logits;
    const doubtful = [...logits.keys()].filter((n) => Math.max(...softmax(logits[n]).slice(0, 10)) < DOUBTFUL);
    if (!doubtful.length) return logits;
    const [left, right] = [await logitsOf(doubtful.map((n) => rotated(crops[n], -TURN))), await logitsOf(doubtful.map((n) => rotated(crops[n], TURN)))];
    doubtful.forEach((n, i) => { logits[n] = logits[n].map((logit, k) => (logit + left[i][k] + right[i][k]) / 3); });
    return logits;
  }

  const predict = async (crops) => (await refinedLogits(crops)).map((logits) => {
    const shares = softmax(logits.map((logit) => logit / about.temperature));
    const digits = shares.slice(0, 10);
    const sum = total(digits);
    return { digits: digits.map((share) => share / Math.max(sum, 1e-12)), isDigit: shares.length > 10 ? sum : 1 };
  });
  predict.layers = (crop) => run.layers(Float32Array.from(crop, (value) => value / 255), [1, ...about.shape]);
  return predict;
}

// The crop rotated about its middle, with bilinear interpolation.
function rotated(crop, degrees) {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const middle = (FIELD - 1) / 2;
  const at = (x, y) => (x >= 0 && y >= 0 && x < FIELD && y < FIELD ? crop[y * FIELD + x] : 0);
  const made = new Uint8Array(FIELD * FIELD);
  for (let y = 0; y < FIELD; y++) {
    for (let x = 0; x < FIELD; x++) {
      const [fromX, fromY] = [cos * (x - middle) - sin * (y - middle) + middle, sin * (x - middle) + cos * (y - middle) + middle];
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      const [right, down] = [fromX - left, fromY - top];
      made[y * FIELD + x] = Math.round((1 - down) * ((1 - right) * at(left, top) + right * at(left + 1, top)) +
        down * ((1 - right) * at(left, top + 1) + right * at(left + 1, top + 1)));
    }
  }
  return made;
}
