// Join what several views of a number show to one answer; lines/vote.py in JavaScript.

import { most, total } from "./arrays.js";
import { constants } from "./constants.js";
import { indexOfMost, middleOf, overlap } from "./decode.js";
import { isUsual } from "./numbers.js";
import { inStrip } from "./strips.js";

const { CHARACTERS, HEIGHT, MOST_DOUBTFUL, MOST_OPTIONS, OVERLAP, POSSIBLE, READ, UNUSUAL } = constants["lines.vote"];

// What the views show at one place: the mean probability of each character.
export function candidateOf(shares, box) {
  return { shares, box, label: CHARACTERS[indexOfMost(shares)], confidence: most(shares), present: total(shares) };
}

// What is read in a view.
export function textOf(peaks) {
  return peaks.filter(({ present }) => present >= READ).map(({ label }) => label).join("");
}

// What is `read`, from left to right, and what is `dropped`, there by less than half of the evidence. A view has no say
// about what lies beyond its ends.
export function vote(views) {
  const first = views[0].strip;
  const spans = views.map(({ strip }) => inStrip(strip, [0, 0, strip.picture.width, HEIGHT], first));
  let left = views.flatMap((view, n) => view.peaks.map((peak) => ({ box: inStrip(view.strip, peak.box, first), peak, n })));
  left.sort((a, b) => b.peak.confidence - a.peak.confidence);
  const candidates = [];
  while (left.length) {
    const { box } = left[0];
    const group = new Map([[left[0].n, left[0].peak]]);
    const rest = [];
    for (const entry of left.slice(1)) {
      if (!group.has(entry.n) && overlap(box, entry.box) >= OVERLAP) group.set(entry.n, entry.peak);
      else rest.push(entry);
    }
    left = rest;
    const nViews = spans.filter(([start, , end], n) => group.has(n) || (start <= middleOf(box) && middleOf(box) <= end)).length;
    const peaks = [...group.values()];
    const shares = Array.from(CHARACTERS, (_, i) => total(peaks.map((peak) => peak.probabilities[i] * peak.present)) / nViews);
    candidates.push(candidateOf(shares, box));
  }
  candidates.sort((a, b) => middleOf(a.box) - middleOf(b.box));
  return { read: candidates.filter((each) => each.present >= READ), dropped: candidates.filter((each) => each.present < READ) };
}

// Weigh what the characters of a number may be by how frequent numbers of such a form are.
export function asPeopleWrite(read) {
  const options = read.map(optionsOf);
  const doubtful = [...options.keys()].filter((i) => options[i].length > 1).sort((a, b) => read[a].confidence - read[b].confidence);
  for (const i of doubtful.splice(MOST_DOUBTFUL)) options[i] = options[i].slice(0, 1);
  const score = (chosen) => (
    total(chosen.map((k, i) => Math.log(read[i].shares[k]))) + (isUsual(chosen.map((k) => CHARACTERS[k]).join("")) ? 0 : UNUSUAL));
  let chosen = [[]];
  for (const own of options) chosen = chosen.flatMap((before) => own.map((k) => [...before, k]));
  const scores = chosen.map(score);
  const best = chosen[indexOfMost(scores)];
  const weighed = [...read];
  for (const i of doubtful) {
    const weights = options[i].map((k) => Math.exp(score(best.with(i, k)) - score(best)));
    const [both, sum] = [total(options[i].map((k) => read[i].shares[k])), total(weights)];
    const shares = [...read[i].shares];
    options[i].forEach((k, n) => { shares[k] = weights[n] / sum * both; });
    weighed[i] = candidateOf(shares, read[i].box);
  }
  return weighed;
}

// Which of CHARACTERS it may be, the most probable first.
function optionsOf({ shares }) {
  const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, MOST_OPTIONS);
  return order.filter((k, n) => n === 0 || shares[k] >= POSSIBLE);
}
