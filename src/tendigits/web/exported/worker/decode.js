// From the line network's output to characters; lines/decode.py in JavaScript.

import { most, softmax, total } from "./arrays.js";
import { constants } from "./constants.js";

const { BAR, CHARACTERS, CLASSES, HEIGHT, LEAST, NEAR, NONE, OVERLAP, STRIDE } = constants["lines.decode"];

// Of one line: `peaks`, the characters from left to right, and `sides`, those of cells. `output` holds, for each place, a
// logit for each class and the distances to the four edges of what has its centre there. Boxes are [left, top, right, bottom].
export function decode(output) {
  const size = NONE + 5;
  const seen = Array.from({ length: output.length / size }, (_, place) => {
    const said = Array.from(output.subarray(place * size, (place + 1) * size));
    const shares = softmax(said.slice(0, NONE + 1));
    const [left, top, right, bottom] = said.slice(NONE + 1).map((edge) => edge * HEIGHT);
    const x = (place + 0.5) * STRIDE;
    return { place, shares, something: 1 - shares[NONE], box: [x - left, HEIGHT / 2 - top, x + right, HEIGHT / 2 + bottom] };
  });
  const kept = [];
  for (const each of seen.filter(({ something }) => something >= LEAST).sort((a, b) => b.something - a.something)) {
    each.label = indexOfMost(each.shares.slice(0, NONE));
    const again = (other) => overlap(each.box, other.box) >= OVERLAP
      || (each.label === other.label && Math.abs(each.place - other.place) * STRIDE < NEAR);
    if (!kept.some(again)) kept.push(each);
  }
  const [peaks, sides] = [[], []];
  kept.sort((a, b) => middleOf(a.box) - middleOf(b.box));
  for (const { shares, box } of kept) {
    const characters = shares.slice(0, CHARACTERS.length);
    const present = total(characters);
    if (shares[CLASSES.indexOf(BAR)] > Math.max(present, shares[NONE])) sides.push(box);
    if (present < LEAST) continue;
    const probabilities = characters.map((share) => share / present);
    peaks.push({ label: CHARACTERS[indexOfMost(probabilities)], present, probabilities, confidence: present * most(probabilities), box });
  }
  return { peaks, sides };
}

// The area that two boxes share, of what they cover together.
export function overlap(a, b) {
  const [width, height] = [Math.min(a[2], b[2]) - Math.max(a[0], b[0]), Math.min(a[3], b[3]) - Math.max(a[1], b[1])];
  if (width <= 0 || height <= 0) return 0;
  const both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height;
  return (width * height) / Math.max(both, 1e-6);
}

export function middleOf(box) {
  return (box[0] + box[2]) / 2;
}

export function indexOfMost(values) {
  return values.indexOf(most(values));
}

export function isDigit(label) {
  return label >= "0" && label <= "9";
}
