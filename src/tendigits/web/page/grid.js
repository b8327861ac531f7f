// A table that was read, as a grid beside the photo: a frame in the photo follows, doubts are mended by keyboard.

import { ask, askFile } from "./api.js";
import { storeNumber } from "./correct.js";
import { element, find, notify, save, trying } from "./dom.js";
import { joinColumns, joinRows, splitColumn, splitRow } from "./reshape.js";
import { agreeing, agreement, isFilled, letters } from "./sheet.js";

const NUMBER = /^[0-9.,\-/:+=()%x]*$/; // what the reader knows, and can learn from
const LONGEST = 100; // characters of a cell
const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

let page = null; // the response of the API; its largest table is its `table`
let pages = new Map(); // those of its document that were looked at, by their numbers
let table = null; // with its `past`, what undoes each change, the newest last; cells that a person accepted or mended have `done`
let at = [0, 0]; // row and column of the cell that is looked at
let agreed = new Set(); // cells whose sum agrees now, as "row,column"

// Show the largest table of a page, as it was left; without one the grid is hidden.
export function showGrid(read, looked) {
  find("grid").querySelector("input")?.blur(); // what is being typed belongs to the page before
  if (read.table === undefined) {
    const tables = read.tables.filter(isDense);
    read.table = tables.reduce((best, each) => (best && size(best) >= size(each) ? best : each), null);
    if (read.table) read.table.past = [];
  }
  [page, pages, table] = [read, looked, read.table];
  find("sheet").hidden = table === null;
  find("values").hidden = table !== null && inTable() === page.numbers.length;
  if (table === null) { frame(null); return; }
  agreed = agreeing(table);
  at = doubts()[0] ?? [0, 0];
  find("grid-xlsx").textContent = page.n_pages === 1 ? "Download XLSX" : `Download XLSX (${leftTables().length} of ${page.n_pages} pages)`;
  render();
}

// A number was corrected elsewhere on its page: its cell follows.
export function showLine(read, line) {
  const cell = read.table?.rows.flat().find((each) => each.index !== null && read.numbers[each.index] === line);
  if (!cell) return;
  Object.assign(cell, { value: line.value, number: line.number, accepted: line.accepted, reason: line.reason, done: line.corrected !== undefined });
  if (read === page) render();
}

export function startGrid() {
  const grid = find("grid");
  grid.addEventListener("keydown", pressed);
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) move([Number(cell.dataset.row), Number(cell.dataset.column)]);
  });
  grid.addEventListener("dblclick", () => edit(current().value));
  find("accept-cell").addEventListener("click", () => { accept(); next(); });
  find("edit-cell").addEventListener("click", () => edit(current().value));
  find("next-doubt").addEventListener("click", next);
  find("grid-undo").addEventListener("click", undo);
  find("join-rows").addEventListener("click", () => reshape(joinRows));
  find("split-row").addEventListener("click", () => reshape(splitRow));
  find("join-columns").addEventListener("click", () => reshape(joinColumns));
  find("split-column").addEventListener("click", () => reshape(splitColumn));
  find("grid-xlsx").addEventListener("click", () => download(XLSX, "table.xlsx", leftTables()));
  find("grid-csv").addEventListener("click", () => download("text/csv", "table.csv", [asLeft(table)]));
}

const DENSE = 0.4; // share of a table's cells that hold something; without lines, fewer are scattered over the page

function isDense({ rows, ruled }) {
  const filled = rows.flat().filter(isFilled).length;
  return rows.length > 1 && rows[0].length > 1 && (ruled || filled >= DENSE * rows.length * rows[0].length);
}

const size = ({ rows }) => rows.length * rows[0].length;
const inTable = () => table.rows.flat().filter((cell) => cell.value && cell.index !== null).length;
const cellAt = ([row, column]) => table.rows[row][column];
const current = () => cellAt(at);

function isDoubtful([row, column], { rows } = table, sums = agreed) {
  const cell = rows[row][column];
  return !cell.accepted && !sums.has(`${row},${column}`);
}

function doubts() {
  return table.rows.flatMap((cells, row) => cells.map((_, column) => [row, column])).filter((place) => isDoubtful(place));
}

function render() {
  const columns = table.rows[0].length;
  agreed = agreeing(table);
  const head = element("tr", {}, element("td"), ...Array.from({ length: columns }, (_, i) => element("th", { scope: "col" }, letters(i))));
  const body = table.rows.map((cells, row) => element("tr", {}, element("th", { scope: "row" }, String(row + 1)),
    ...cells.map((cell, column) => element("td", {
      role: "gridcell", class: cell.done ? "mended" : isDoubtful([row, column]) ? "doubtful" : "",
      "data-row": row, "data-column": column, tabindex: row === at[0] && column === at[1] ? 0 : -1,
      "aria-label": `${letters(column)}${row + 1}: ${cell.value || "empty"}${isDoubtful([row, column]) ? `, ${cell.reason}` : ""}`,
    }, cell.value))));
  find("grid").replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  const need = doubts().length;
  const accepted = table.rows.flat().filter(isFilled).length - need;
  find("need").textContent = `${need} ${need === 1 ? "cell needs" : "cells need"} you, ${accepted} ${accepted === 1 ? "does" : "do"} not`;
  find("totals").textContent = agreement(table) ?? "";
  find("next-doubt").disabled = need === 0;
  find("grid-undo").disabled = table.past.length === 0;
  show();
}

const elementAt = ([row, column]) => find("grid").querySelector(`td[data-row="${row}"][data-column="${column}"]`);

// Show the cell that is looked at: a frame in the photo, the cell large, and why it is doubtful.
function show() {
  const cell = current();
  find("accept-cell").disabled = !isDoubtful(at);
  frame(cell.box);
  enlarge(cell.box);
  find("cell-name").textContent = `${letters(at[1])}${at[0] + 1}`;
  find("cell-doubt").textContent = isDoubtful(at) ? cell.reason : cell.done ? "checked" : "";
}

function move(to) {
  const [row, column] = [Math.min(Math.max(to[0], 0), table.rows.length - 1), Math.min(Math.max(to[1], 0), table.rows[0].length - 1)];
  elementAt(at)?.setAttribute("tabindex", -1);
  at = [row, column];
  const cell = elementAt(at);
  cell.setAttribute("tabindex", 0);
  cell.focus();
  show();
}

function next() {
  const found = doubts();
  const later = found.find(([row, column]) => row > at[0] || (row === at[0] && column > at[1]));
  if (found.length) move(later ?? found[0]);
}

function pressed(event) {
  if (event.target.tagName === "INPUT") return;
  const [row, column] = at;
  const steps = { ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
    Home: [row, 0], End: [row, Infinity] };
  if (event.key in steps) move(steps[event.key]);
  else if (event.key === "Enter") { accept(); next(); }
  else if (event.key === "Tab" && !event.shiftKey && doubts().length) next();
  else if (event.key === "F2") edit(current().value);
  else if (event.key === "Delete" || event.key === "Backspace") { change(""); move(at); }
  else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
  else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey) edit(event.key);
  else return;
  event.preventDefault();
}

// Type into the cell, a number or a name; Enter stores it and goes on, Escape leaves it as it was.
function edit(text) {
  const inputmode = current().value || isDoubtful(at) ? "decimal" : "text";
  const input = element("input", { type: "text", value: text, inputmode, maxlength: LONGEST, autocomplete: "off", "aria-label": `${find("cell-name").textContent}: right value` });
  const finish = (goOn) => {
    const value = input.value.trim();
    input.onblur = null;
    if (value !== current().value) change(value);
    else if (isDoubtful(at)) accept();
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
  const cell = current();
  if (!isDoubtful(at)) return;
  replaceCell({ ...cell, accepted: true, done: true, reason: null });
}

// Replace a value; where the reader saw a number, that is a correction from which it can learn.
function change(value) {
  const before = current();
  if (value === before.value) return;
  const step = replaceCell({ ...before, value, number: null, accepted: true, done: true, reason: null });
  const line = page.numbers[before.index];
  if (!line?.strip || !NUMBER.test(value)) return;
  const correction = { strip: line.strip, text: value, predicted: (line.original ?? line).value, source: "picture" };
  step.storing = trying(() => storeNumber(correction, () => revert(step)));
}

function replaceCell(cell) {
  const [changed, [row, column]] = [table, at];
  const before = changed.rows[row][column];
  changed.rows[row][column] = cell;
  return remember(() => { changed.rows[row][column] = before; return [row, column]; });
}

// Keep how the last change is undone: a function that gives the cell to look at then.
function remember(undo) {
  const step = { table, undo };
  table.past.push(step);
  render();
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

// Undo a change, perhaps of another page than the one that is shown.
function revert(step) {
  const { past } = step.table;
  const index = past.indexOf(step);
  if (index < 0) return;
  past.splice(index, 1);
  const changed = step.undo();
  if (step.table !== table) return;
  at = changed;
  render();
  move(at);
}

// Change the rows or columns as a whole; `make` returns the new ones, or null if that can't be done here.
function reshape(make) {
  const [changed, before] = [table, table.rows];
  const rows = make(before.map((cells) => [...cells]), at);
  if (rows === null) { notify("There is no next one to join."); return; }
  changed.rows = rows;
  remember(() => { changed.rows = before; return [Math.min(at[0], before.length - 1), Math.min(at[1], before[0].length - 1)]; });
  move(at);
}

function frame(box) {
  find("stage").querySelector(".frame")?.remove();
  const shapes = find("stage").querySelector("svg");
  if (!box || !shapes) return;
  const [left, top, right, bottom] = box;
  shapes.append(element("svg:rect", { class: "frame", x: left, y: top, width: right - left, height: bottom - top }));
}

// The cell as it is in the photo, upright and large.
function enlarge([left, top, right, bottom]) {
  const image = find("stage").querySelector("img");
  const canvas = find("cell-large");
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!image?.complete || !image.naturalWidth) { image?.addEventListener("load", () => enlarge([left, top, right, bottom]), { once: true }); return; }
  const zoom = image.naturalWidth / page.size[0]; // a browser may turn or shrink a photo itself
  const sideways = page.turned % 180 !== 0;
  const [width, height] = [right - left, bottom - top];
  const scale = Math.min(canvas.width / (sideways ? height : width), canvas.height / (sideways ? width : height));
  context.save();
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate(-page.turned * Math.PI / 180);
  context.drawImage(image, left * zoom, top * zoom, width * zoom, height * zoom, -width * scale / 2, -height * scale / 2, width * scale, height * scale);
  context.restore();
}

// A table as a person left it, for the API.
function asLeft(left, name) {
  const sums = agreeing(left);
  const rows = left.rows.map((cells, row) => cells.map(({ value, reason }, column) =>
    (isDoubtful([row, column], left, sums) ? { value, accepted: false, reason } : { value })));
  return { name, rows };
}

// The tables of all pages that were looked at.
function leftTables() {
  const found = [...pages.values()].filter((each) => each.table).sort((a, b) => a.number - b.number);
  return found.map((each) => asLeft(each.table, each.n_pages === 1 ? undefined : `page ${each.number}`));
}

function download(kind, name, tables) {
  trying(async () => save(await askFile("v1/tables/export", { method: "POST", json: { tables }, headers: { accept: kind } }), name));
}
