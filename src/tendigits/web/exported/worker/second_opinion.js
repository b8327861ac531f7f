// The network for single digits looks at each character that the line network found; lines/second_opinion.py in JavaScript.

import { cutOut, even, least, median, most } from "./arrays.js";
import { constants } from "./constants.js";
import { toMnist } from "./preprocess.js";
import { findComponents } from "./segment.js";

const { AROUND, CLOSE, FIELD, NEIGHBOUR, WEAK } = constants["lines.second_opinion"];

// Crops of the characters of a line, 784 bytes each; all 0 where nothing is seen.
export function cropsOf(foreground, boxes) {
  return boxes.map(([left, top, right, bottom]) => (foreground ? toMnist(withoutNeighbours(cutOut(foreground,
    Math.max(0, even(left) - AROUND), Math.max(0, even(top) - AROUND),
    Math.min(foreground.width, even(right) + AROUND), Math.min(foreground.height, even(bottom) + AROUND)))) : new Uint8Array(FIELD * FIELD)));
}

// The area of strokes within a number or close to it that belong to none of its characters, in squares of a digit's height.
export function strokesBeside(foreground, boxes, digitHeight) {
  if (!foreground || !boxes.length) return 0;
  const edges = (i) => boxes.map((box) => box[i]);
  const room = CLOSE * digitHeight;
  const [first, last] = [Math.max(0, even(least(edges(0)) - room)), even(most(edges(2)) + room)];
  const [top, bottom] = [Math.max(0, even(median(edges(1)))), Math.max(1, even(median(edges(3))))];
  const own = boxes.map((box) => box.map(even));
  let area = 0;
  for (let y = top; y < Math.min(bottom, foreground.height); y++) {
    for (let x = first; x < Math.min(last, foreground.width); x++) {
      if (foreground.pixels[y * foreground.width + x] < WEAK) continue;
      const inside = ([left, above, right, below]) => x >= left - AROUND && x < right + AROUND && y >= above - AROUND && y < below + AROUND;
      if (!own.some(inside)) area++;
    }
  }
  return area / digitHeight ** 2;
}

function withoutNeighbours(cut) {
  const { labels, components } = findComponents(cut);
  if (components.length < 2) return cut;
  const largest = most(components.map((component) => component.area));
  const kept = new Set(components.filter(({ area }) => area >= NEIGHBOUR * largest).flatMap(({ parts }) => parts));
  return { ...cut, pixels: cut.pixels.map((value, at) => (kept.has(labels[at]) ? value : 0)) };
}
