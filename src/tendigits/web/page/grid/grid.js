// A table as a grid next to the photo, where a frame marks the current cell; doubtful cells can be corrected by keyboard.

import { storeNumber } from "../correct/correct.js";
import { ask, askFile } from "../shared/api.js";
import { element, find, notify, rectOf, save, trying } from "../shared/dom.js";
import { isFilled, joinColumns, joinRows, splitColumn, splitRow } from "./table.js";

const NUMBER = /^[0-9.,\-/:+=()%×÷x*]*$/; // the characters that the reader can learn; x and * are ×
const MAX_CELL_LENGTH = 100;
const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

let page = null; // the response of the API, with its largest table as `table`
let pages = new Map(); // the pages of its document that were shown, by their numbers
// Its `past` has the changes that can be undone, newest last, and `agreed` the cells that are right because their sums agree, even if
// the reader was in doubt. Cells that a person accepted or changed have `done`.
let table = null;
let at = { row: 0, column: 0 }; // the current cell

// Show the largest table of a page with a person's changes; the grid is hidden if there is no table.
export function showGrid(read, shownPages) {
  find("grid").querySelector("input")?.blur(); // what is being typed belongs to the page before
  if (read.table === undefined) {
    const tables = read.tables.filter(({ dense }) => dense);
    read.table = tables.reduce((best, each) => (best && size(best) >= size(each) ? best : each), null);
    if (read.table) Object.assign(read.table, { past: [], agreed: new Set(), checks: 0 });
  }
  [page, pages, table] = [read, shownPages, read.table];
  find("sheet").hidden = table === null;
  find("values").hidden = table !== null && numbersInTable() === page.numbers.length;
  if (table === null) { frame(null); return; }
  at = doubts()[0] ?? { row: 0, column: 0 };
  find("grid-xlsx").textContent = page.n_pages === 1 ? "Download XLSX" : `Download XLSX (${tablesOfPages().length} of ${page.n_pages} pages)`;
  render();
  checkSums(table);
}

export function showCorrected(read, number) {
  const cell = read.table?.rows.flat().find((each) => each.index !== null && read.numbers[each.index] === number);
  if (!cell) return;
  const { value, number: decimal, accepted, reason, corrected } = number;
  Object.assign(cell, { value, number: decimal, accepted, reason, done: corrected !== undefined });
  if (read === page) render();
  checkSums(read.table);
}

export function startGrid() {
  const grid = find("grid");
  grid.addEventListener("keydown", pressed);
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) move({ row: cell.parentElement.rowIndex - 1, column: cell.cellIndex - 1 });
  });
  grid.addEventListener("dblclick", () => edit(current().value));
  find("accept-cell").addEventListener("click", () => { accept(); next(); });
  find("edit-cell").addEventListener("click", () => edit(current().value));
  find("next-doubt").addEventListener("click", next);
  find("grid-undo").addEventListener("click", undo);
  find("join-rows").addEventListener("click", () => reshape(joinRows, at.row));
  find("split-row").addEventListener("click", () => reshape(splitRow, at.row));
  find("join-columns").addEventListener("click", () => reshape(joinColumns, at.column));
  find("split-column").addEventListener("click", () => reshape(splitColumn, at.column));
  find("grid-xlsx").addEventListener("click", () => download(XLSX, "table.xlsx", tablesOfPages()));
  find("grid-csv").addEventListener("click", () => download("text/csv", "table.csv", [tableRequest(table)]));
}

// The name of a column: A, B, ..., Z, AA, ... for 0, 1, ...
function letters(column) {
  return (column >= 26 ? letters(Math.floor(column / 26) - 1) : "") + String.fromCharCode(65 + column % 26);
}

const nameOf = ({ row, column }) => `${letters(column)}${row + 1}`;
const size = ({ rows }) => rows.length * rows[0].length;
const numbersInTable = () => table.rows.flat().filter((cell) => cell.value && cell.index !== null).length;
const current = () => table.rows[at.row][at.column];

const clamp = (value, length) => Math.min(Math.max(value, 0), length - 1);
const within = ({ row, column }) => ({ row: clamp(row, table.rows.length), column: clamp(column, table.rows[0].length) });

const isDoubtful = (cell) => !cell.accepted && !table.agreed.has(cell);

const places = () => table.rows.flatMap((cells, row) => cells.map((_, column) => ({ row, column })));
const doubts = () => places().filter(({ row, column }) => isDoubtful(table.rows[row][column]));

// Ask the server which sums agree after a change. Whatever changes meanwhile is asked for again, and this answer ignored.
async function checkSums(changed) {
  if (changed.row_sums === null && changed.column_sums === null) return;
  const check = ++changed.checks;
  const checking = ask("v1/tables/check", { method: "POST", json: tableRequest(changed) });
  const answer = await checking.catch((error) => ({ agreement: `The sums were not checked: ${error.message}`, doubtful: null }));
  if (check !== changed.checks) return;
  const doubtful = answer.doubtful && new Set(answer.doubtful);
  changed.agreement = answer.agreement;
  changed.agreed = new Set(doubtful && changed.rows.flatMap((cells, row) => cells.filter((_, column) => !doubtful.has(nameOf({ row, column })))));
  if (changed === table) renderDoubts();
}

function render() {
  const columns = table.rows[0].length;
  const head = element("tr", {}, element("td"), ...Array.from({ length: columns }, (_, i) => element("th", { scope: "col" }, letters(i))));
  const body = table.rows.map((cells, row) => element("tr", {}, element("th", { scope: "row" }, String(row + 1)),
    ...cells.map((cell, column) => element("td", { role: "gridcell", tabindex: row === at.row && column === at.column ? 0 : -1 }, cell.value))));
  find("grid").replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  renderDoubts();
}

// Mark the cells that are doubtful now, and leave the rest as it is: a person may be typing into a cell.
function renderDoubts() {
  for (const place of places()) {
    const [shown, cell] = [elementAt(place), table.rows[place.row][place.column]];
    shown.className = cell.done ? "changed" : isDoubtful(cell) ? "doubtful" : "";
    shown.setAttribute("aria-label", `${nameOf(place)}: ${cell.value || "empty"}${isDoubtful(cell) ? `, ${cell.reason}` : ""}`);
  }
  const need = doubts().length;
  const accepted = table.rows.flat().filter(isFilled).length - need;
  find("need").textContent = `${need} ${need === 1 ? "cell needs" : "cells need"} you, ${accepted} ${accepted === 1 ? "does" : "do"} not`;
  find("totals").textContent = table.agreement ?? "";
  find("next-doubt").disabled = need === 0;
  find("grid-undo").disabled = table.past.length === 0;
  show();
}

const elementAt = ({ row, column }) => find("grid").rows[row + 1]?.cells[column + 1];

// Show the current cell: a frame in the photo, an enlarged picture, and why it is doubtful.
function show() {
  const cell = current();
  find("accept-cell").disabled = !isDoubtful(cell);
  frame(cell.box);
  enlarge(cell.box);
  find("cell-name").textContent = nameOf(at);
  find("cell-doubt").textContent = isDoubtful(cell) ? cell.reason : cell.done ? "checked" : "";
}

function move({ row, column }) {
  elementAt(at)?.setAttribute("tabindex", -1);
  at = within({ row, column });
  elementAt(at).setAttribute("tabindex", 0);
  elementAt(at).focus();
  show();
}

function next() {
  const found = doubts();
  const later = found.find(({ row, column }) => row > at.row || (row === at.row && column > at.column));
  if (found.length) move(later ?? found[0]);
}

function pressed(event) {
  if (event.target.tagName === "INPUT") return;
  const { row, column } = at;
  const steps = { ArrowUp: { row: row - 1 }, ArrowDown: { row: row + 1 }, ArrowLeft: { column: column - 1 }, ArrowRight: { column: column + 1 },
    Home: { column: 0 }, End: { column: Infinity } };
  if (event.key in steps) move({ ...at, ...steps[event.key] });
  else if (event.key === "Enter") { accept(); next(); }
  else if (event.key === "Tab" && !event.shiftKey && doubts().length) next();
  else if (event.key === "F2") edit(current().value);
  else if (event.key === "Delete" || event.key === "Backspace") { change(""); move(at); }
  else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
  else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey) edit(event.key);
  else return;
  event.preventDefault();
}

// Edit the cell; Enter stores its text and goes to the next doubt, Escape restores it.
function edit(text) {
  const inputmode = current().value || isDoubtful(current()) ? "decimal" : "text";
  const input = element("input", { type: "text", value: text, inputmode, maxlength: MAX_CELL_LENGTH, autocomplete: "off", "aria-label": `${find("cell-name").textContent}: right value` });
  const finish = (goOn) => {
    const value = input.value.trim();
    input.onblur = null;
    if (value !== current().value) change(value);
    else if (isDoubtful(current())) accept();
    else render();
    move(at);
    if (goOn) next();
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); finish(true); }
    if (event.key === "Escape") { input.onblur = null; render(); move(at); }
  });
  input.onblur = () => finish(false);
  elementAt(at).replaceChildren(input);
  input.focus();
  input.setSelectionRange(text.length, text.length);
}

function accept() {
  if (isDoubtful(current())) replaceCell({ ...current(), accepted: true, done: true, reason: null });
}

// Replace a value. If the reader saw a number there, that is a correction from which it can learn.
function change(value) {
  const before = current();
  if (value === before.value) return;
  const step = replaceCell({ ...before, value, number: null, accepted: true, done: true, reason: null });
  const number = page.numbers[before.index];
  if (!number?.strip || !NUMBER.test(value)) return;
  const correction = { strip: number.strip, text: value, predicted: (number.original ?? number).value, source: "picture" };
  step.storing = trying(() => storeNumber(correction, () => revert(step)));
}

function replaceCell(cell) {
  const [changed, place] = [table, at];
  const before = current();
  changed.rows[place.row][place.column] = cell;
  return remember(() => { changed.rows[place.row][place.column] = before; return place; });
}

// Remember how to undo the last change; `undo` returns the cell to make current then.
function remember(undo) {
  const step = { table, undo, storing: null };
  table.past.push(step);
  render();
  checkSums(table);
  return step;
}

function undo() {
  const step = table.past.at(-1);
  if (!step) return;
  revert(step);
  trying(async () => {
    const stored = await step.storing; // it may still be on its way
    if (stored) await ask(`v1/corrections/numbers/${stored.id}`, { method: "DELETE" });
  });
}

// Undo a change, which may be on a page that is hidden.
function revert(step) {
  const { past } = step.table;
  const index = past.indexOf(step);
  if (index < 0) return;
  past.splice(index, 1);
  const place = step.undo();
  checkSums(step.table);
  if (step.table !== table) return;
  at = within(place);
  render();
  move(at);
}

// Change whole rows or columns; `make` returns the new rows, or null if that is impossible.
function reshape(make, index) {
  const [changed, before] = [table, table.rows];
  const rows = make(before, index);
  if (rows === null) { notify("There is no next one to join."); return; }
  changed.rows = rows;
  remember(() => { changed.rows = before; return at; });
  move(at);
}

function frame(box) {
  find("stage").querySelector(".frame")?.remove();
  const shapes = find("stage").querySelector("svg");
  if (box) shapes?.append(element("svg:rect", { class: "frame", ...rectOf(box) }));
}

function enlarge([left, top, right, bottom]) {
  const image = find("stage").querySelector("img");
  const canvas = find("cell-large");
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!image?.complete || !image.naturalWidth) { image?.addEventListener("load", () => enlarge([left, top, right, bottom]), { once: true }); return; }
  const zoom = image.naturalWidth / page.size[0]; // browsers may shrink large photos
  const sideways = page.turned % 180 !== 0;
  const [width, height] = [right - left, bottom - top];
  const scale = Math.min(canvas.width / (sideways ? height : width), canvas.height / (sideways ? width : height));
  context.save();
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate(-page.turned * Math.PI / 180);
  context.drawImage(image, left * zoom, top * zoom, width * zoom, height * zoom, -width * scale / 2, -height * scale / 2, width * scale, height * scale);
  context.restore();
}

// A table with a person's changes, as the API takes it.
function tableRequest({ rows, row_sums, column_sums }, name = undefined) {
  const requestOf = ({ value, number, confidence, accepted, reason }) => ({
    value, number: number === null || number === value ? undefined : number, ...(accepted ? {} : { accepted, reason, confidence }),
  });
  return { name, row_sums, column_sums, rows: rows.map((cells) => cells.map(requestOf)) };
}

function tablesOfPages() {
  const found = [...pages.values()].filter((each) => each.table).sort((a, b) => a.page_number - b.page_number);
  return found.map((each) => tableRequest(each.table, each.n_pages === 1 ? undefined : `page ${each.page_number}`));
}

function download(kind, name, tables) {
  trying(async () => save(await askFile("v1/tables/export", { method: "POST", json: { tables }, headers: { accept: kind } }), name));
}
