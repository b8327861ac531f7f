// The network of dense.c in JavaScript: learns 784-64-64-10 from digits on the standard input, and prints its accuracy
// and a digest of the first layer.
// Input: the number of digits as uint32, their pixels, their labels.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const module = await WebAssembly.compile(readFileSync(process.argv[2]));
const { exports: dense } = await WebAssembly.instantiate(module);
let top = dense.__heap_base.value;
function put(array) {
  const address = Math.ceil(top / 64) * 64;
  top = address + array.byteLength;
  const missing = Math.ceil((top - dense.memory.buffer.byteLength) / 65536);
  if (missing > 0) dense.memory.grow(missing); // views of the old buffer are empty from now on
  new array.constructor(dense.memory.buffer, address, array.length).set(array);
  return address;
}

const input = readFileSync(0);
const n = input.readUInt32LE(0);
const x = put(new Uint8Array(input.subarray(4, 4 + n * 784)));
const labels = put(new Uint8Array(input.subarray(4 + n * 784)));
const [layers, batch] = [3, 32];
const widths = put(Int32Array.of(784, 64, 64, 10));
const memory = put(new Uint8Array(dense.dense_bytes(layers, widths, batch)));
const net = dense.dense_init(memory, layers, widths, put(Int32Array.of(1, 1, 0)), put(Float32Array.of(0.2, 0.2, 0)), batch, 1);
dense.dense_glorot(net, 1);
dense.dense_optimizer(net, 1, 0.001, 0.9, 0.999, 1e-7); // Adam
const rows = put(Int32Array.from({ length: n }, (_, i) => i));
const keys = put(Uint32Array.of(0, 0, 1, 0, 2, 0));
const sums = put(new Float32Array(2));
const learned = put(new Float32Array(785 * 64));
const steps = Math.floor(n / batch);
const began = performance.now();
dense.dense_train(net, x, 1, labels, rows, n, steps, batch, 0, keys, sums);
const seconds = (performance.now() - began) / 1000;
new Float32Array(dense.memory.buffer, sums, 2).fill(0);
dense.dense_train(net, x, 1, labels, 0, n, steps, batch, 0, 0, sums);
const [loss, right] = new Float32Array(dense.memory.buffer, sums, 2);
dense.dense_copy(net, 0, 0, learned, learned + 4 * 784 * 64, 0);
const weights = createHash("sha256").update(new Uint8Array(dense.memory.buffer, learned, 4 * 785 * 64)).digest("hex");
console.log(JSON.stringify({ loss: loss / n, accuracy: right / n, seconds, weights }));
