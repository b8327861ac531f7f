// Locate the digit in a picture of one; digits/find.py in JavaScript.

import { even } from "./arrays.js";
import { DIGIT_SIDE, FIELD, SMALL_SIDE } from "./constants.js";
import { findForeground } from "./foreground.js";
import { toMnist } from "./preprocess.js";
import { enlargedSmoothly, shrunk } from "./resize.js";
import { cut, findComponents, hasOthers, mainComponent } from "./segment.js";

// The digit's crop, 784 bytes, white on black, all 0 if nothing was found; and whether it is the only one.
export function findDigit(picture) {
  const grey = scaled(picture);
  const foreground = findForeground(grey);
  if (foreground) {
    const found = findComponents(foreground);
    const digit = mainComponent(found, grey.width, grey.height);
    if (digit) return { crop: toMnist(cut(digit, found.labels, foreground)), alone: !hasOthers(found, digit, grey.width, grey.height) };
  }
  return { crop: new Uint8Array(FIELD * FIELD), alone: true };
}

// Shrink a large picture, and enlarge a tiny one, so that thin strokes stay connected.
function scaled(picture) {
  const { width, height } = picture;
  const longest = Math.max(width, height);
  if (longest > DIGIT_SIDE) {
    return shrunk(picture, Math.max(1, even((width * DIGIT_SIDE) / longest)), Math.max(1, even((height * DIGIT_SIDE) / longest)));
  }
  if (longest >= SMALL_SIDE) return picture;
  const times = Math.ceil(SMALL_SIDE / longest);
  return enlargedSmoothly(picture, width * times, height * times);
}
