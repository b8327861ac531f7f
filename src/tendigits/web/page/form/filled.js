// Filled forms: each picture is read with the form and becomes a row of a table and of a CSV.

import { XLSX, ask, askTables, pictureOf } from "../shared/api.js";
import { button, element, find, save, saveCsv, trying } from "../shared/dom.js";
import { stripCanvas } from "../shared/pixels.js";
import { plural } from "../shared/text.js";
import { askCorners, startCorners } from "./corners.js";

let names = []; // of the fields
let rows = []; // a picture each: {path, cells, error, marks}; `error` is null if it was read, `marks` without a key
let key = ""; // the text of a CSV with the answers
let whenChanged; // called after each change
const notAligned = new WeakMap(); // rows of pictures in which the form was not found -> the form, its file and its page

const MAX_VALUE_LENGTH = 100; // of a cell that the server takes
const MAX_REASON_LENGTH = 500;

export function startFilled() {
  startCorners();
  find("forms-xlsx").addEventListener("click", () => trying(async () => {
    const tables = [{ name: "forms", rows: [["picture", ...heads()].map(plainCell), ...rows.map(cellsOf)] }];
    save(await askTables(tables, XLSX), "forms.xlsx");
  }));
  find("forms-csv").addEventListener("click", () => saveCsv([["path", ...heads(), "to check"], ...rows.map(csvRow)], "forms.csv"));
}

// Show filled forms, {names, rows}, which then change as they are read and corrected.
export function showFilled(filled, changed) {
  ({ names, rows, key = "" } = filled);
  whenChanged = changed;
  find("form-names").replaceChildren(...["picture", ...heads()].map((name) => element("th", { scope: "col" }, name)));
  find("form-rows").replaceChildren(...rows.map(elementOf));
  find("forms").hidden = false;
  summarize();
}

// Read pictures or documents, each page of which becomes a row of what is shown. `form`: {picture, page, named, turned, expect}, its own picture's
// file and page, pairs of a name and a box, by how many degrees the picture is turned, and what is expected in the fields.
export async function readFilled(form, files) {
  const into = rows;
  find("forms").scrollIntoView({ block: "nearest" });
  const waiting = files.map((file) => ({ file, number: 1 }));
  while (waiting.length && into === rows) { // others may be shown meanwhile
    find("forms-state").textContent = `reading ${rows.length + 1} of ${rows.length + waiting.length} ...`;
    const { file, number } = waiting.shift();
    const row = await read(form, file, number);
    if (row.error?.includes("look like this form")) notAligned.set(row, { form, file, number });
    if (number === 1) waiting.unshift(...Array.from({ length: row.n_pages - 1 }, (_, i) => ({ file, number: i + 2 })));
    into.push(row);
    if (into === rows) find("form-rows").append(elementOf(row));
    whenChanged();
  }
  summarize();
}

function elementOf(row) {
  const marks = marksOf(row).map((text) => element("td", {}, text));
  const cells = row.error === null ? names.map((name) => cellOf(row, name, marks)) : [failureOf(row)];
  return element("tr", {}, element("th", { scope: "row" }, row.path), ...cells, ...marks);
}

// Why a picture was not read, and what a person can do about it.
function failureOf(row) {
  const show = () => trying(async () => {
    const { form, file, number } = notAligned.get(row);
    const corners = await askCorners(await pictureOf(file, row.n_pages, number));
    if (!corners) return;
    const at = find("form-rows").children[rows.indexOf(row)];
    Object.assign(row, await read(form, file, number, corners));
    at.replaceWith(elementOf(row));
    summarize();
  });
  const tap = notAligned.has(row) ? [" ", button("Show its corners", show)] : [];
  return element("td", { class: "doubt", colspan: names.length }, row.error, ...tap);
}

const heads = () => [...names, ...(key ? ["total", "wrong"] : [])];

// The points of a row, and the fields whose answer is wrong; empty without a key, or if the picture was not read.
function marksOf({ marks }) {
  if (!key) return [];
  return marks ? [marks.points, Object.keys(marks.right).filter((name) => !marks.right[name]).join("; ")] : ["", ""];
}

// Mark a row again after a correction, and show it in the elements of its marks.
const markAgain = (row, marks) => trying(async () => {
  const fields = Object.fromEntries(names.map((name, i) => [name, row.cells[i].value.slice(0, MAX_VALUE_LENGTH)]));
  row.marks = await ask("v1/forms/marks", { method: "POST", json: { fields, key } });
  marksOf(row).forEach((text, i) => { marks[i].textContent = text; });
  whenChanged();
});

async function read(form, file, number, corners = null) {
  const { picture, page: picture_page, named, turned, expect, key } = form;
  const body = new FormData();
  const parts = { picture, fields: JSON.stringify(Object.fromEntries(named)), picture_page, turned, expect, key, image: file };
  for (const [name, value] of Object.entries(parts)) body.append(name, value);
  if (corners) body.append("corners", JSON.stringify(corners));
  try {
    const { pages: [page] } = await ask(`v1/forms?crops=true&page=${number}`, { method: "POST", body });
    const path = page.n_pages > 1 ? `${file.name}#page=${number}` : file.name;
    const cellNamed = (name) => ({ ...page.fields[name], strip: page.numbers[page.fields[name].index]?.strip });
    return { path, n_pages: page.n_pages, error: page.error, marks: page.marks, cells: page.error === null ? names.map(cellNamed) : [] };
  } catch (error) {
    return { path: number > 1 ? `${file.name}#page=${number}` : file.name, n_pages: 1, error: error.message, cells: [] };
  }
}

function cellOf(row, name, marks) {
  const cell = row.cells[names.indexOf(name)];
  const input = element("input", { type: "text", value: cell.value, autocomplete: "off", spellcheck: "false", "aria-label": `${name} in ${row.path}` });
  const doubts = [];
  if (!cell.accepted && cell.strip) doubts.push(stripCanvas(cell.strip, "The number as the reader saw it"));
  if (!cell.accepted) doubts.push(element("span", { class: "doubt" }, cell.reason));
  const made = element("td", { class: cell.accepted ? "" : "doubtful" }, input, ...doubts);
  const settle = () => {
    Object.assign(cell, { value: input.value.trim(), accepted: true });
    made.className = "";
    for (const doubt of doubts) doubt.remove();
    if (row.marks) markAgain(row, marks);
    summarize();
  };
  input.addEventListener("change", settle);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    settle();
    find("form-rows").querySelector(".doubtful input")?.focus();
  });
  return made;
}

function summarize() {
  const cells = rows.flatMap((row) => row.cells);
  const failed = rows.filter((row) => row.error !== null).length;
  const parts = [plural(rows.length, "picture"), `${plural(cells.filter((cell) => !cell.accepted).length, "cell")} to check`];
  find("forms-state").textContent = [...parts, ...(failed ? [`${failed} not read`] : [])].join(", ");
  whenChanged();
}

const plainCell = (value) => ({ value: value.slice(-MAX_VALUE_LENGTH) });

// A row of the spreadsheet: what is doubtful is coloured there, and all of a picture that could not be read.
function cellsOf(row) {
  const { path, cells, error } = row;
  const sent = error === null ? cells : names.map(() => ({ value: "", accepted: false, reason: error, confidence: 0 }));
  return [plainCell(path), ...sent.map(({ value, accepted, reason, confidence, strip }) => ({
    ...plainCell(value), ...(accepted ? {} : { accepted, reason: reason.slice(0, MAX_REASON_LENGTH), confidence, strip }),
  })), ...marksOf(row).map(plainCell)];
}

// A row as `tendigits read --form` writes it; the last column of a picture that could not be read has the reason.
function csvRow(row) {
  const { path, cells, error } = row;
  if (error !== null) return [path, ...heads().map(() => ""), error];
  return [path, ...cells.map((cell) => cell.value), ...marksOf(row), names.filter((_, i) => !cells[i].accepted).join("; ")];
}
