// One network in the compiled kernel, engine/dense.c: it says what each function takes.

export const PIXELS = 784;
const ACTIVATIONS = { relu: 1, tanh: 2, sigmoid: 3 };
const OPTIMIZERS = {
  sgd: (rate) => [0, rate, 0, 0, 0],
  adam: (rate) => [1, rate, 0.9, 0.999, 1e-7],
  rmsprop: (rate) => [2, rate, 0.9, 0, 1e-7],
}; // Keras' defaults
const ALIGNMENT = 64;
const PAGE = 65536; // bytes by which the memory grows
const FLOAT = 4; // bytes
export const MAX_OUTPUTS = 128; // digits whose outputs are computed in one call

export class Kernel {
  /** @type {any} */
  functions;

  // `units` has the inputs first; settings are those of link.js. The weights are random.
  constructor(module, units, { activation, dropout, optimizer, learning_rate, batch_size, seed }) {
    this.functions = new WebAssembly.Instance(module).exports;
    this.units = units;
    this.seed = seed;
    this.steps = 0;
    const layers = units.length - 1;
    const batch = Math.max(batch_size, MAX_OUTPUTS);
    this.places = this.reserve({
      widths: FLOAT * units.length,
      activations: FLOAT * layers,
      dropout: FLOAT * layers,
      keys: 2 * FLOAT * layers,
      sums: 2 * FLOAT,
      pixels: PIXELS * batch,
      labels: batch,
      out: FLOAT * Math.max(PIXELS, MAX_OUTPUTS * Math.max(...units.slice(1))),
      weights: FLOAT * Math.max(...units.slice(1).map((count, layer) => count * units[layer])),
      biases: FLOAT * Math.max(...units),
    });
    const { widths, activations, dropout: parts } = this.places;
    new Int32Array(this.memory, widths, units.length).set(units);
    this.net = this.reserve({ net: this.functions.dense_bytes(layers, widths, batch) }).net;
    // Memory that has grown needs new views: from here on it does not grow.
    new Int32Array(this.memory, activations, layers).fill(ACTIVATIONS[activation]);
    new Float32Array(this.memory, parts, layers).fill(dropout);
    this.pixels = new Uint8Array(this.memory, this.places.pixels, PIXELS * batch);
    this.labels = new Uint8Array(this.memory, this.places.labels, batch);
    this.keys = new Uint32Array(this.memory, this.places.keys, 2 * layers);
    this.sums = new Float32Array(this.memory, this.places.sums, 2);
    this.functions.dense_init(this.net, layers, widths, activations, parts, batch, 1);
    this.functions.dense_optimizer(this.net, ...OPTIMIZERS[optimizer](learning_rate));
    this.functions.dense_glorot(this.net, seed);
  }

  // Numbers at a place of the memory, copied.
  floats(place, n) {
    return new Float32Array(this.memory, place, n).slice();
  }

  get memory() {
    return this.functions.memory.buffer;
  }

  // Make room at the end of the memory: name -> bytes becomes name -> address.
  reserve(sizes) {
    let end = this.memory.byteLength;
    const places = Object.fromEntries(
      Object.entries(sizes).map(([name, bytes]) => {
        end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
        return [name, end - Math.ceil(bytes / ALIGNMENT) * ALIGNMENT];
      }),
    );
    this.functions.memory.grow(Math.ceil((end - this.memory.byteLength) / PAGE));
    return places;
  }

  // Learn from the first n of `pixels` and `labels`: {loss, right}, the mean and a count.
  train(n) {
    const { pixels, labels, keys, sums } = this.places;
    for (let layer = 0; layer < this.units.length - 1; layer++)
      this.keys.set([this.seed + layer, this.steps], 2 * layer);
    this.sums.fill(0);
    this.functions.dense_train(this.net, pixels, 1, labels, 0, n, 1, n, this.steps, keys, sums);
    this.steps += 1;
    return { loss: this.sums[0] / n, right: this.sums[1] };
  }

  // A layer's outputs for at most MAX_OUTPUTS digits, n * units numbers; of the last layer they are probabilities.
  outputs(digits, layer = this.units.length - 2) {
    const n = digits.length / PIXELS;
    this.pixels.set(digits);
    this.functions.dense_outputs(this.net, this.places.pixels, 1, n, layer, this.places.out);
    return this.floats(this.places.out, n * this.units[layer + 1]);
  }

  // How a unit's output rises with each pixel, averaged over at most MAX_OUTPUTS digits.
  gradient(digits, layer, unit) {
    const { pixels, out } = this.places;
    this.pixels.set(digits);
    this.functions.dense_gradient(this.net, pixels, 1, digits.length / PIXELS, layer, unit, out);
    return this.floats(out, PIXELS);
  }

  // A layer's weights, inputs * units numbers, and biases.
  parameters(layer) {
    const { weights, biases } = this.places;
    this.functions.dense_copy(this.net, layer, 0, weights, biases, 0);
    const [inputs, units] = this.units.slice(layer, layer + 2);
    return [this.floats(weights, inputs * units), this.floats(biases, units)];
  }

  // The weights and biases of all layers: [weights, biases, weights, biases, ...].
  get state() {
    return this.units.slice(1).flatMap((_, layer) => this.parameters(layer));
  }

  set state(arrays) {
    const { weights, biases } = this.places;
    for (let layer = 0; layer < this.units.length - 1; layer++) {
      new Float32Array(this.memory, weights).set(arrays[2 * layer]);
      new Float32Array(this.memory, biases).set(arrays[2 * layer + 1]);
      this.functions.dense_copy(this.net, layer, 0, weights, biases, 1);
    }
  }
}
