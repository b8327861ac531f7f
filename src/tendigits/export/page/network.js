// The network, run by ONNX Runtime in this page: from a crop to a prediction, as in read/network.py and read/reader.py.

import { packed } from "./packed.js";

const DOUBTFUL = 0.9; // a likeliest digit below this is checked on two rotated crops
const TURN = 7; // degrees, either way

let runtime;
let session;

// Load the runtime and the network that are packed into this script.
export async function startNetwork() {
  const urls = [];
  const url = (bytes) => {
    urls.push(URL.createObjectURL(new Blob([bytes], { type: "text/javascript" })));
    return urls.at(-1);
  };
  runtime = await import(url(await unpacked(packed.runtime)));
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = await unpacked(packed.wasm);
  session = await runtime.InferenceSession.create(await unpacked(packed.network), { executionProviders: ["wasm"] });
  urls.forEach((each) => URL.revokeObjectURL(each));
  packed.runtime = packed.wasm = packed.network = null;
  return packed.model;
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The prediction for a crop of 784 bytes, with the fields of the API.
export async function answerFor(crop, model) {
  const own = model.output === "probabilities";
  let [logits] = await logitsOf([crop], model);
  if (!own && Math.max(...softmax(logits).slice(0, 10)) < DOUBTFUL) {
    const looks = [logits, ...await logitsOf([rotated(crop, -TURN), rotated(crop, TURN)], model)];
    logits = logits.map((_, i) => (looks[0][i] + looks[1][i] + looks[2][i]) / 3);
  }
  const shares = softmax(logits.map((logit) => logit / model.temperature));
  const isDigit = crop.some(Boolean) ? shares.slice(0, 10).reduce((sum, share) => sum + share) : 0;
  const total = Math.max(1e-12, shares.slice(0, 10).reduce((sum, share) => sum + share));
  const probabilities = shares.slice(0, 10).map((share) => share / total);
  const label = probabilities.indexOf(Math.max(...probabilities));
  const confidence = probabilities[label] * isDigit;
  const reason = reasonOf(crop, probabilities, isDigit, confidence, model.threshold);
  return {
    label, probabilities, confidence, reason, is_digit: isDigit, accepted: reason === null,
    crop: btoa(String.fromCharCode(...crop)),
  };
}

function reasonOf(crop, probabilities, isDigit, confidence, threshold) {
  if (!crop.some(Boolean)) return "no digit";
  if (isDigit < 0.5) return "not a digit";
  if (confidence >= threshold) return null;
  const likely = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]).slice(0, 3);
  const others = likely.filter((digit) => probabilities[digit] > 0.05);
  return others.length > 1 ? `may be ${others.join(" or ")}` : "may be no digit";
}

async function logitsOf(crops, model) {
  const x = new Float32Array(crops.length * 784);
  crops.forEach((crop, n) => crop.forEach((value, i) => { x[n * 784 + i] = value / 255; }));
  const image = new runtime.Tensor("float32", x, [crops.length, ...model.shape]);
  const answer = (await session.run({ image }))[model.output];
  const width = answer.dims[1];
  return crops.map((_, n) => Array.from(answer.data.slice(n * width, (n + 1) * width), (value) =>
    (model.output === "probabilities" ? Math.log(Math.max(value, 1e-12)) : value)));
}

function softmax(logits) {
  const most = Math.max(...logits);
  const raised = logits.map((logit) => Math.exp(logit - most));
  const total = raised.reduce((sum, value) => sum + value);
  return raised.map((value) => value / total);
}

// The crop rotated about its middle, with bilinear interpolation.
function rotated(crop, degrees) {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const at = (x, y) => (x >= 0 && y >= 0 && x < 28 && y < 28 ? crop[y * 28 + x] : 0);
  const made = new Uint8Array(784);
  for (let y = 0; y < 28; y++) {
    for (let x = 0; x < 28; x++) {
      const [fromX, fromY] = [cos * (x - 13.5) - sin * (y - 13.5) + 13.5, sin * (x - 13.5) + cos * (y - 13.5) + 13.5];
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      const [right, down] = [fromX - left, fromY - top];
      made[y * 28 + x] = Math.round((1 - down) * ((1 - right) * at(left, top) + right * at(left + 1, top)) +
        down * ((1 - right) * at(left, top + 1) + right * at(left + 1, top + 1)));
    }
  }
  return made;
}
