// Open pictures, and locate the digit in a picture of one; digits/find.py in JavaScript.

import { even } from "./arrays.js";
import { constants } from "./constants.js";
import { findForeground } from "./foreground.js";
import { toMnist } from "./preprocess.js";
import { enlargedSmoothly, shrunk } from "./resize.js";
import { cut, findComponents, hasOthers, mainComponent } from "./segment.js";

const { DIGIT_SIDE, FIELD, PAGE_SIDE, SMALL_SIDE } = constants["digits.find"];

// The digit in a picture of one: its crop, 784 bytes, white on black, all 0 if nothing was found; and whether it is alone.
export function findDigit(picture) {
  const grey = opened(picture, DIGIT_SIDE);
  const foreground = findForeground(grey);
  if (foreground) {
    const found = findComponents(foreground);
    const digit = mainComponent(found, grey.width, grey.height);
    if (digit) return { crop: toMnist(cut(digit, found.labels, foreground)), alone: !hasOthers(found, digit, grey.width, grey.height) };
  }
  return { crop: new Uint8Array(FIELD * FIELD), alone: true };
}

export function openPage(picture) {
  return opened(picture, PAGE_SIDE);
}

// Shrunk to this longest side; a tiny picture is enlarged, so that thin strokes stay connected.
function opened(picture, side) {
  const { width, height } = picture;
  const longest = Math.max(width, height);
  if (longest > side) return shrunk(picture, Math.max(1, even((width * side) / longest)), Math.max(1, even((height * side) / longest)));
  if (longest >= SMALL_SIDE) return picture;
  const times = Math.ceil(SMALL_SIDE / longest);
  return enlargedSmoothly(picture, width * times, height * times);
}
