// The network for single digits: from a crop to a prediction and to pictures of its layers; digits/network.py, layers.py and
// runtime.py in JavaScript, with ONNX Runtime Web in one thread.

import { unpacked } from "../page/shared/pixels.js";
import { least, most, total } from "../page/shared/stages/arrays.js";
import { FIELD } from "../page/shared/stages/preprocess.js";

const MIN_PROBABILITY = 1e-12;
const MIN_CERTAIN_PROBABILITY = 0.9;
const TURN_DEGREES = 7;
const MAX_UNITS_IN_NARROW_ROWS = 64;
const NARROW_ROW = 16;
const WIDE_ROW = 32;

let runtime;

export async function startRuntime(script, wasm) {
  const url = URL.createObjectURL(new Blob([await unpacked(script)], { type: "text/javascript" }));
  runtime = await import(url);
  URL.revokeObjectURL(url);
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = await unpacked(wasm);
}

// Open a packed network; `about` has its output, input shape and temperature. Returns {predict, layers}: functions from a crop,
// 784 bytes, to {digits, isDigit}, the probability of each digit given that it is one, and of being a digit at all; and to the
// hidden layers as pictures; the list is empty if the network's file has no such outputs.
export async function openDigits(packed, about) {
  const session = await runtime.InferenceSession.create(await unpacked(packed), { executionProviders: ["wasm"] });
  const [answer, ...hidden] = session.outputNames;
  const hasProbabilities = about.output === "probabilities"; // a user's network; the reader's gives logits

  async function outputs(crop, names) {
    const input = new runtime.Tensor(
      "float32",
      Float32Array.from(crop, (value) => value / 255),
      [1, ...about.shape],
    );
    const found = await session.run({ [session.inputNames[0]]: input }, names);
    return names.map((name) => found[name]);
  }

  async function logitsOf(crop) {
    const [{ data }] = await outputs(crop, [answer]);
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
    return {
      digits: digits.map((each) => each / Math.max(sum, MIN_PROBABILITY)),
      isDigit: probabilities.length > 10 ? sum : 1,
    };
  }

  const layers = async (crop) => (hidden.length ? picturesOf(await outputs(crop, hidden)) : []);
  return { predict, layers };
}

function softmax(logits) {
  const top = most(logits);
  const raised = logits.map((logit) => Math.exp(logit - top));
  const sum = total(raised);
  return raised.map((value) => value / sum);
}

function rotated(crop, degrees) {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const middle = (FIELD - 1) / 2;
  const at = (x, y) => (x >= 0 && y >= 0 && x < FIELD && y < FIELD ? crop[y * FIELD + x] : 0);
  return crop.map((_, i) => {
    const [x, y] = [(i % FIELD) - middle, Math.floor(i / FIELD) - middle];
    const [fromX, fromY] = [cos * x - sin * y + middle, sin * x + cos * y + middle];
    const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
    const [right, down] = [fromX - left, fromY - top];
    return Math.round(
      (1 - down) * ((1 - right) * at(left, top) + right * at(left + 1, top)) +
        down * ((1 - right) * at(left, top + 1) + right * at(left + 1, top + 1)),
    );
  });
}

// From a layer's numbers and their shape: [1, units], or [1, channels, rows, columns].
function picturesOf(layers) {
  const counts = { convolution: 0, "hidden layer": 0 };
  return layers.map(({ data, dims: [, ...shape] }) => {
    const kind = shape.length === 3 ? "convolution" : "hidden layer";
    const { values, columns } = shape.length === 3 ? tiles(data, shape) : rows(data);
    const [low, high] = [Math.min(least(values), 0), Math.max(most(values), 0)];
    const bytes = Uint8Array.from(values, (value) => Math.round(((value - low) / (high - low || 1)) * 255));
    const size = shape.length === 3 ? shape.join(" x ") : `${data.length} units`;
    return {
      name: `${kind} ${++counts[kind]}: ${size}`,
      columns,
      low,
      high,
      units: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")),
    };
  });
}

function rows(data) {
  const columns = Math.min(data.length, data.length <= MAX_UNITS_IN_NARROW_ROWS ? NARROW_ROW : WIDE_ROW);
  const values = new Float32Array(Math.ceil(data.length / columns) * columns);
  values.set(data);
  return { values, columns };
}

function tiles(data, shape) {
  const [channels, height, width] = shape;
  const across = Math.ceil(Math.sqrt(channels));
  const columns = across * width;
  const values = new Float32Array(Math.ceil(channels / across) * height * columns);
  data.forEach((value, i) => {
    const [channel, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    values[(Math.floor(channel / across) * height + y) * columns + (channel % across) * width + x] = value;
  });
  return { values, columns };
}
