// How probable it is that a number was read right; lines/trust.py, and `evidence` of lines/reading.py, in JavaScript.

import { least, most, total } from "./arrays.js";
import { constants } from "./constants.js";
import { isDigit } from "./decode.js";
import { isUsual } from "./numbers.js";

const { CERTAIN, CHARACTERS, LEAST, SUPPORT } = constants["lines.reading"];

// What speaks against a reading, in the order of the weights.
export function evidence({ text, characters, dropped, second, beside }) {
  const logs = [
    ...characters.map((each) => Math.log(Math.max(each.confidence, LEAST))),
    ...dropped.map((each) => Math.log(Math.max(1 - each.present, LEAST))),
  ];
  let [contradicted, unsupported] = [0, 0];
  characters.forEach(({ label }, i) => {
    if (!isDigit(label)) return;
    const share = second[i][CHARACTERS.indexOf(label)];
    const best = most(second[i]);
    if (share < best && best >= CERTAIN) contradicted++;
    if (share < SUPPORT) unsupported++;
  });
  return [total(logs), logs.length ? least(logs) : 0, contradicted, unsupported, beside, isUsual(text) ? 0 : 1];
}

export function confidenceOf(values, { weights, bias }) {
  return 1 / (1 + Math.exp(-bias - total(weights.map((weight, i) => weight * values[i]))));
}
