// Pictures, and rounding and statistics as Python and NumPy do them.

/**
 * A picture: width * height numbers, row by row.
 * @param {any} pixels
 */
export function image(width, height, pixels = new Uint8Array(width * height)) {
  return { pixels, width, height };
}

// A picture whose columns are the rows of another one.
export function turned({ pixels, width, height }) {
  return image(
    height,
    width,
    pixels.map((_, i) => pixels[(i % height) * width + Math.floor(i / height)]),
  );
}

// Apply a function of a picture to its rows, and then to its columns.
export function byRowsAndColumns(picture, apply) {
  return turned(apply(turned(apply(picture))));
}

// Round halves to the even neighbour.
export function even(value) {
  const rounded = Math.round(value); // halves up
  return Math.abs(value % 1) === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

export function clip(value, min, max) {
  return Math.min(max, Math.max(min, value));
}

export function total(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

// Unlike Math.max(...values), for any number of values.
export function most(values) {
  return values.reduce((best, value) => Math.max(best, value), -Infinity);
}

export function least(values) {
  return values.reduce((best, value) => Math.min(best, value), Infinity);
}

export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
}

export function histogram(pixels) {
  const counts = new Float64Array(256);
  for (const value of pixels) counts[value]++;
  return counts;
}

// The part of a picture in a box, whose right and bottom are exclusive.
export function cutOut({ pixels, width }, { left, top, right, bottom }) {
  const made = image(right - left, bottom - top);
  for (let y = 0; y < made.height; y++) {
    made.pixels.set(pixels.subarray((top + y) * width + left, (top + y) * width + right), y * made.width);
  }
  return made;
}

// The box around pixels, which are given by their places in a picture of some width.
export function boxOf(places, width) {
  const [columns, rows] = [places.map((at) => at % width), places.map((at) => Math.floor(at / width))];
  return { left: least(columns), top: least(rows), right: most(columns) + 1, bottom: most(rows) + 1 };
}
