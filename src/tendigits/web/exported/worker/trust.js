// How probable it is that a number was read right; lines/trust.py, and `evidence` of lines/reading.py, in JavaScript.

import { clip, most, total } from "./arrays.js";
import { constants } from "./constants.js";
import { isDigit } from "./decode.js";
import { isUsual } from "./numbers.js";

const { CERTAIN, CHARACTERS, DIGIT, LEAST, NARROW, SUPPORT, WIDE } = constants["lines.reading"];
const { CLEAREST } = constants["lines.trust"];

// What speaks against a reading, in the order of the weights.
export function evidence({ text, characters, dropped, second, beside, seen, room }) {
  const right = [...characters.map(({ confidence }) => confidence), ...dropped.map(({ present }) => 1 - present)];
  const allRight = clip(right.reduce((product, share) => product * share, 1), LEAST, 1 - LEAST);
  let [contradicted, unsupported] = [0, 0];
  characters.forEach(({ label }, i) => {
    if (!isDigit(label)) return;
    const share = second[i][CHARACTERS.indexOf(label)];
    const best = most(second[i]);
    if (share < best && best >= CERTAIN) contradicted++;
    if (share < SUPPORT) unsupported++;
  });
  const gaps = characters.slice(1).map(({ box }, i) => (box[0] - characters[i].box[2]) / DIGIT);
  const share = (differs) => seen.filter(differs).length / seen.length;
  return [
    Math.min(0, Math.log(allRight / (1 - allRight)) - CLEAREST), share((other) => other !== text), share((other) => digitsOf(other) !== digitsOf(text)),
    contradicted, unsupported, beside, isUsual(text) ? 0 : 1,
    Math.max(0, (gaps.length ? most(gaps) : 0) - WIDE), Math.max(0, NARROW - room),
  ];
}

function digitsOf(text) {
  return [...text].filter(isDigit).join("");
}

export function confidenceOf(values, { weights, bias }) {
  return 1 / (1 + Math.exp(-bias - total(weights.map((weight, i) => weight * values[i]))));
}
