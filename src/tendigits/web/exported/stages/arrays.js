// Pictures of bytes, and rounding and statistics as Python and NumPy do them.

// A picture: width * height bytes, row by row.
export function image(width, height, pixels = new Uint8Array(width * height)) {
  return { pixels, width, height };
}

// Round halves to the even neighbour.
export function even(value) {
  const whole = Math.floor(value);
  const rest = value - whole;
  return rest > 0.5 || (rest === 0.5 && whole % 2) ? whole + 1 : whole;
}

export function clip(value, min, max) {
  return Math.min(max, Math.max(min, value));
}

export function total(values) {
  return values.reduce((sum, value) => sum + value, 0);
}

export function mean(values) {
  return total(values) / values.length;
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

export function softmax(logits) {
  const top = most(logits);
  const raised = logits.map((logit) => Math.exp(logit - top));
  const sum = total(raised);
  return raised.map((value) => value / sum);
}

// Beyond the edge a picture is mirrored at its last pixel, which is OpenCV's BORDER_REFLECT_101.
export function mirrored(at, end) {
  if (end === 1) return 0;
  let place = at;
  while (place < 0 || place >= end) place = place < 0 ? -place : 2 * (end - 1) - place;
  return place;
}

export function cutOut({ pixels, width }, left, top, right, bottom) {
  const made = image(Math.max(0, right - left), Math.max(0, bottom - top));
  for (let y = 0; y < made.height; y++) {
    made.pixels.set(pixels.subarray((top + y) * width + left, (top + y) * width + right), y * made.width);
  }
  return made;
}

// The box around pixels, which are given by their places in a picture of some width; right and bottom are exclusive.
export function boxOf(places, width) {
  const [columns, rows] = [places.map((at) => at % width), places.map((at) => Math.floor(at / width))];
  return { left: least(columns), top: least(rows), right: most(columns) + 1, bottom: most(rows) + 1 };
}
