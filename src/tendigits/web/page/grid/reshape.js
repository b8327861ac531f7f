// Join or split rows and columns of a table at a cell, given by row and column; null if there is no next one to join.

import { isFilled } from "./sums.js";

export function joinColumns(rows, { column }) {
  if (column + 1 >= rows[0].length) return null;
  return rows.map((cells) => cells.toSpliced(column, 2, joined(cells[column], cells[column + 1])));
}

export function joinRows(rows, { row }) {
  if (row + 1 >= rows.length) return null;
  return rows.toSpliced(row, 2, rows[row].map((cell, i) => joined(cell, rows[row + 1][i])));
}

// The new column to the right, or the new row below, gets half of each cell's box and nothing else.
export function splitColumn(rows, { column }) {
  return rows.map((cells) => {
    const [left, top, right, bottom] = cells[column].box;
    const middle = Math.round((left + right) / 2);
    return cells.toSpliced(column, 1, { ...cells[column], box: [left, top, middle, bottom] }, empty([middle, top, right, bottom]));
  });
}

export function splitRow(rows, { row }) {
  const halves = rows[row].map((cell) => {
    const [left, top, right, bottom] = cell.box;
    const middle = Math.round((top + bottom) / 2);
    return [{ ...cell, box: [left, top, right, middle] }, empty([left, middle, right, bottom])];
  });
  return rows.toSpliced(row, 1, halves.map(([upper]) => upper), halves.map(([, lower]) => lower));
}

function joined(a, b) {
  const filled = [a, b].filter(isFilled);
  const box = [Math.min(a.box[0], b.box[0]), Math.min(a.box[1], b.box[1]), Math.max(a.box[2], b.box[2]), Math.max(a.box[3], b.box[3])];
  if (filled.length < 2) return { ...(filled[0] ?? a), box };
  return { ...empty(box), value: a.value + b.value, accepted: false, reason: "two cells were joined" };
}

const empty = (box) => ({ value: "", number: null, confidence: 1, accepted: true, reason: null, box, index: null });
