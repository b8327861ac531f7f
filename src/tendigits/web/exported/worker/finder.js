// Find numbers on a page; lines/finder.py in JavaScript. A place is {x, y, angle, length, height, score}, in pixels.

import { clip, even, image, mean, median, most, least, total } from "./arrays.js";
import { constants } from "./constants.js";
import { standardize } from "./preprocess.js";
import { openNetwork } from "./runtime.js";
import { shrunk } from "./resize.js";
import { connected } from "./segment.js";

const { CAP, COARSEST, FINEST, GRID, HIGHEST, LEAST, LONG, LOW, LOWEST, MARGIN, MIDDLE_HEIGHT, MOST, PLACE, STEP } = constants["lines.finder"];

// A function from grey pixels to what the network says: for each place the logit of a number, and log2 of the height.
export async function openFinder(packed) {
  const run = await openNetwork(packed);
  return async (grey) => {
    const { data, dims: [, rows, columns] } = await run(standardize(grey), [1, grey.height, grey.width, 1]);
    const [width, height] = [2 * columns, 2 * rows]; // four places each
    const [logits, heights] = [new Float32Array(width * height), new Float32Array(width * height)];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = ((y >> 1) * columns + (x >> 1)) * 8 + (y & 1) * 4 + (x & 1) * 2;
        logits[y * width + x] = data[at];
        heights[y * width + x] = data[at + 1];
      }
    }
    return { logits, heights, width, height };
  };
}

// The numbers of a page, in no order.
export async function findNumbers(network, grey) {
  const found = [];
  for (const { scale, copy, first } of copies(grey)) {
    found.push(...places(await network(withEdges(copy)), scale, first ? LOWEST : LOW));
  }
  const kept = [];
  for (const place of found.sort((a, b) => b.score - a.score)) {
    if (kept.length === MOST) break;
    if (!kept.some((other) => samePlace(place, other))) kept.push(place);
  }
  return kept;
}

// Smaller and smaller copies of a page, and their scales.
function* copies(grey) {
  const longest = Math.max(grey.width, grey.height);
  const finest = Math.min(1, FINEST / longest);
  for (let scale = finest; scale === finest || longest * scale >= COARSEST; scale /= STEP) {
    const copy = scale === 1 ? grey : shrunk(grey, Math.max(1, even(grey.width * scale)), Math.max(1, even(grey.height * scale)));
    yield { scale, copy, first: scale === finest };
  }
}

// The picture with its edges continued, so that its sides are multiples of GRID.
function withEdges({ pixels, width, height }) {
  const upTo = (size) => Math.ceil((size + 2 * MARGIN) / GRID) * GRID;
  const made = image(upTo(width), upTo(height));
  for (let y = 0; y < made.height; y++) {
    const row = clip(y - MARGIN, 0, height - 1) * width;
    for (let x = 0; x < made.width; x++) made.pixels[y * made.width + x] = pixels[row + clip(x - MARGIN, 0, width - 1)];
  }
  return made;
}

// The numbers of one copy whose digits are at least so high there, in pixels of the picture.
function places({ logits, heights, width, height }, scale, lowest) {
  const shares = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  const pieces = [];
  for (const piece of connected(shares.map((share) => share >= LEAST), width, height).pieces) {
    const digit = MIDDLE_HEIGHT * 2 ** median(piece.map((at) => heights[at]));
    if (digit < lowest || digit > HIGHEST) continue;
    const points = piece.map((at) => [(at % width + 0.5) * PLACE - MARGIN, (Math.floor(at / width) + 0.5) * PLACE - MARGIN]);
    pieces.push({ points, digit, score: mean(piece.map((at) => shares[at])), own: direction(points) });
  }
  // Which way a short number runs, its neighbours tell.
  const angles = pieces.filter(({ points, digit, own }) => extent(points, own) > 3 * digit).map(({ own }) => own);
  const usual = angles.length ? median(angles) : 0;
  return pieces.map(({ points, digit, score, own }) => {
    const angle = extent(points, own) > LONG * digit ? own : usual;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const along = points.map(([x, y]) => x * cos + y * sin);
    const across = mean(points.map(([x, y]) => y * cos - x * sin));
    const [first, last] = [least(along) - PLACE / 2 + CAP * digit, most(along) + PLACE / 2 - CAP * digit];
    const middle = (first + last) / 2;
    return {
      x: (middle * cos - across * sin) / scale, y: (middle * sin + across * cos) / scale, angle,
      length: Math.max(last - first, digit / 4) / scale, height: digit / scale, score,
    };
  });
}

// Along which axis points lie, in radians from -pi / 2 to pi / 2.
function direction(points) {
  if (points.length < 2) return 0;
  const [middleX, middleY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const sum = (product) => total(points.map(([x, y]) => product(x - middleX, y - middleY)));
  return 0.5 * Math.atan2(2 * sum((x, y) => x * y), sum((x) => x * x) - sum((x, y) => y * y));
}

function extent(points, angle) {
  const along = points.map(([x, y]) => x * Math.cos(angle) + y * Math.sin(angle));
  return most(along) - least(along);
}

// Whether two copies of a page show one number, or parts of it.
export function samePlace(a, b) {
  return holds(a, b) || holds(b, a);
}

// Whether b's middle lies on a.
function holds(a, b) {
  const [cos, sin] = [Math.cos(a.angle), Math.sin(a.angle)];
  const [x, y] = [b.x - a.x, b.y - a.y];
  return Math.abs(x * cos + y * sin) <= a.length / 2 && Math.abs(y * cos - x * sin) <= a.height / 2;
}
