// A network, which learns in its own worker, as the page sees it.

import { bytesOf, joined } from "../shared/pixels.js";
import { PIXELS } from "./kernel.js";
import { packed } from "./packed.js";

export const SMALL = 10000; // training digits, up to which the test digits are fewer, too: their script is the smaller one
const SMALL_TEST = 2000;
const OWN_PART = 0.25; // own digits for each of MNIST's

// A small module that only engines with WebAssembly SIMD accept: it holds one instruction, i8x16.splat.
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
]);

// Younger than SIMD in Firefox is the unpacking of gzip, and in Chrome structuredClone.
export const canLearn = () =>
  typeof WebAssembly === "object" &&
  WebAssembly.validate(SIMD) &&
  "DecompressionStream" in globalThis &&
  "structuredClone" in globalThis;

export class Network {
  made = ""; // the settings that it was made with, as text
  tick = null; // the last of the worker's events
  check = null;
  pace = Infinity; // the epoch that it does not go beyond, for the other one to follow
  answers = new Map(); // of requests that wait: id -> {resolve, reject}
  requests = 0;

  // `changed` is called with "tick" or "check" after such an event.
  constructor(changed) {
    const script = URL.createObjectURL(new Blob([packed.worker], { type: "text/javascript" }));
    this.worker = new Worker(script);
    this.worker.onmessage = ({ data: { id, result, error, event, data } }) => {
      if (event) {
        this[event] = data;
        changed(event);
        return;
      }
      const { resolve, reject } = this.answers.get(id);
      this.answers.delete(id);
      if (error) reject(new Error(error));
      else resolve(result);
    };
    this.worker.onerror = ({ message }) => {
      this.tick = { ...this.tick, status: "failed", error: message };
      changed("tick");
    };
    this.ask("start", { wasm: bytesOf(packed.kernel) });
  }

  ask(request, given = {}) {
    const id = ++this.requests;
    this.worker.postMessage({ id, do: request, ...given });
    return new Promise((resolve, reject) => {
      this.answers.set(id, { resolve, reject });
    });
  }

  // Make the network anew: from the first training digits and, if the settings want it, from own digits, {train, test}. It begins
  // with `weights`, or with random ones for null.
  async build(settings, made, digits, own, weights) {
    Object.assign(this, { tick: null, check: null });
    const { digits: n, mine } = settings;
    const train = { x: digits.x_train.slice(0, n * PIXELS), y: digits.y_train.slice(0, n) };
    const test = { x: digits.x_test, y: digits.y_test };
    if (n <= SMALL) Object.assign(test, { x: test.x.slice(0, SMALL_TEST * PIXELS), y: test.y.slice(0, SMALL_TEST) });
    const examples = mine ? withOwn(train, own.train) : train;
    await this.ask("build", { settings, train: examples, test, mine: own.test, weights });
    this.made = made;
  }

  get status() {
    return this.tick?.status ?? "starting";
  }

  end() {
    this.worker.terminate();
  }
}

// The digits with own ones, which are repeated until they are a fifth of all.
function withOwn({ x, y }, own) {
  const times = own.y.length && Math.max(1, Math.round((OWN_PART * y.length) / own.y.length));
  const copies = (bytes) => Array.from({ length: times }, () => bytes);
  return { x: joined(x, ...copies(own.x)), y: joined(y, ...copies(own.y)) };
}
