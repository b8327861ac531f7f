// A network that learns a few steps at a time, by the compiled kernel.

import { Kernel, PIXELS } from "./kernel.js";
import { chance } from "./chance.js";

const MAX_POINTS = 240; // of a curve; its chart is 460 pixels wide
const POINTS_PER_EPOCH = 20; // at first
const [LABEL_NOISE, ORDER, CHANGES] = [1, 2, 3]; // what chance is asked for
const LABEL_NOISE_SEED = 0; // not the network's seed, so that A and B have the same wrong labels

// Loss and accuracy over the epochs. When the points are too many, each two become their mean, and a point stands for twice as many steps.
export class Curve {
  finished = [];
  current = [];

  // `steps` is the number of results that a point stands for at first.
  constructor(steps = 1) {
    this.steps = steps;
  }

  add(epoch, loss, accuracy) {
    this.current.push([epoch, loss, accuracy]);
    if (this.current.length === this.steps) {
      this.finished.push(mean(this.current));
      this.current = [];
    }
    if (this.finished.length < MAX_POINTS) return;
    this.finished = this.finished.flatMap((point, i, all) => (i % 2 ? [mean([all[i - 1], point])] : []));
    this.steps *= 2;
  }

  get points() {
    return this.current.length ? [...this.finished, mean(this.current)] : this.finished;
  }
}

// The epoch of the last point, and the mean loss and accuracy.
function mean(points) {
  const average = (i) => points.reduce((sum, point) => sum + point[i], 0) / points.length;
  return [points.at(-1)[0], average(1), average(2)];
}

export class Learner {
  steps = 0;
  test = new Curve();

  // `digits` has x, 784 bytes each, and y; settings are those of link.js.
  constructor(wasm, settings, { x, y }) {
    this.settings = settings;
    this.x = x;
    this.y = withWrongLabels(y, settings.label_noise);
    this.n = y.length;
    this.perEpoch = Math.ceil(this.n / settings.batch_size);
    this.training = new Curve(Math.ceil(this.perEpoch / POINTS_PER_EPOCH));
    this.units = [PIXELS, ...settings.hidden, 10];
    this.kernel = new Kernel(wasm, this.units, settings);
    this.start = this.kernel.parameters(0)[0]; // the first layer's random weights
  }

  get epoch() {
    return this.steps / this.perEpoch;
  }

  // Learn from one batch. Throws if the loss is no longer a number.
  step() {
    const { batch_size: size, seed, shift, rotate } = this.settings;
    const first = (this.steps % this.perEpoch) * size;
    if (first === 0) this.order = shuffled(this.n, chance(seed, ORDER, this.steps));
    const rows = this.order.subarray(first, first + size);
    const random = shift || rotate ? chance(seed, CHANGES, this.steps) : null;
    rows.forEach((row, i) => {
      const digit = this.x.subarray(row * PIXELS, (row + 1) * PIXELS);
      if (random) moved(digit, shift, rotate, random, this.kernel.pixels.subarray(i * PIXELS, (i + 1) * PIXELS));
      else this.kernel.pixels.set(digit, i * PIXELS);
      this.kernel.labels[i] = this.y[row];
    });
    const { loss, right } = this.kernel.train(rows.length);
    this.steps += 1;
    if (!Number.isFinite(loss))
      throw new Error(`the loss became ${loss} after ${this.steps} steps; try a smaller learning rate`);
    this.training.add(this.epoch, loss, right / rows.length);
  }
}

// Make a part of the labels wrong, the same ones each time.
function withWrongLabels(labels, fraction) {
  const random = chance(LABEL_NOISE_SEED, LABEL_NOISE);
  return labels.map((label) => {
    const [luck, other] = [random(), random()];
    return luck < fraction ? (label + 1 + Math.floor(9 * other)) % 10 : label;
  });
}

function shuffled(n, random) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

// Write a digit into `to`, moved by at most `shift` pixels along each axis and turned by at most `rotate` degrees.
function moved(digit, shift, rotate, random, to) {
  const [dx, dy, angle] = [shift, shift, (rotate * Math.PI) / 180].map((most) => most * (2 * random() - 1));
  const [cos, sin, centre] = [Math.cos(angle), Math.sin(angle), 13.5];
  const at = (x, y) => (x < 0 || y < 0 || x > 27 || y > 27 ? 0 : digit[y * 28 + x]);
  for (let y = 0; y < 28; y++) {
    for (let x = 0; x < 28; x++) {
      const [right, down] = [x - centre - dx, y - centre - dy];
      const [fromX, fromY] = [centre + cos * right + sin * down, centre + cos * down - sin * right];
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      const [a, b] = [fromX - left, fromY - top];
      to[y * 28 + x] =
        (1 - b) * ((1 - a) * at(left, top) + a * at(left + 1, top)) +
        b * ((1 - a) * at(left, top + 1) + a * at(left + 1, top + 1)) +
        0.5;
    }
  }
}
