// OpenCV's resize: INTER_AREA to shrink, INTER_LINEAR and INTER_CUBIC to enlarge.

import { clip, even, image } from "./arrays.js";

const CUBIC = -0.75;
const UNIT = 2048; // of the weights, which are whole numbers

export function shrunk(picture, across, down) {
  const scales = [picture.width / across, picture.height / down];
  if (scales.every(Number.isInteger)) return shrunkByWhole(picture, across, down, scales);
  const { pixels, width, height } = picture;
  const [columns, rows] = [coverage(width, across, scales[0]), coverage(height, down, scales[1])];
  const made = image(across, down);
  const line = new Float32Array(across);
  const sums = new Float32Array(across);
  for (let y = 0; y < down; y++) {
    sums.fill(0);
    for (let row = rows.starts[y]; row < rows.starts[y + 1]; row++) {
      const first = rows.from[row] * width;
      const weight = rows.weights[row];
      for (let x = 0; x < across; x++) {
        let sum = 0;
        for (let i = columns.starts[x]; i < columns.starts[x + 1]; i++) {
          sum = Math.fround(sum + Math.fround(pixels[first + columns.from[i]] * columns.weights[i]));
        }
        line[x] = sum;
      }
      for (let x = 0; x < across; x++) sums[x] += Math.fround(weight * line[x]);
    }
    made.pixels.set(sums.map((sum) => clip(even(sum), 0, 255)), y * across);
  }
  return made;
}

// For each pixel of the smaller side, the pixels that it covers and their weights.
function coverage(size, smaller, scale) {
  const [starts, from, weights] = [[0], [], []];
  const add = (at, weight) => { from.push(at); weights.push(Math.fround(weight)); };
  for (let to = 0; to < smaller; to++) {
    const [start, stop] = [to * scale, to * scale + scale];
    const cell = Math.min(scale, size - start);
    const last = Math.min(Math.floor(stop), size - 1);
    const first = Math.min(Math.ceil(start), last);
    if (first - start > 1e-3) add(first - 1, (first - start) / cell);
    for (let at = first; at < last; at++) add(at, 1 / cell);
    if (stop - last > 1e-3) add(last, Math.min(Math.min(stop - last, 1), cell) / cell);
    starts.push(from.length);
  }
  return { starts, from, weights };
}

function shrunkByWhole({ pixels, width }, across, down, scales) {
  const [right, below] = scales;
  const made = image(across, down);
  const fraction = Math.fround(1 / (right * below));
  const halved = right === 2 && below === 2; // halves are rounded up
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      let sum = 0;
      for (let dy = 0; dy < below; dy++) {
        const first = (y * below + dy) * width + x * right;
        for (let dx = 0; dx < right; dx++) sum += pixels[first + dx];
      }
      made.pixels[y * across + x] = halved ? (sum + 2) >> 2 : even(Math.fround(sum * fraction));
    }
  }
  return made;
}

// A larger picture, between neighbouring pixels in straight lines.
export function enlarged(picture, across, down) {
  const blend = (values, weights) => // as OpenCV drops bits on the way
    values.reduce((sum, value, i) => sum + Math.floor((Math.floor(value / 16) * weights[i]) / 65536), 2) >> 2;
  return interpolated(picture, across, down, 0, (part) => [1 - part, part], blend);
}

// A larger picture, between neighbouring pixels in cubic curves.
export function enlargedSmoothly(picture, across, down) {
  return interpolated(picture, across, down, -1, (part) => {
    const near = (x) => ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
    const far = ((CUBIC * (part + 1) - 5 * CUBIC) * (part + 1) + 8 * CUBIC) * (part + 1) - 4 * CUBIC;
    return [far, near(part), near(1 - part), 1 - far - near(part) - near(1 - part)];
  }, (values, weights) => even(values.reduce((sum, value, i) => sum + value * weights[i], 0) / UNIT ** 2));
}

function interpolated({ pixels, width, height }, across, down, first, weigh, blend) {
  const [columns, rows] = [taps(width, across, first, weigh), taps(height, down, first, weigh)];
  const lines = new Float64Array(across * height);
  for (let y = 0; y < height; y++) {
    columns.forEach(({ places, weights }, x) => {
      lines[y * across + x] = places.reduce((sum, at, i) => sum + pixels[y * width + at] * weights[i], 0);
    });
  }
  const made = image(across, down);
  rows.forEach(({ places, weights }, y) => {
    for (let x = 0; x < across; x++) {
      made.pixels[y * across + x] = clip(blend(places.map((at) => lines[at * across + x]), weights), 0, 255);
    }
  });
  return made;
}

// For each pixel of the larger side, the neighbouring pixels and their weights, which sum to UNIT.
function taps(size, larger, first, weigh) {
  return Array.from({ length: larger }, (_, to) => {
    const place = Math.fround(((to + 0.5) * size) / larger - 0.5);
    const before = Math.floor(place);
    const weights = weigh(Math.fround(place - before)).map((weight) => even(Math.fround(weight) * UNIT));
    return { weights, places: weights.map((_, i) => clip(before + first + i, 0, size - 1)) };
  });
}
