// From a picture of one digit to the network's input; digits/find.py in JavaScript.

import { even } from "./arrays.js";
import { findForeground } from "./foreground.js";
import { FIELD, toMnist } from "./preprocess.js";
import { enlargedSmoothly, shrunk } from "./resize.js";
import { cut, findComponents, hasOthers, mainComponent } from "./segment.js";

const DIGIT_SIDE = 160;
const SMALL_SIDE = 64;

// The digit's crop, 784 bytes, white on black, all 0 if nothing was found; and whether it is the only one.
export function findDigit(picture) {
  const foreground = findForeground(scaled(picture));
  const found = foreground && findComponents(foreground);
  const digit = found && mainComponent(found);
  if (!digit) return { crop: new Uint8Array(FIELD * FIELD), alone: true };
  return { crop: toMnist(cut(digit, found, foreground)), alone: !hasOthers(found, digit) };
}

// Shrink a large picture, and enlarge a tiny one, so that thin strokes stay connected.
function scaled(picture) {
  const { width, height } = picture;
  const longest = Math.max(width, height);
  if (longest > DIGIT_SIDE) {
    return shrunk(
      picture,
      Math.max(1, even((width * DIGIT_SIDE) / longest)),
      Math.max(1, even((height * DIGIT_SIDE) / longest)),
    );
  }
  if (longest >= SMALL_SIDE) return picture;
  const times = Math.ceil(SMALL_SIDE / longest);
  return enlargedSmoothly(picture, width * times, height * times);
}
