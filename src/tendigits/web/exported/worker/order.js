// The reading order of numbers on a page; lines/order.py in JavaScript.

import { median } from "./arrays.js";
import { constants } from "./constants.js";

const { SAME_ROW } = constants["lines.order"];

// Rows from top to bottom, each from left to right, as indices of `places`.
export function inRows(places) {
  if (!places.length) return [];
  const angle = median(places.map((place) => place.angle));
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const along = places.map(({ x, y }) => x * cos + y * sin);
  const across = places.map(({ x, y }) => y * cos - x * sin);
  const rows = [];
  for (const i of [...places.keys()].sort((a, b) => along[a] - along[b])) {
    let [nearest, best] = [null, Infinity];
    for (const row of rows) {
      const last = row.at(-1);
      const apart = Math.abs(across[i] - across[last]);
      if (apart <= SAME_ROW * Math.min(places[i].height, places[last].height) && apart < best) [nearest, best] = [row, apart];
    }
    if (nearest) nearest.push(i);
    else rows.push([i]);
  }
  const height = (row) => median(row.map((i) => across[i]));
  return rows.sort((a, b) => height(a) - height(b));
}
