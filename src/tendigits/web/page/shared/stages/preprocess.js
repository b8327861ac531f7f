// From pixels to the network's input; data/preprocess.py in JavaScript.

import { boxOf, clip, cutOut, even, most, total } from "./arrays.js";
import { resized } from "./resize.js";

export const FIELD = 28;
const BOX = 20;
const FOREGROUND = 0.1;
const UNIT = 2 ** 22; // of Pillow's weights, which are whole numbers

// Scale and centre a digit as MNIST does: its longer side 20, its centre of mass in the middle of 28x28. Returns 784 bytes.
export function toMnist(foreground) {
  const field = new Uint8Array(FIELD * FIELD);
  const strongest = most(foreground.pixels);
  if (!(strongest > 0)) return field;
  const digit = fitted(cropped(foreground, FOREGROUND * strongest));
  const faded = most(digit.pixels);
  if (faded) digit.pixels = digit.pixels.map((value) => even(value * (strongest / faded)));
  const sum = total(digit.pixels);
  const startOf = (size, placeOf) => {
    if (!sum) return Math.floor((FIELD - size) / 2);
    const centre = digit.pixels.reduce((moment, value, i) => moment + value * placeOf(i), 0) / sum;
    return clip(even(FIELD / 2 - centre), 0, FIELD - size);
  };
  const [columnOf, rowOf] = [(i) => i % digit.width, (i) => Math.floor(i / digit.width)];
  const [left, top] = [startOf(digit.width, columnOf), startOf(digit.height, rowOf)];
  digit.pixels.forEach((value, i) => {
    field[(top + rowOf(i)) * FIELD + left + columnOf(i)] = value;
  });
  return field;
}

function cropped(digit, faintest) {
  return cutOut(
    digit,
    boxOf(
      [...digit.pixels.keys()].filter((at) => digit.pixels[at] > faintest),
      digit.width,
    ),
  );
}

// Pillow's resizing: box filter to shrink, Lanczos to enlarge, in integers.
function fitted(digit) {
  const scale = BOX / Math.max(digit.width, digit.height);
  const [filter, support] = scale < 1 ? [(x) => (x > -0.5 && x <= 0.5 ? 1 : 0), 0.5] : [lanczos, 3];
  const [across, down] = [digit.width, digit.height].map((size) =>
    taps(size, Math.max(1, even(size * scale)), filter, support),
  );
  const blend = (values, weights) =>
    clip(Math.floor(values.reduce((sum, value, i) => sum + value * weights[i], UNIT / 2) / UNIT), 0, 255);
  return resized(digit, across, down, blend);
}

function lanczos(x) {
  const sinc = (value) => (value === 0 ? 1 : Math.sin(value * Math.PI) / (value * Math.PI));
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

// For each new pixel, the old ones in the filter's reach and their weights, which sum to UNIT.
function taps(size, length, filter, support) {
  const scale = size / length;
  const wide = Math.max(1, scale);
  return Array.from({ length }, (_, to) => {
    const centre = (to + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support * wide + 0.5));
    const last = Math.min(size, Math.trunc(centre + support * wide + 0.5));
    const places = Array.from({ length: last - first }, (_, i) => first + i);
    const weights = places.map((at) => filter((at - centre + 0.5) / wide));
    const whole = total(weights);
    return {
      places,
      weights: weights.map((weight) => Math.trunc((weight / whole) * UNIT + (weight < 0 ? -0.5 : 0.5))),
    };
  });
}
