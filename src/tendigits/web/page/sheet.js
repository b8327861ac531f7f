// What a spreadsheet knows: the names of columns, what a value means, and whether sums agree.

// A, B, ..., Z, AA, ... for 0, 1, ...
export function letters(number) {
  return (number >= 26 ? letters(Math.floor(number / 26) - 1) : "") + String.fromCharCode(65 + number % 26);
}

// Whether something stands in a cell, though it may not have been read.
export const isFilled = ({ value, accepted }) => value !== "" || !accepted;

// Of a table of the API: "totals agree in 22 of 24 rows"; null where nothing is a sum.
export function agreement({ rows, row_sums, column_sums }) {
  const told = [];
  if (row_sums !== null) told.push(count(rows, row_sums, "rows"));
  if (column_sums !== null) told.push(count(rows[0].map((_, i) => rows.map((cells) => cells[i])), column_sums, "columns"));
  return told.length ? `totals agree in ${told.join(" and ")}` : null;
}

// The cells of rows and columns whose sum agrees, as "row,column": they are right, whatever the reader doubted.
export function agreeing({ rows, row_sums, column_sums }) {
  const found = new Set();
  rows.forEach((cells, row) => {
    if (row_sums !== null && isSum(cells, row_sums)) cells.forEach((_, column) => column >= row_sums && found.add(`${row},${column}`));
  });
  rows[0].forEach((_, column) => {
    const cells = rows.map((each) => each[column]);
    if (column_sums !== null && isSum(cells, column_sums)) cells.forEach((_, row) => row >= column_sums && found.add(`${row},${column}`));
  });
  return found;
}

function count(lines, start, name) {
  const told = lines.map((line) => isSum(line, start)).filter((agrees) => agrees !== null);
  return `${told.filter(Boolean).length} of ${told.length} ${name}`;
}

// Whether the last cell is the sum of those before it; null where that can't be told.
function isSum(line, start) {
  const addends = line.slice(start, -1).filter(isFilled).map(meaning);
  const total = meaning(line.at(-1));
  if (total === null || addends.length < 2 || addends.includes(null)) return null;
  const places = Math.max(...[total, ...addends].map(([, decimals]) => decimals));
  const scaled = ([digits, decimals]) => digits * 10n ** BigInt(places - decimals);
  return scaled(total) === 0n ? null : addends.reduce((sum, each) => sum + scaled(each), 0n) === scaled(total);
}

// The digits of a number and how many of them are decimals; null for dates, times and what has several meanings.
function meaning({ value, number }) {
  const found = /^([-+]?)(\d+)(?:[.,](\d+))?$/.exec(number ?? value);
  if (!found) return null;
  const [, sign, whole, decimals = ""] = found;
  const digits = BigInt(whole + decimals);
  return [sign === "-" ? -digits : digits, decimals.length];
}
