// MNIST's digits, from two scripts next to the page: a page that is opened as a file may load nothing else.

import { element } from "../shared/dom.js";
import { joined, unpacked } from "../shared/pixels.js";
import { PIXELS } from "./kernel.js";

const FIRST = "digits.js"; // more_digits.js is not in every copy
const SIDE = 28;
const FRAMED = SIDE + 2; // a digit with a frame, so that each pixel has eight neighbours

let digits = null; // {x_train, y_train, x_test, y_test}: bytes, of the first digits or of all

// At least this many training digits, and the test digits that belong to them: 2,000, or 10,000 with more than the first script has.
export async function digitsFor(count) {
  digits ??= await load(FIRST);
  if (count > digits.y_train.length) {
    const more = await load("more_digits.js");
    digits = Object.fromEntries(Object.entries(digits).map(([name, first]) => [name, joined(first, more[name])]));
  }
  return digits;
}

async function load(name) {
  const missing = name === FIRST ? `Copy ${name}, too.` : "This copy has 10,000 digits. Choose 10,000 or fewer.";
  await new Promise((onload, fail) => {
    const onerror = () => fail(new Error(missing));
    document.head.append(element("script", { src: name, onload, onerror }));
  });
  return digitsOf(globalThis.tendigitsDigits);
}

// The inverse of `pack` in web/playground.py.
async function digitsOf({ train, test, packed }) {
  const bytes = await unpacked(packed);
  const n = train + test;
  const labels = bytes.subarray(0, n);
  const pixels = new Uint8Array(n * PIXELS);
  const counts = new Uint32Array(10); // of inked pixels with 0 to 8 inked neighbours
  const framed = new Uint8Array(FRAMED * FRAMED);
  const three = (at) => framed[at - 1] + framed[at] + framed[at + 1]; // next to each other
  const place = (i) => FRAMED * (1 + Math.floor(i / SIDE)) + 1 + (i % SIDE);
  for (let digit = 0; digit < n; digit++) {
    for (let i = 0; i < PIXELS; i++) framed[place(i)] = (bytes[n + ((digit * PIXELS + i) >> 3)] >> (7 - (i & 7))) & 1;
    for (let i = 0, at = FRAMED + 1; i < PIXELS; i++, at = place(i)) {
      if (!framed[at]) continue;
      const neighbours = three(at - FRAMED) + framed[at - 1] + framed[at + 1] + three(at + FRAMED);
      pixels[digit * PIXELS + i] = neighbours + 1;
      counts[neighbours]++;
    }
  }
  let start = n + (n * PIXELS) / 8;
  const next = counts.map((count) => {
    start += count;
    return start - count;
  });
  for (let i = 0; i < pixels.length; i++) if (pixels[i]) pixels[i] = bytes[next[pixels[i] - 1]++];
  const cut = train * PIXELS;
  const [x_train, x_test] = [pixels.slice(0, cut), pixels.slice(cut)];
  return { x_train, y_train: labels.slice(0, train), x_test, y_test: labels.slice(train) };
}
