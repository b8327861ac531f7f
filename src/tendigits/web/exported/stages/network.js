// The network for single digits: from a crop to a prediction; digits/network.py in JavaScript.

import { softmax, total } from "./arrays.js";
import { MIN_CERTAIN_PROBABILITY, FIELD, MIN_PROBABILITY, TURN_DEGREES } from "./constants.js";
import { openNetwork } from "./runtime.js";

// Open a packed network; `about` has its output, input shape and temperature. Returns {predict, layers}: functions from a crop,
// 784 bytes, to {digits, isDigit}, the probability of each digit given that it is one, and of being a digit at all; and to the
// outputs of the hidden layers.
export async function openDigits(packed, about) {
  const network = await openNetwork(packed);
  const hasProbabilities = about.output === "probabilities"; // a user's network; the reader's gives logits

  async function logitsOf(crop) {
    const { data } = await network.run(inputOf(crop), [1, ...about.shape]);
    return Array.from(data, (value) => (hasProbabilities ? Math.log(Math.max(value, MIN_PROBABILITY)) : value));
  }

  // A doubtful crop is also read rotated to either side.
  async function refinedLogits(crop) {
    const logits = await logitsOf(crop);
    if (hasProbabilities || Math.max(...softmax(logits).slice(0, 10)) >= MIN_CERTAIN_PROBABILITY) return logits;
    const [left, right] = [await logitsOf(rotated(crop, -TURN_DEGREES)), await logitsOf(rotated(crop, TURN_DEGREES))];
    return logits.map((logit, i) => (logit + left[i] + right[i]) / 3);
  }

  async function predict(crop) {
    const probabilities = softmax((await refinedLogits(crop)).map((logit) => logit / about.temperature));
    const digits = probabilities.slice(0, 10);
    const sum = total(digits);
    return { digits: digits.map((each) => each / Math.max(sum, MIN_PROBABILITY)), isDigit: probabilities.length > 10 ? sum : 1 };
  }

  return { predict, layers: (crop) => network.layers(inputOf(crop), [1, ...about.shape]) };
}

const inputOf = (crop) => Float32Array.from(crop, (value) => value / 255);

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
