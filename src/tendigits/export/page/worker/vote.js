// Join what several views of a number show to one answer; lines/vote.py in JavaScript.

import { most, total } from "./arrays.js";
import { constants } from "./constants.js";
import { indexOfMost, middleOf, overlap } from "./decode.js";
import { inStrip } from "./strips.js";

const { CHARACTERS, HEIGHT, OVERLAP, READ } = constants["lines.vote"];

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
