// A table that a person changes: its cells, and rows and columns that are joined or split.

const MAX_SUGGESTIONS = 3;

// Whether a cell has content, even if it could not be read.
export const isFilled = ({ value, accepted }) => value !== "" || !accepted;

// Whether a person should check a cell: not one that is `done`. Its sums, once `checked`, decide in place of the reader.
export const isDoubtful = ({ accepted, done, checked, differs }) => !done && (differs || (checked ? checked.doubtful : !accepted));

// Why a cell is doubtful.
export const reasonOf = ({ reason, checked, differs }) => (differs ? reason : checked?.reason ?? reason);

// How the grid and the photo show a cell, or a number that is in no table; `done` is what a person accepted or changed.
export const stateOf = (cell) => (cell.done ? "corrected" : isDoubtful(cell) ? "doubtful" : "confident");

// Other values that a doubtful cell may have: {value, agrees}; `agrees` names the sums that it makes right, or is empty.
export const suggestionsOf = ({ checked, options, differs }) =>
  (differs ? null : checked?.suggestions) ?? options.slice(0, MAX_SUGGESTIONS).map(([value]) => ({ value, agrees: "" }));

// A cell that a person has read, too, without seeing its value: checked if both agree; else it differs, whatever adds up.
export function readTwice(cell, text) {
  if (text.replace(",", ".") === cell.value.replace(",", ".")) return { ...cell, accepted: true, done: true, reason: null };
  const reason = `${text || "nothing"} was typed, ${cell.value || "nothing"} was read`;
  const options = [[text, 0.5], ...cell.options.filter(([value]) => value !== text)];
  return { ...cell, accepted: false, done: false, differs: true, confidence: 0, reason, options };
}

// Leave out, join or split rows and columns, given by their index; null if that is the only one, or there is no next one to join.
export const dropRow = (rows, row) => (rows.length > 1 ? rows.toSpliced(row, 1) : null);
export const dropColumn = (rows, column) => (rows[0].length > 1 ? rows.map((cells) => cells.toSpliced(column, 1)) : null);
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

const empty = (box) => ({ value: "", number: null, confidence: 1, accepted: true, reason: null, options: [], box, index: null });
