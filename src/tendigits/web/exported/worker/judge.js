// From a reading to a result, with the fields of the API; read/judge.py in JavaScript.

import { even } from "./arrays.js";
import { constants } from "./constants.js";
import { isUsual, toDecimal } from "./numbers.js";
import { inPicture } from "./strips.js";
import { confidenceOf, evidence } from "./trust.js";

const { BESIDE, CHARACTERS, NARROW, POSSIBLE } = constants["read.judge"];

// `trust` weighs the evidence, `mark` parts decimals, and `scale` is pixels of the picture for each of the page.
export function judge(reading, trust, mark, scale) {
  const confidence = confidenceOf(evidence(reading), trust);
  const accepted = confidence >= trust.threshold;
  const characters = reading.characters.map((candidate, i) => {
    const others = alternatives(candidate, reading.second[i]);
    const box = inPicture(reading.strip, candidate.box).map((edge) => even(scale * edge));
    return { label: candidate.label, confidence: candidate.confidence, accepted: accepted || !others.length, alternatives: others, box };
  });
  const edge = (i, choose) => choose(...characters.map(({ box }) => box[i]));
  return {
    value: reading.text, number: toDecimal(reading.text, mark), confidence, accepted,
    reason: accepted ? null : reasonOf(reading, characters),
    box: [edge(0, Math.min), edge(1, Math.min), edge(2, Math.max), edge(3, Math.max)], characters,
  };
}

// What else a character may be, with probabilities, the most probable first; "" is nothing.
function alternatives(candidate, second) {
  const shares = Array.from(CHARACTERS, (label, i) => [label, Math.max(candidate.shares[i], second[i] ?? 0)]);
  return [...shares, ["", 1 - candidate.present]]
    .filter(([label, share]) => label !== candidate.label && share >= POSSIBLE)
    .sort((a, b) => b[1] - a[1]);
}

// Why a number isn't accepted.
function reasonOf({ text, dropped, beside, room }, characters) {
  const others = characters.flatMap((character, i) => character.alternatives.map(([label, share]) =>
    ({ share, text: text.slice(0, i) + label + text.slice(i + 1) })));
  if (others.length) {
    const best = others.reduce((a, b) => (b.share > a.share || (b.share === a.share && b.text > a.text) ? b : a));
    return `may be ${text} or ${best.text || "nothing"}`;
  }
  if (!isUsual(text)) return "has no usual form";
  if (dropped.length || beside >= BESIDE) return "something beside it could not be read";
  return room < NARROW ? "may be a part of a longer number" : "is not clear enough";
}
