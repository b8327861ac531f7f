// A table that a person changes: its cells, and rows and columns that are joined or split.

const MAX_SUGGESTIONS = 3;

// Whether a cell has content, even if it could not be read.
export const isFilled = ({ value, accepted }) => value !== "" || !accepted;

// Whether a person should check a cell: not one that is `done`. Another photo of it, once they are `joined`, decides in place of its sums, and
// these, once `checked`, in place of the reader.
export const isDoubtful = ({ accepted, done, checked, differs, joined }) => !done && (differs || (joined ?? checked ?? { doubtful: !accepted }).doubtful);

// Why a cell is doubtful.
export const reasonOf = ({ reason, checked, differs, joined }) => (differs ? reason : joined?.reason ?? checked?.reason ?? reason);

// How the grid and the photo show a cell, or a number that is in no table; `done` is what a person accepted or changed.
export const stateOf = (cell) => (cell.done ? "corrected" : isDoubtful(cell) ? "doubtful" : "confident");

// Other values that a doubtful cell may have: {value, agrees}; `agrees` names the sums that it makes right, or is empty.
export const suggestionsOf = ({ checked, options, differs, joined }) =>
  (differs || joined?.options ? null : checked?.suggestions) ?? (joined?.options ?? options).slice(0, MAX_SUGGESTIONS).map(([value]) => ({ value, agrees: "" }));

// A cell that a person has read, too, without seeing its value: checked if both agree; else it differs, whatever adds up.
export function readTwice(cell, text) {
  if (text.replace(",", ".") === cell.value.replace(",", ".")) return { ...cell, accepted: true, done: true, reason: null };
  const reason = `${text || "nothing"} was typed, ${cell.value || "nothing"} was read`;
  const options = [[text, 0.5], ...cell.options.filter(([value]) => value !== text)];
  return { ...cell, accepted: false, done: false, differs: true, fits: false, reason, options };
}

// The name of a column: A, B, ..., Z, AA, ... for 0, 1, ...
export function letters(column) {
  return (column >= 26 ? letters(Math.floor(column / 26) - 1) : "") + String.fromCharCode(65 + column % 26);
}

const columnOf = (name) => [...name.toUpperCase()].reduce((index, letter) => 26 * index + letter.charCodeAt(0) - 64, 0) - 1;

// Changes at a column, or a row: `make` returns the new rows, null if there is no other column or none to join; `to` says where each column
// is then, null if it is not what it was.
const drop = {
  make: (rows, at) => (rows[0].length > 1 ? rows.map((cells) => cells.toSpliced(at, 1)) : null),
  to: (column, at) => (column === at ? null : column - Number(column > at)),
};
const join = {
  make: (rows, at) => (at + 1 < rows[0].length ? rows.map((cells) => cells.toSpliced(at, 2, joined(cells[at], cells[at + 1]))) : null),
  to: (column, at) => (column === at || column === at + 1 ? null : column - Number(column > at)),
};
// The new column gets half of each cell's box, right of the middle or below it, and nothing else; `side` is 0 for left, 1 for top.
const split = (side) => ({
  make: (rows, at) => rows.map((cells) => {
    const { box } = cells[at];
    const middle = Math.round((box[side] + box[side + 2]) / 2);
    return cells.toSpliced(at, 1, { ...cells[at], box: box.with(side + 2, middle) }, empty(box.with(side, middle)));
  }),
  to: (column, at) => column + Number(column > at),
});
const ofRows = ({ make, to }) => ({ to, isOfRows: true, make: (rows, at) => transposed(make(transposed(rows), at)) });
const transposed = (rows) => rows?.[0].map((_, i) => rows.map((cells) => cells[i])) ?? null;

export const CHANGES = {
  "drop-row": ofRows(drop), "drop-column": drop, "join-rows": ofRows(join), "join-columns": join, "split-row": ofRows(split(1)), "split-column": split(0),
};

// A row on top for names of the columns, and whether a row is one.
export const ADD_HEADS = { isOfRows: true, make: (rows) => [rows[0].map(({ box }) => ({ ...empty(box), isHead: true })), ...rows], to: (row) => row + 1 };
export const isHeads = (cells) => cells.every((cell) => cell.isHead);

const NAMES = { rows: /(?:sum|mean) (\d+)-(\d+)|row (\d+)/g, columns: /(?:sum|mean) ([a-z]{1,2}) ?- ?([a-z]{1,2})\b|\b([a-z]{1,2})\b/gi };

// Formulas after a change of columns, or of rows; those of what is not there any more are left out.
export function movedFormulas(formulas, { isOfRows, to }, at) {
  const indexOf = isOfRows ? (name) => name - 1 : columnOf;
  return formulas.flatMap((formula) => {
    let holds = true;
    const text = formula.replace(isOfRows ? NAMES.rows : NAMES.columns, (match, ...names) => {
      const [first, last] = [names[0] ?? names[2], names[1] ?? names[2]].map(indexOf);
      for (let i = first; i <= last; i++) holds &&= to(i, at) !== null;
      return match.replace(/\d+|\b[a-z]{1,2}\b/gi, (name) => (isOfRows ? `${to(indexOf(name), at) + 1}` : letters(to(indexOf(name), at))));
    });
    return holds ? [text] : [];
  });
}

function joined(a, b) {
  const filled = [a, b].filter(isFilled);
  const box = a.box.map((end, i) => (i < 2 ? Math.min : Math.max)(end, b.box[i]));
  if (filled.length < 2) return { ...(filled[0] ?? a), box };
  return { ...empty(box), value: a.value + b.value, accepted: false, reason: "two cells were joined" };
}

const empty = (box) => ({ value: "", number: null, confidence: 1, accepted: true, fits: true, reason: null, options: [], box, index: null });
