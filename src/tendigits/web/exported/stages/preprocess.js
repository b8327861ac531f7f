// From pixels to the network's input; data/preprocess.py in JavaScript.

import { boxOf, clip, cutOut, even, image, most, total } from "./arrays.js";
import { BOX, FIELD, FOREGROUND } from "./constants.js";

// Scale and centre a digit as MNIST does: its longer side 20, its centre of mass in the middle of 28x28. Returns 784 bytes.
export function toMnist(foreground) {
  const field = new Uint8Array(FIELD * FIELD);
  const strongest = foreground.pixels.length ? most(foreground.pixels) : 0;
  if (!strongest) return field;
  const digit = fitted(cropped(foreground, FOREGROUND * strongest));
  const faded = most(digit.pixels);
  if (faded) digit.pixels = digit.pixels.map((value) => even(value * (strongest / faded)));
  const rows = new Array(digit.height).fill(0);
  const columns = new Array(digit.width).fill(0);
  digit.pixels.forEach((value, i) => {
    rows[Math.floor(i / digit.width)] += value;
    columns[i % digit.width] += value;
  });
  const [top, left] = [startOf(rows), startOf(columns)];
  for (let y = 0; y < digit.height; y++) {
    field.set(digit.pixels.subarray(y * digit.width, (y + 1) * digit.width), (top + y) * FIELD + left);
  }
  return field;
}

function startOf(sums) {
  const sum = total(sums);
  if (!sum) return Math.floor((FIELD - sums.length) / 2);
  const centre = total(sums.map((value, i) => value * i)) / sum;
  return clip(even(FIELD / 2 - centre), 0, FIELD - sums.length);
}

function cropped(digit, faintest) {
  const places = [...digit.pixels.keys()].filter((at) => digit.pixels[at] > faintest);
  const { left, top, right, bottom } = boxOf(places, digit.width);
  return cutOut(digit, left, top, right, bottom);
}

// Pillow's resizing: box filter to shrink, Lanczos to enlarge, in integers.
function fitted({ pixels, width, height }) {
  const scale = BOX / Math.max(width, height);
  const [across, down] = [Math.max(1, even(width * scale)), Math.max(1, even(height * scale))];
  const [filter, support] = scale < 1 ? [(x) => (x > -0.5 && x <= 0.5 ? 1 : 0), 0.5] : [lanczos, 3];
  let made = image(width, height, pixels);
  if (across !== width) made = resampled(made, across, filter, support);
  if (down !== height) made = turned(resampled(turned(made), down, filter, support));
  return made;
}

function lanczos(x) {
  const sinc = (value) => (value === 0 ? 1 : Math.sin(value * Math.PI) / (value * Math.PI));
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

function turned({ pixels, width, height }) {
  const made = image(height, width);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) made.pixels[x * height + y] = pixels[y * width + x];
  return made;
}

function resampled({ pixels, width, height }, across, filter, support) {
  const made = image(across, height);
  const scale = width / across;
  const wide = Math.max(1, scale);
  for (let x = 0; x < across; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support * wide + 0.5));
    const last = Math.min(width, Math.trunc(centre + support * wide + 0.5));
    const weights = [];
    for (let at = first; at < last; at++) weights.push(filter((at - centre + 0.5) / wide));
    const whole = total(weights);
    const parts = weights.map((weight) => Math.trunc((weight / whole) * 2 ** 22 + (weight / whole < 0 ? -0.5 : 0.5)));
    for (let y = 0; y < height; y++) {
      let sum = 2 ** 21;
      parts.forEach((part, i) => { sum += pixels[y * width + first + i] * part; });
      made.pixels[y * across + x] = clip(Math.floor(sum / 2 ** 22), 0, 255);
    }
  }
  return made;
}
