// A table that a person changes: whether its sums agree, as tables/checks.py checks them when it is read, and rows and columns
// that are joined or split.

// Whether a cell has content, even if it could not be read.
export const isFilled = ({ value, accepted }) => value !== "" || !accepted;

// Check the sums of a table. Returns the cells of those that agree, which are right, even if the reader was in doubt; and a
// sentence such as "totals agree in 22 of 24 rows", which is empty for a table without sums.
export function checkSums({ rows, row_sums, column_sums }) {
  const agreed = new Set();
  const counts = [["rows", rows, row_sums], ["columns", transposed(rows), column_sums]].filter(([, , start]) => start !== null)
    .map(([name, lines, start]) => {
      const known = lines.map((line) => line.slice(start)).filter((line) => isSum(line) !== null);
      const right = known.filter(isSum);
      for (const cell of right.flat()) agreed.add(cell);
      return `${right.length} of ${known.length} ${name}`;
    });
  return { agreed, agreement: counts.length ? `totals agree in ${counts.join(" and ")}` : "" };
}

// Whether the last cell is the sum of those before it; null if that is unknown.
function isSum(cells) {
  const addends = cells.slice(0, -1).filter(isFilled).map(decimalOf);
  const total = decimalOf(cells.at(-1));
  if (total === null || addends.length < 2 || addends.includes(null)) return null;
  const places = Math.max(...[total, ...addends].map(({ decimals }) => decimals));
  const scaled = ({ digits, decimals }) => digits * 10n ** BigInt(places - decimals);
  return scaled(total) === 0n ? null : addends.reduce((sum, each) => sum + scaled(each), 0n) === scaled(total);
}

// A decimal number as its digits and how many of them are decimals; null for dates, times and ambiguous numbers.
function decimalOf({ value, number }) {
  const found = /^([-+]?\d+)(?:[.,](\d+))?$/.exec(number ?? value);
  if (!found) return null;
  const [, whole, decimals = ""] = found;
  return { digits: BigInt(whole + decimals), decimals: decimals.length };
}

// Join or split rows and columns, given by their index; null if there is no next one to join.
export const joinColumns = (rows, column) => join(rows, column);
export const joinRows = (rows, row) => transposed(join(transposed(rows), row));
export const splitColumn = (rows, column) => split(rows, column, 0);
export const splitRow = (rows, row) => transposed(split(transposed(rows), row, 1));

const transposed = (rows) => rows?.[0].map((_, i) => rows.map((cells) => cells[i])) ?? null;

function join(rows, column) {
  if (column + 1 >= rows[0].length) return null;
  return rows.map((cells) => cells.toSpliced(column, 2, joined(cells[column], cells[column + 1])));
}

// The new column gets half of each cell's box, right of the middle or below it, and nothing else; `side` is 0 for left, 1 for top.
function split(rows, column, side) {
  return rows.map((cells) => {
    const { box } = cells[column];
    const middle = Math.round((box[side] + box[side + 2]) / 2);
    return cells.toSpliced(column, 1, { ...cells[column], box: box.with(side + 2, middle) }, empty(box.with(side, middle)));
  });
}

function joined(a, b) {
  const filled = [a, b].filter(isFilled);
  const box = a.box.map((end, i) => (i < 2 ? Math.min : Math.max)(end, b.box[i]));
  if (filled.length < 2) return { ...(filled[0] ?? a), box };
  return { ...empty(box), value: a.value + b.value, accepted: false, reason: "two cells were joined" };
}

const empty = (box) => ({ value: "", number: null, confidence: 1, accepted: true, reason: null, box, index: null });
