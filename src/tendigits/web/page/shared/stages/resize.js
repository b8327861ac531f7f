// OpenCV's resize: INTER_AREA to shrink, INTER_LINEAR and INTER_CUBIC to enlarge.

import { clip, even, image, turned } from "./arrays.js";

const CUBIC = -0.75;
const UNIT = 2048; // of the weights, which are whole numbers

// Resize rows and then columns. For each new pixel, `across` and `down` have the places and the weights of the old ones, whose
// values and weights become one number by `blend` and `blendDown`.
export function resized(picture, across, down, blend, blendDown = blend) {
  const made = turned(resizedRows(turned(resizedRows(picture, across, blend)), down, blendDown));
  return image(
    made.width,
    made.height,
    Uint8Array.from(made.pixels, (value) => clip(even(value), 0, 255)),
  );
}

function resizedRows({ pixels, width, height }, across, blend) {
  const made = image(across.length, height, new Float64Array(across.length * height));
  for (let y = 0; y < height; y++) {
    across.forEach(({ places, weights }, x) => {
      made.pixels[y * made.width + x] = blend(
        places.map((at) => pixels[y * width + at]),
        weights,
      );
    });
  }
  return made;
}

export function shrunk(picture, across, down) {
  const { width, height } = picture;
  if (width % across === 0 && height % down === 0) return shrunkByWhole(picture, across, down);
  const blend = (values, weights) =>
    values.reduce((sum, value, i) => Math.fround(sum + Math.fround(value * weights[i])), 0);
  return resized(picture, coverage(width, across), coverage(height, down), blend);
}

// For each pixel of the smaller side, the pixels that it covers and their weights.
function coverage(size, smaller) {
  const scale = size / smaller;
  return Array.from({ length: smaller }, (_, to) => {
    const [places, weights] = [[], []];
    const add = (at, weight) => {
      places.push(at);
      weights.push(Math.fround(weight));
    };
    const [start, stop] = [to * scale, to * scale + scale];
    const cell = Math.min(scale, size - start);
    const last = Math.min(Math.floor(stop), size - 1);
    const first = Math.min(Math.ceil(start), last);
    if (first - start > 1e-3) add(first - 1, (first - start) / cell);
    for (let at = first; at < last; at++) add(at, 1 / cell);
    if (stop - last > 1e-3) add(last, Math.min(stop - last, 1, cell) / cell);
    return { places, weights };
  });
}

function shrunkByWhole({ pixels, width, height }, across, down) {
  const [right, below] = [width / across, height / down];
  const fraction = Math.fround(1 / (right * below));
  return image(
    across,
    down,
    new Uint8Array(across * down).map((_, i) => {
      const first = Math.floor(i / across) * below * width + (i % across) * right;
      let sum = 0;
      for (let y = 0; y < below; y++) for (let x = 0; x < right; x++) sum += pixels[first + y * width + x];
      return right === 2 && below === 2 ? (sum + 2) >> 2 : even(Math.fround(sum * fraction)); // of four, halves are rounded up
    }),
  );
}

const weightedSum = (values, weights) => values.reduce((sum, value, i) => sum + value * weights[i], 0);

// A larger picture, between neighbouring pixels in straight lines.
export function enlarged(picture, across, down) {
  const weigh = (part) => [1 - part, part];
  const blendDown = (
    values,
    weights, // as OpenCV drops bits on the way
  ) => values.reduce((sum, value, i) => sum + Math.floor((Math.floor(value / 16) * weights[i]) / 65536), 2) >> 2;
  return resized(
    picture,
    taps(picture.width, across, 0, weigh),
    taps(picture.height, down, 0, weigh),
    weightedSum,
    blendDown,
  );
}

// A larger picture, between neighbouring pixels in cubic curves.
export function enlargedSmoothly(picture, across, down) {
  const weigh = (part) => {
    const near = (x) => ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
    const far = ((CUBIC * (part + 1) - 5 * CUBIC) * (part + 1) + 8 * CUBIC) * (part + 1) - 4 * CUBIC;
    return [far, near(part), near(1 - part), 1 - far - near(part) - near(1 - part)];
  };
  const blendDown = (values, weights) => weightedSum(values, weights) / UNIT ** 2;
  return resized(
    picture,
    taps(picture.width, across, -1, weigh),
    taps(picture.height, down, -1, weigh),
    weightedSum,
    blendDown,
  );
}

// For each pixel of the larger side, the neighbouring pixels from `first` on and their weights, which sum to UNIT.
function taps(size, larger, first, weigh) {
  return Array.from({ length: larger }, (_, to) => {
    const place = Math.fround(((to + 0.5) * size) / larger - 0.5);
    const before = Math.floor(place);
    const weights = weigh(Math.fround(place - before)).map((weight) => even(Math.fround(weight) * UNIT));
    return { weights, places: weights.map((_, i) => clip(before + first + i, 0, size - 1)) };
  });
}
