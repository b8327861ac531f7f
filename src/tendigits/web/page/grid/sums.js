// Whether the sums of a table agree after a person has changed it, as tables/checks.py checks them when it is read.

// Whether a cell has content, even if it could not be read.
export const isFilled = ({ value, accepted }) => value !== "" || !accepted;

// A sentence such as "totals agree in 22 of 24 rows"; null for a table without sums.
export function agreement(table) {
  const counts = sumLines(table).map(({ name, lines, start }) => {
    const known = lines.map((line) => isSum(line.map(({ cell }) => cell), start)).filter((agrees) => agrees !== null);
    return `${known.filter(Boolean).length} of ${known.length} ${name}`;
  });
  return counts.length ? `totals agree in ${counts.join(" and ")}` : null;
}

// The cells of rows and columns whose sum agrees, as "row,column": they are right, even if the reader was in doubt.
export function agreeing(table) {
  const right = sumLines(table).flatMap(({ lines, start }) =>
    lines.filter((line) => isSum(line.map(({ cell }) => cell), start)).flatMap((line) => line.slice(start)));
  return new Set(right.map(({ place }) => place));
}

// Rows, columns or both, whose last cell is the sum of the others from `start` on.
function sumLines({ rows, row_sums, column_sums }) {
  const cells = rows.map((row, i) => row.map((cell, j) => ({ cell, place: `${i},${j}` })));
  const columns = cells[0].map((_, j) => cells.map((row) => row[j]));
  return [{ name: "rows", lines: cells, start: row_sums }, { name: "columns", lines: columns, start: column_sums }]
    .filter(({ start }) => start !== null);
}

// Whether the last cell is the sum of those before it; null if that is unknown.
function isSum(cells, start) {
  const addends = cells.slice(start, -1).filter(isFilled).map(meaning);
  const total = meaning(cells.at(-1));
  if (total === null || addends.length < 2 || addends.includes(null)) return null;
  const places = Math.max(...[total, ...addends].map(({ decimals }) => decimals));
  const scaled = ({ digits, decimals }) => digits * 10n ** BigInt(places - decimals);
  return scaled(total) === 0n ? null : addends.reduce((sum, each) => sum + scaled(each), 0n) === scaled(total);
}

// A decimal number as its digits and how many of them are decimals; null for dates, times and ambiguous numbers.
function meaning({ value, number }) {
  const found = /^([-+]?)(\d+)(?:[.,](\d+))?$/.exec(number ?? value);
  if (!found) return null;
  const [, sign, whole, decimals = ""] = found;
  const digits = BigInt(whole + decimals);
  return { digits: sign === "-" ? -digits : digits, decimals: decimals.length };
}
