// Rows and columns of a table, joined or split where a cell is; null where there is no next one to join.

import { isFilled } from "./sheet.js";

const hull = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];

function joined(a, b) {
  const filled = [a, b].filter(isFilled);
  if (filled.length < 2) return { ...(filled[0] ?? a), box: hull(a.box, b.box) };
  return { ...a, box: hull(a.box, b.box), value: a.value + b.value, number: null, accepted: false, done: false, line: null, reason: "two cells were joined" };
}

const empty = (box) => ({ value: "", number: null, confidence: 1, accepted: true, reason: null, box, line: null });

export function joinColumns(rows, [, column]) {
  if (column + 1 >= rows[0].length) return null;
  for (const cells of rows) cells.splice(column, 2, joined(cells[column], cells[column + 1]));
  return rows;
}

export function joinRows(rows, [row]) {
  if (row + 1 >= rows.length) return null;
  rows.splice(row, 2, rows[row].map((cell, i) => joined(cell, rows[row + 1][i])));
  return rows;
}

// A new column behind this one, or a new row below; each has the farther half of the cells' boxes.
export function splitColumn(rows, [, column]) {
  for (const cells of rows) {
    const cell = cells[column];
    const [left, top, right, bottom] = cell.box;
    const middle = Math.round((left + right) / 2);
    cells.splice(column, 1, { ...cell, box: [left, top, middle, bottom] }, empty([middle, top, right, bottom]));
  }
  return rows;
}

export function splitRow(rows, [row]) {
  const upper = rows[row].map((cell) => ({ ...cell, box: [cell.box[0], cell.box[1], cell.box[2], Math.round((cell.box[1] + cell.box[3]) / 2)] }));
  const lower = rows[row].map(({ box: [left, top, right, bottom] }) => empty([left, Math.round((top + bottom) / 2), right, bottom]));
  rows.splice(row, 1, upper, lower);
  return rows;
}
