// The network that reads grey lines; lines/network.py in JavaScript.

import { most, total } from "./arrays.js";
import { constants } from "./constants.js";
import { standardize } from "./preprocess.js";
import { openNetwork } from "./runtime.js";

const { BATCH, GAP, HEIGHT, NONE, STRIDE, STRIP } = constants["lines.network"];

// A function from lines, pictures of one height, to the output for each; it tells `advance` which share is done.
export async function openLines(packed) {
  const run = await openNetwork(packed);
  return async (lines, advance = () => {}) => {
    if (!lines.length) return [];
    const { places, width, n } = pack(lines.map((line) => line.width));
    const strips = new Float32Array(n * HEIGHT * width);
    lines.forEach((line, i) => {
      const values = standardize(line);
      for (let y = 0; y < HEIGHT; y++) {
        strips.set(values.subarray(y * line.width, (y + 1) * line.width), (places[i].strip * HEIGHT + y) * width + places[i].left);
      }
    });
    const size = NONE + 5;
    const output = new Float32Array((n * width * size) / STRIDE);
    for (let first = 0; first < n; first += BATCH) {
      const last = Math.min(n, first + BATCH);
      const part = strips.subarray(first * HEIGHT * width, last * HEIGHT * width);
      output.set((await run(part, [last - first, HEIGHT, width, 1])).data, (first * width * size) / STRIDE);
      advance(last / n);
    }
    return lines.map((line, i) => {
      const start = places[i].strip * width + places[i].left;
      return output.subarray((start * size) / STRIDE, ((start + line.width) * size) / STRIDE);
    });
  };
}

// Put lines into as few strips as possible, the widest first: the strip and the left edge of each.
function pack(widths) {
  const width = Math.max(most(widths), Math.min(STRIP, total(widths) + GAP * (widths.length - 1)));
  const ends = [];
  const places = [];
  for (const i of [...widths.keys()].sort((a, b) => widths[b] - widths[a])) {
    let strip = ends.findIndex((end) => end + widths[i] <= width);
    if (strip < 0) strip = ends.push(0) - 1;
    places[i] = { strip, left: ends[strip] };
    ends[strip] += widths[i] + GAP;
  }
  return { places, width, n: ends.length };
}
