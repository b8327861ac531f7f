// From a first look at the places that the finder found to the numbers that stand there; lines/first_look.py in JavaScript.

import { clip, least, median, most } from "./arrays.js";
import { constants } from "./constants.js";
import { isDigit, middleOf } from "./decode.js";
import { samePlace } from "./finder.js";
import { onPage } from "./strips.js";

const { DIGIT, HELD, MOST_CHANGE, MOST_CROPS, MOVED, NARROWEST_TOOTH, PART, READ, SPLIT, WIDEST_TOOTH } = constants["lines.first_look"];

// The numbers that a first look shows in a place: their ends and heights, from the boxes of their characters.
export function numbersIn(place, { strip, peaks, sides }) {
  const characters = peaks.filter((peak) => peak.present >= READ).sort((a, b) => a.box[0] - b.box[0]);
  const parted = partings(sides, digitHeight(characters));
  const groups = [];
  for (const peak of characters) {
    const group = groups.at(-1);
    const between = (x) => middleOf(group.at(-1).box) < x && x < middleOf(peak.box);
    if (!group || peak.box[0] - most(group.map((each) => each.box[2])) >= SPLIT * DIGIT || parted.some(between)) groups.push([peak]);
    else group.push(peak);
  }
  const numbers = [];
  for (const group of groups) {
    const digits = group.filter((peak) => isDigit(peak.label));
    if (!digits.length) continue;
    const [left, right] = [least(group.map((peak) => peak.box[0])), most(group.map((peak) => peak.box[2]))];
    if (right < strip.ends[0] || left > strip.ends[1]) continue;
    const usual = digits.filter((peak) => peak.label !== "1"); // a 1 is often higher
    const full = most((usual.length ? usual : digits).map(heightOf));
    const high = digits.filter((peak) => heightOf(peak) >= 0.8 * full);
    const middle = median(high.map(({ box }) => box[1] + box[3])) / 2;
    const unit = place.height / DIGIT;
    const [x, y] = onPage(strip, (left + right) / 2, middle);
    const height = clip(full * unit, place.height / MOST_CHANGE, place.height * MOST_CHANGE);
    const number = { ...place, x, y, length: (right - left) * unit, height };
    numbers.push(isNearly(place, number) ? place : number);
  }
  return numbers;
}

function isNearly(a, b) {
  const away = Math.hypot(a.x - b.x, a.y - b.y) + Math.abs(a.length - b.length) / 2;
  return Math.max(away, Math.abs(a.height - b.height)) < MOVED * a.height;
}

// Group places that show one number, the longest first: others are further views of it, unless they show a part.
// A place that holds several much smaller numbers is none: a small copy of a page makes a shape of a few cells.
export function same(places) {
  const groups = [];
  const within = (part, place) => part.height * MOST_CHANGE < place.height && samePlace(part, place);
  const numbers = places.filter((place) => places.filter((other) => within(other, place)).length < HELD);
  for (const place of numbers.sort((a, b) => b.length - a.length)) {
    const near = groups.find(([longest]) => samePlace(place, longest));
    if (!near) groups.push([place]);
    else if (near.length < MOST_CROPS && place.length > PART * near[0].length && place.height > PART * near[0].height) near.push(place);
  }
  return groups;
}

// Where the sides of cells part numbers: columns of a strip. Between the teeth of a comb, a number goes on.
function partings(sides, height) {
  const middles = sides.map(middleOf);
  const isTooth = (i) => {
    const pitch = (middles[i + 1] - middles[i]) / height; // NaN, which is no tooth, beyond the ends
    return NARROWEST_TOOTH <= pitch && pitch <= WIDEST_TOOTH;
  };
  return middles.filter((_, i) => !isTooth(i - 1) && !isTooth(i));
}

function heightOf({ box }) {
  return box[3] - box[1];
}

function digitHeight(characters) {
  const heights = characters.filter((each) => isDigit(each.label)).map(heightOf);
  return heights.length ? median(heights) : DIGIT;
}
