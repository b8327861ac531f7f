// From grey pixels to the foreground, strokes white on black, for any paper, light and pen; digits/foreground.py in JavaScript.

import { byRowsAndColumns, clip, even, histogram, image, least, median, most, total } from "./arrays.js";
import { enlarged, shrunk } from "./resize.js";

const BACKGROUND_SIDE = 160;
const MIN_STROKE_CONTRAST = 14;
const MIN_NOISE_SIGMAS = 3;
const SHADE_SIGMA = 0.2;
const MIN_BORDER_CONTRAST = 0.25;

// Subtract the background and stretch the rest: 0 for background, about 255 for strokes; null if the picture is blank.
export function findForeground(grey) {
  const { width, height } = grey;
  const light = hasDarkForeground(grey)
    ? grey
    : image(
        width,
        height,
        grey.pixels.map((value) => 255 - value),
      );
  const background = findBackground(light);
  const strength = background.pixels.map((below, i) =>
    below ? even(Math.fround((Math.max(0, below - light.pixels[i]) * 255) / below)) : 0,
  );
  const counts = histogram(strength);
  const step = 1 + Math.floor(height / 64); // from one sampled row to the next
  const brightness = Math.max(1, median(background.pixels.filter((_, i) => Math.floor(i / width) % step === 0)));
  const noise = noiseLevel(counts, (pixelNoise(light) * 255) / brightness);
  const full = fullStrength(counts, noise);
  if (full < Math.max(MIN_STROKE_CONTRAST, 2 * noise)) return null;
  const low = Math.min(noise, 0.3 * full);
  const stretch = 255 / Math.max(full - low, 1);
  return image(
    width,
    height,
    strength.map((value) => Math.floor(clip((value - low) * stretch, 0, 255))),
  );
}

// Decided by the border or, if that is neither light nor dark, by the skewness of the picture without its shade.
function hasDarkForeground(grey) {
  const { pixels, width, height } = grey;
  const border = [...pixels.subarray(0, width), ...pixels.subarray((height - 1) * width)];
  for (let y = 0; y < height; y++) border.push(pixels[y * width], pixels[y * width + width - 1]);
  const [darkest, lightest] = [least(pixels), most(pixels)];
  const above = median(border) - (darkest + lightest) / 2;
  return Math.abs(above) >= MIN_BORDER_CONTRAST * (lightest - darkest) ? above >= 0 : skewness(grey) <= 0;
}

// The skewness of the picture without its shade; below 0 if its dark parts are the smaller ones.
function skewness(grey) {
  const scale = Math.min(1, BACKGROUND_SIDE / Math.max(grey.width, grey.height));
  const small =
    scale < 1 ? shrunk(grey, Math.max(1, even(grey.width * scale)), Math.max(1, even(grey.height * scale))) : grey;
  const shade = blurred(small, Math.max(1, SHADE_SIGMA * Math.min(small.width, small.height)));
  const rest = shade.map((value, i) => small.pixels[i] - value);
  const middle = total(rest) / rest.length;
  return total(rest.map((value) => (value - middle) ** 3)); // its sign is that of the skewness
}

// OpenCV's GaussianBlur of float pixels.
function blurred(grey, sigma) {
  const reach = Math.floor((even(8 * sigma + 1) | 1) / 2);
  const bell = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)));
  return filtered(
    grey,
    bell.map((value) => value / total(bell)),
  );
}

// Sums weighted by rows and then by columns; beyond the edge the picture is mirrored at the last pixel.
function filtered(picture, weights) {
  const reach = (weights.length - 1) / 2;
  return byRowsAndColumns(picture, ({ pixels, width, height }) =>
    image(
      width,
      height,
      Float64Array.from(pixels, (_, i) => {
        const x = i % width;
        return weights.reduce((sum, weight, k) => sum + weight * pixels[i - x + mirrored(x + k - reach, width)], 0);
      }),
    ),
  ).pixels;
}

// As OpenCV's BORDER_REFLECT_101.
function mirrored(at, end) {
  if (end === 1) return 0;
  let place = at;
  while (place < 0 || place >= end) place = place < 0 ? -place : 2 * (end - 1) - place;
  return place;
}

// The picture without its strokes: dark parts narrower than an eighth of it are filled.
function findBackground(light) {
  const { width, height } = light;
  const shrink = Math.max(1, Math.max(width, height) / BACKGROUND_SIDE);
  const [across, down] = [Math.max(1, even(width / shrink)), Math.max(1, even(height / shrink))];
  let small = across === width && down === height ? light : shrunk(light, across, down);
  const shorter = Math.min(across, down);
  if (shorter >= 3) small = medianOfNine(small);
  const reach = Math.max(1, even(shorter / 8));
  small = meanAround(extreme(extreme(small, reach, Math.max), reach, Math.min), reach);
  return across === width && down === height ? small : enlarged(small, width, height);
}

function medianOfNine({ pixels, width, height }) {
  const nine = new Uint8Array(9);
  return image(
    width,
    height,
    pixels.map((_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      for (let n = 0; n < 9; n++) {
        nine[n] = pixels[clip(y - 1 + Math.floor(n / 3), 0, height - 1) * width + clip(x - 1 + (n % 3), 0, width - 1)];
      }
      return nine.sort()[4];
    }),
  );
}

// The largest or smallest value in a square around each pixel, by rows and then by columns.
function extreme(picture, reach, choose) {
  return byRowsAndColumns(picture, ({ pixels, width, height }) =>
    image(
      width,
      height,
      pixels.map((_, i) => {
        const x = i % width;
        return choose(...pixels.subarray(i - Math.min(x, reach), i + Math.min(width - 1 - x, reach) + 1));
      }),
    ),
  );
}

function meanAround(picture, reach) {
  const side = 2 * reach + 1;
  const sums = filtered(picture, new Array(side).fill(1));
  return image(
    picture.width,
    picture.height,
    Uint8Array.from(sums, (sum) => even(sum / side ** 2)),
  );
}

// The standard deviation of the noise from pixel to pixel (Immerkaer, 1996), with the median in place of the mean.
function pixelNoise(light) {
  const rough = Uint8Array.from(filtered(light, [1, -2, 1]), (value) => Math.min(255, Math.abs(value)));
  return firstReaching(histogram(rough), rough.length / 2) / 0.6745 / 6;
}

// The first value at which the cumulative count reaches `wanted`.
function firstReaching(counts, wanted) {
  let sum = 0;
  for (let value = 0; value < counts.length; value++) {
    sum += counts[value];
    if (sum >= wanted) return value;
  }
  return counts.length;
}

function noiseLevel(counts, noise) {
  const end = split(counts);
  return Math.min(
    spread(counts),
    Math.max(spread(counts.map((count, value) => (value <= end ? count : 0))), MIN_NOISE_SIGMAS * noise),
  );
}

function spread(counts) {
  const half = total(counts) / 2;
  const middle = firstReaching(counts, half);
  const deviations = new Float64Array(256);
  counts.forEach((count, value) => {
    deviations[Math.abs(value - middle)] += count;
  });
  return middle + MIN_NOISE_SIGMAS * Math.max(1.4826 * firstReaching(deviations, half), 1);
}

function fullStrength(counts, noise) {
  const above = counts.map((count, value) => (value > noise ? count : 0));
  if (!above.some(Boolean)) return 0;
  const end = split(above);
  let stronger = above.map((count, value) => (value > end ? count : 0));
  if (!stronger.some(Boolean)) stronger = above;
  return total(stronger.map((count, value) => count * value)) / total(stronger);
}

// Otsu's threshold: the last value of the weaker of two classes.
function split(counts) {
  const weights = new Float64Array(256);
  const sums = new Float64Array(256);
  let [weight, sum] = [0, 0];
  counts.forEach((count, value) => {
    weights[value] = weight += count;
    sums[value] = sum += count * value;
  });
  let [best, at] = [0, 0];
  for (let value = 0; value < 256; value++) {
    const within = weights[value] * (weight - weights[value]);
    const between = within > 0 ? ((sum * weights[value]) / weight - sums[value]) ** 2 / within : 0;
    if (between > best) [best, at] = [between, value];
  }
  return at;
}
