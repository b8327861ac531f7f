// What the page shows of a network: how it reads the test digits, its activations, and what a unit responds to.

import { MAX_OUTPUTS, PIXELS } from "./kernel.js";

const MAX_WEIGHT_PICTURES = 18; // three rows of six, as in the notebook
const MIN_INK = 0.01; // of the digits: where fewer have ink, a weight has learned little and would only be noise
const BRIGHTEST = 0.995; // the part of the weights that are not as bright as can be
const MAX_MISTAKES = 12;
const N_BINS = 24; // of a histogram of activations
const N_SEARCHED = 5000; // training digits that are searched for those that excite a unit most
const N_EXCITING = 12;
const MIN_PROBABILITY = 1e-7; // lower probabilities count as this in the loss, as in Keras
const NORMAL_95 = 1.959964; // standard deviations, for a 95% interval

// Weights as bytes: zero is 128, and `scale` or more is 1 or 255.
function pictureOf(values, scale = scaleOf(values)) {
  const byteOf = (value) => Math.round(128 + 127 * Math.max(-1, Math.min(1, value / scale)));
  return Uint8Array.from(values, byteOf);
}

function scaleOf(values) {
  const sizes = Float32Array.from(values, Math.abs).sort();
  return Math.max(sizes[Math.floor(BRIGHTEST * (sizes.length - 1))], 1e-12);
}

// What the first layer's weights of one unit have learned; zero for pixels that hardly ever have ink.
function learnedBy(learner, weights, unit) {
  learner.inked ??= inkedPixels(learner);
  const learned = (at) => weights[at] - learner.start[at];
  return Float32Array.from(learner.inked, (isInked, row) => isInked * learned(row * learner.units[1] + unit));
}

function inkedPixels({ x, y }) {
  const [n, counts] = [Math.min(N_SEARCHED, y.length), new Uint32Array(PIXELS)];
  for (let i = 0; i < n * PIXELS; i++) if (x[i]) counts[i % PIXELS] += 1;
  return counts.map((count) => Number(count >= MIN_INK * n));
}

// Pictures of the first layer's units that have learned most, in the order of the units.
export function weightPictures(learner) {
  const [weights] = learner.kernel.parameters(0);
  const units = Array.from({ length: learner.units[1] }, (_, unit) => {
    const values = learnedBy(learner, weights, unit);
    return { unit, values, size: values.reduce((sum, value) => sum + value * value, 0) };
  });
  const largest = units.sort((a, b) => b.size - a.size).slice(0, MAX_WEIGHT_PICTURES);
  const scale = scaleOf(largest.flatMap(({ values }) => [...values]));
  return largest.sort((a, b) => a.unit - b.unit).map(({ values }) => pictureOf(values, scale));
}

// Counts how a network reads digits x with the labels y, as their probabilities come in.
export class Scores {
  n = 0;
  sum = 0; // of the losses
  confusion = Array.from({ length: 10 }, () => new Array(10).fill(0)); // row: the label, column: what was read
  wrong = []; // {row, label, read, confidence}

  constructor(x, y) {
    this.x = x;
    this.y = y;
    this.read = new Uint8Array(y.length);
  }

  // Take the probabilities of the next digits, ten of each.
  add(probabilities) {
    for (let at = 0; at < probabilities.length; at += 10, this.n++) {
      const ten = probabilities.subarray(at, at + 10);
      const label = this.y[this.n];
      const read = ten.indexOf(Math.max(...ten));
      this.read[this.n] = read;
      this.sum -= Math.log(Math.max(ten[label], MIN_PROBABILITY));
      if (read < 0)
        this.sum = Number.NaN; // not numbers
      else this.confusion[label][read] += 1;
      if (read !== label) this.wrong.push({ row: this.n, label, read, confidence: ten[read] });
    }
    return this;
  }

  get loss() {
    return this.sum / this.n;
  }

  get accuracy() {
    return 1 - this.wrong.length / this.n;
  }

  report() {
    const { n, accuracy, loss, confusion, read } = this;
    const worst = this.wrong.sort((a, b) => b.confidence - a.confidence).slice(0, MAX_MISTAKES);
    const mistakes = worst.map(({ row, ...mistake }) => ({
      ...mistake,
      picture: this.x.slice(row * PIXELS, (row + 1) * PIXELS),
    }));
    const [right, interval] = [n - this.wrong.length, wilson(accuracy, n)];
    return { n, right, accuracy, loss, confusion, interval, read: read.slice(0, n), mistakes };
  }
}

// The 95% confidence interval of a proportion (E. B. Wilson, 1927), as in report/metrics.py.
export function wilson(proportion, n) {
  const z = NORMAL_95;
  const centre = (proportion + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((proportion * (1 - proportion)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

// For each hidden layer, how often each output occurs, and how many units never change: with ReLU they are always zero.
export function activations({ kernel, units }, x) {
  const digits = x.subarray(0, MAX_OUTPUTS * PIXELS);
  return units.slice(1, -1).map((count, layer) => {
    const outputs = kernel.outputs(digits, layer);
    const [low, high] = [outputs.reduce((a, b) => Math.min(a, b)), outputs.reduce((a, b) => Math.max(a, b))];
    const counts = new Array(N_BINS).fill(0);
    const changing = new Set();
    outputs.forEach((value, i) => {
      counts[Math.min(N_BINS - 1, Math.floor((N_BINS * (value - low)) / (high - low || 1)))] += 1;
      if (value !== outputs[i % count]) changing.add(i % count);
    });
    const fractions = counts.map((each) => each / outputs.length);
    return { low, high, fractions, units: count, silent: count - changing.size };
  });
}

// What a unit responds to, as a picture, and the training digits that excite it most; `turn` lets others in between.
//
// For the first layer the picture is what its weights have learned, for a deeper one the gradient of its output with respect to the pixels.
export async function describeUnit(learner, testX, layer, unit, turn) {
  const { kernel, units, x, y } = learner;
  const picture = pictureOf(
    layer
      ? kernel.gradient(testX.subarray(0, MAX_OUTPUTS * PIXELS), layer, unit)
      : learnedBy(learner, kernel.parameters(0)[0], unit),
  );
  const searched = Math.min(N_SEARCHED, y.length);
  const excited = [];
  for (let first = 0; first < searched; first += MAX_OUTPUTS) {
    const outputs = kernel.outputs(x.subarray(first * PIXELS, Math.min(searched, first + MAX_OUTPUTS) * PIXELS), layer);
    for (let i = unit; i < outputs.length; i += units[layer + 1])
      excited.push({ row: excited.length, output: outputs[i] });
    await turn();
  }
  const digits = excited
    .sort((a, b) => b.output - a.output)
    .slice(0, N_EXCITING)
    .map(({ row, output }) => ({ label: y[row], output, picture: x.slice(row * PIXELS, (row + 1) * PIXELS) }));
  return { picture, searched, digits };
}
