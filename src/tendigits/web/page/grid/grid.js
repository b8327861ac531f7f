// A table as a grid next to the photo; doubtful cells can be corrected by keyboard. A bar above it stays in sight, with the current
// cell enlarged, why it is doubtful, and what else it may be.

import { storeNumber, undoStored } from "../correct/correct.js";
import { CSV, XLSX, ask, askTables } from "../shared/api.js";
import { paintNumbers, pointAt } from "../read/picture.js";
import { element, find, notify, placeMessage, save, trying } from "../shared/dom.js";
import { plural } from "../shared/text.js";
import { joinLater, joinedTables, startPile } from "./pile.js";
import { ADD_HEADS, CHANGES, isDoubtful, isFilled, isHeads, letters, movedFormulas, readTwice, reasonOf, stateOf, suggestionsOf } from "./table.js";
import { askTwice, startTwice } from "./twice.js";

const NUMBER = /^[0-9.,\-/:+=()%×÷x*]*$/; // the characters that the reader can learn; x and * are ×
const MAX_CELL_LENGTH = 100;
const MAX_SENT_OPTIONS = 20; // of a cell
const MAX_NAME_LENGTH = 100; // of a sheet
const MAX_WRONG = 3; // rows and columns that do not add up and are named
const MAX_SENT_CHARACTERS = 3_500_000; // of all tables; the server takes 4 MB
const [WORD_HEIGHT, MAX_WORD_WIDTH] = [24, 120]; // pixels
const ENLARGED_FRACTION = 0.7; // of the enlarged picture's height is the cell; the rest is what stands around it

let page = null; // the response of the API, with its dense tables as `grids` and the index of the one that is shown as `shown`
let pages = []; // of its document, null if not read yet
let table = null; // its `past` has the changes that can be undone, newest last
let at = { row: 0, column: 0 }; // the current cell
let storing = Promise.resolve(); // the last request for a correction
const stored = new WeakMap(); // number -> the correction of it that the server has: the step that made it, and its path
let isWaiting = false; // whether the next doubt is gone to as soon as the sums are checked
let whenChanged; // called after each change of a person
let turnToDoubt; // shows another page with a doubtful cell; false if no page has one

// Make the grids of a page: its dense tables, which a person then changes.
export function startGrids(read) {
  read.grids = read.tables.filter(({ dense }) => dense || read.sheet).map((each) => ({ ...each, past: [], checks: 0 }));
  if (read.sheet) for (const cell of read.grids[0].rows[0]) cell.isHead = true;
  read.shown = read.grids.reduce((best, each, i) => (size(each) > size(read.grids[best]) ? i : best), 0);
}

// How many cells of a page are doubtful.
export const countDoubts = ({ grids }) => grids.flatMap((each) => doubts(each)).length;

// Show the largest table of a page, or the one that was shown last, with a person's changes; the grid is hidden if there is no table.
// With `isNew` its first doubtful cell is focused.
export function showGrid(read, shownPages, isNew) {
  find("grid").querySelector("input")?.blur(); // what is being typed belongs to the page before
  page = read;
  const { grids } = page;
  find("sheet").hidden = !grids.length;
  find("values").hidden = grids.length > 0 && numbersInTables() === page.numbers.length;
  find("which-table").replaceChildren(...grids.map((_, i) => element("option", { value: i }, `${i + 1} of ${grids.length}`)));
  find("which-table").hidden = grids.length < 2;
  showPages(shownPages);
  showTable(page.shown);
  if (!table || !isNew || !doubts().length) return;
  find("sheet").scrollIntoView();
  move(at);
}

// Show how many of the document's pages were read.
export function showPages(ofDocument) {
  pages = ofDocument;
  find("grid-xlsx").textContent = pages.length === 1 ? "Download XLSX" : `Download XLSX (${withTable().length} of ${pages.length} pages)`;
  joinLater(pages);
  if (table) showNeed();
}

const withTable = () => pages.filter((each) => each?.grids.length);

function showTable(index) {
  page.shown = index;
  table = page.grids[index] ?? null;
  if (!table) { pointAt(null); return; }
  at = doubts()[0] ?? { row: 0, column: 0 };
  find("which-table").value = index;
  checkSums(table);
  render();
}

// Go to the cell of a number; false if it is in no cell.
export function goToNumber(number) {
  const isOf = (each) => ({ row, column }) => page.numbers[each.rows[row][column].index] === number;
  const index = page.grids.findIndex((each) => placesOf(each).some(isOf(each)));
  if (index < 0) return false;
  if (index !== page.shown) showTable(index);
  move(placesOf(table).find(isOf(table)));
  return true;
}

// `changed` is called after each change of a person, `goOn` where nothing is left to check on a page, `turnTo` to show another page.
export function startGrid({ changed, goOn, turnTo }) {
  whenChanged = () => { changed(); joinLater(pages); };
  turnToDoubt = goOn;
  const show = async (read, row, column) => {
    if (read !== page) await turnTo(read);
    if (read === page) move({ row, column });
  };
  startPile({ request: tableRequest, show, joined: () => { if (table) renderDoubts(); } });
  const grid = find("grid");
  grid.addEventListener("keydown", pressed);
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) move({ row: cell.parentElement.rowIndex - 1, column: cell.cellIndex - 1 });
  });
  grid.addEventListener("dblclick", () => edit());
  find("which-table").addEventListener("change", (event) => showTable(Number(event.target.value)));
  find("accept-cell").addEventListener("click", () => { accept(); next(); });
  find("options").addEventListener("click", (event) => choose([...find("options").children].indexOf(event.target.closest("button"))));
  find("edit-cell").addEventListener("click", () => edit());
  find("next-doubt").addEventListener("click", next);
  find("grid-undo").addEventListener("click", () => undo());
  for (const [id, way] of Object.entries(CHANGES)) find(id).addEventListener("click", () => reshape(way));
  find("name-columns").addEventListener("click", () => {
    if (!isHeads(table.rows[0])) reshape(ADD_HEADS);
    move({ row: 0, column: 0 });
    edit();
  });
  find("check-twice").addEventListener("click", checkTwice);
  startTwice();
  find("grid-xlsx").addEventListener("click", () => trying(async () => save(await askTables(await tablesOfPages(), XLSX), "table.xlsx")));
  find("grid-csv").addEventListener("click", () => trying(async () => save(await askTables([tableRequest(table)], CSV), "table.csv")));
}

const nameOf = ({ row, column }) => `${letters(column)}${row + 1}`;
const size = ({ rows }) => rows.length * rows[0].length;
const numbersInTables = () => page.grids.flatMap(({ rows }) => rows.flat()).filter((cell) => cell.index !== null).length;
const current = () => table.rows[at.row][at.column];

const clamp = (value, length) => Math.min(Math.max(value, 0), length - 1);
const within = ({ row, column }) => ({ row: clamp(row, table.rows.length), column: clamp(column, table.rows[0].length) });

const placesOf = ({ rows }) => rows.flatMap((cells, row) => cells.map((_, column) => ({ row, column })));
const doubts = (of = table) => placesOf(of).filter(({ row, column }) => isDoubtful(of.rows[row][column]));

// Ask the server which sums agree after a change. Whatever changes meanwhile is asked for again, and this answer ignored.
async function checkSums(changed) {
  if (changed.formulas?.length === 0 && !changed.hasNewSums) return;
  const check = ++changed.checks;
  changed.isChecking = true;
  const checking = ask("v1/tables/check", { method: "POST", json: tableRequest(changed) });
  const answer = await checking.catch((error) => ({ agreement: `The sums were not checked: ${error.message}`, wrong: [], doubtful: null }));
  if (check !== changed.checks) return;
  Object.assign(changed, { isChecking: false, agreement: answer.agreement, wrong: answer.wrong });
  if (answer.formulas) Object.assign(changed, { formulas: answer.formulas, hasNewSums: false });
  for (const place of placesOf(changed)) {
    const doubt = answer.doubtful?.[nameOf(place)];
    changed.rows[place.row][place.column].checked = answer.doubtful && { ...doubt, doubtful: Boolean(doubt) };
  }
  if (changed !== table) return;
  renderDoubts();
  placeMessage();
  if (isWaiting) next();
}

function render() {
  const columns = table.rows[0].length;
  const head = element("tr", {}, element("td"), ...Array.from({ length: columns }, (_, i) => element("th", { scope: "col" }, letters(i))));
  const body = table.rows.map((cells, row) => element("tr", {}, element("th", { scope: "row" }, String(row + 1)),
    ...cells.map((cell, column) => element("td", { role: "gridcell", tabindex: row === at.row && column === at.column ? 0 : -1 }, isWord(cell) ? wordOf(cell) : cell.value))));
  find("grid").replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  renderDoubts();
}

const isWord = (cell) => cell.is_word && !cell.value;

function wordOf({ box }) {
  const [width, height] = uprightSize(box);
  const canvas = element("canvas", { width: Math.min(WORD_HEIGHT * width / height, MAX_WORD_WIDTH), height: WORD_HEIGHT });
  whenShown(() => drawPart(canvas, box, 1));
  return canvas;
}

// Mark the cells that are doubtful now, and leave the rest as it is: a person may be typing into a cell.
function renderDoubts() {
  for (const place of placesOf(table)) {
    const [shown, cell] = [elementAt(place), table.rows[place.row][place.column]];
    shown.className = stateOf(cell);
    shown.setAttribute("aria-label", `${nameOf(place)}: ${isWord(cell) ? "a word" : cell.value || "empty"}${isDoubtful(cell) ? `, ${reasonOf(cell)}` : ""}`);
  }
  showNeed();
  find("next-doubt").disabled = !page.grids.some((each) => doubts(each).length) && !elsewhere();
  find("grid-undo").disabled = table.past.length === 0;
  paintNumbers();
  show();
}

const elsewhere = () => pages.filter((each) => each && each !== page).reduce((sum, each) => sum + countDoubts(each), 0);

function showNeed() {
  const need = doubts().length;
  const fine = table.rows.flat().filter(isFilled).length - need;
  find("need").textContent = table.isChecking && !need ? "checking the sums ..." : need ? `Check ${plural(need, "cell")}; ${fine} ${fine === 1 ? "is" : "are"} fine`
    : `${plural(table.rows.length, "row")}, ${plural(table.rows[0].length, "column")}: ${table.wrong.length ? "checked" : "nothing to check"}`;
  find("wrong").textContent = table.wrong.slice(0, MAX_WRONG).join("; ");
  find("totals").textContent = table.agreement ?? "";
  if (elsewhere()) find("need").textContent += `; ${plural(elsewhere(), "cell")} to check on other pages`;
}

const elementAt = ({ row, column }) => find("grid").rows[row + 1]?.cells[column + 1];

// Show the current cell in the grid, in the photo and enlarged, why it is doubtful, and what else it may be.
function show() {
  const cell = current();
  find("grid").querySelector(".current")?.classList.remove("current");
  elementAt(at).classList.add("current");
  pointAt(cell.box);
  enlarge(cell.box);
  find("cell-name").textContent = nameOf(at);
  find("cell-doubt").className = isDoubtful(cell) ? "doubt" : "hint";
  find("cell-doubt").textContent = isDoubtful(cell) ? reasonOf(cell) : cell.done ? "checked" : "";
  find("accept-cell").disabled = !isDoubtful(cell);
  find("accept-cell").textContent = isDoubtful(cell) ? `Accept ${cell.value || "as empty"}` : "Accept";
  find("options").replaceChildren(...(isDoubtful(cell) ? suggestionsOf(cell) : []).map(({ value, agrees }, i) =>
    element("button", { type: "button", title: `Alt+${i + 1}` }, value || "empty", agrees && element("small", {}, ` ${agrees} ${agrees.includes(" ") ? "agree" : "agrees"}`))));
}

function move({ row, column }) {
  isWaiting = false;
  elementAt(at)?.setAttribute("tabindex", -1);
  at = within({ row, column });
  const shown = elementAt(at);
  shown.setAttribute("tabindex", 0);
  show();
  shown.style.scrollMarginTop = `${find("bar").offsetHeight}px`; // which covers what is scrolled under it
  shown.focus();
}

const laterDoubt = () => doubts().find(({ row, column }) => row > at.row || (row === at.row && column > at.column));

function next() {
  isWaiting = table.isChecking && !doubts().length;
  if (isWaiting) return;
  const other = doubts().length ? -1 : page.grids.findIndex((each) => doubts(each).length);
  if (other >= 0) showTable(other);
  else if (!doubts().length && turnToDoubt()) return;
  move(other >= 0 ? at : laterDoubt() ?? doubts()[0] ?? at); // the focus stays in the grid after the last one
}

function pressed(event) {
  if (event.target.tagName === "INPUT") return;
  const { row, column } = at;
  const steps = { ArrowUp: { row: row - 1 }, ArrowDown: { row: row + 1 }, ArrowLeft: { column: column - 1 }, ArrowRight: { column: column + 1 },
    Home: { column: 0 }, End: { column: Infinity } };
  if (event.altKey) {
    const [, number] = event.code.match(/^(?:Digit|Numpad)([1-3])$/) ?? [];
    if (!number) return;
    choose(number - 1);
  } else if (event.key in steps) move({ ...at, ...steps[event.key] });
  else if (event.key === "Enter") { accept(); next(); }
  else if (event.key === "Tab" && !event.shiftKey && laterDoubt()) next(); // after the last one it leaves the grid
  else if (event.key === "F2") edit();
  else if (event.key === "Delete" && event.shiftKey) reshape(CHANGES["drop-row"]);
  else if (event.key === "Delete" && event.ctrlKey) reshape(CHANGES["drop-column"]);
  else if (event.key === "Delete" || event.key === "Backspace") { change(""); move(at); }
  else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
  else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey) edit(event.key);
  else return;
  event.preventDefault();
}

// Take another reading of the cell, given by its index, and go to the next doubt.
function choose(index) {
  const suggestion = isDoubtful(current()) && suggestionsOf(current())[index];
  if (!suggestion) return;
  change(suggestion.value);
  next();
}

// Edit the cell, of which `typed`, or what is typed then, replaces all; Enter stores the text and goes to the next doubt, Escape
// restores it.
function edit(typed = null) {
  const inputmode = current().value || isDoubtful(current()) ? "decimal" : "text";
  const input = element("input", { type: "text", value: typed ?? current().value, inputmode, maxlength: MAX_CELL_LENGTH, autocomplete: "off", "aria-label": `${find("cell-name").textContent}: right value` });
  const finish = (goOn) => {
    const value = input.value.trim();
    input.onblur = null;
    if (value !== current().value) change(value);
    else if (isDoubtful(current())) accept();
    else render();
    move(at);
    if (goOn && current().isHead && at.column + 1 < table.rows[0].length) move({ ...at, column: at.column + 1 });
    else if (goOn) next();
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); finish(true); }
    if (event.key === "Escape") { input.onblur = null; render(); move(at); }
  });
  input.onblur = () => finish(false);
  elementAt(at).replaceChildren(input);
  input.focus();
  input.setSelectionRange(typed ? typed.length : 0, input.value.length);
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
  step.number = number;
  step.correction = { strip: number.strip, text: value, predicted: (number.original ?? number).value, source: "picture" };
  storeLatest(step);
}

// Let the server have the correction of a number that the latest change left, or none: a new one replaces the one before.
function storeLatest({ table: { past }, number }) {
  storing = storing.then(() => trying(async () => {
    const [before, latest] = [stored.get(number), past.findLast((step) => step.number === number)];
    if (latest === before?.step) return;
    if (latest) stored.set(number, { step: latest, path: await storeNumber(latest.correction, async () => undo(latest)) });
    else {
      await undoStored(before.path);
      stored.delete(number);
    }
  }));
}

function replaceCell(cell) {
  const [changed, place] = [table, at];
  const before = current();
  changed.rows[place.row][place.column] = cell;
  return remember(() => { changed.rows[place.row][place.column] = before; return place; });
}

// Remember how to undo the last change; `undo` returns the cell to make current then.
function remember(undo, changed = table) {
  const step = { table: changed, undo, number: null };
  changed.past.push(step);
  checkSums(changed);
  if (changed === table) render();
  whenChanged();
  return step;
}

// Undo a change, which may be on a page that is hidden.
function undo(step = table.past.at(-1)) {
  const index = step ? step.table.past.indexOf(step) : -1;
  if (index < 0) return;
  step.table.past.splice(index, 1);
  if (step.number) storeLatest(step);
  const place = step.undo();
  checkSums(step.table);
  whenChanged();
  if (step.table !== table) return;
  at = within(place);
  render();
  move(at);
}

// Change whole rows or columns. What was expected of those that stay is kept, and the server looks for sums anew.
function reshape(way) {
  const [changed, place, { rows, formulas, hasNewSums }] = [table, at, table];
  const index = way.isOfRows ? at.row : at.column;
  const made = way.make(rows, index);
  if (made === null) { notify("There is no other one."); return; }
  Object.assign(changed, { rows: made, formulas: movedFormulas(formulas ?? [], way, index), hasNewSums: true });
  at = within(at);
  remember(() => { Object.assign(changed, { rows, formulas, hasNewSums }); return place; });
  move(at);
}

// Let a person type what stands in the cells, and doubt what differs from what was read.
function checkTwice() {
  const [changed, before] = [table, table.rows];
  const cellOf = ({ row, column }) => before[row][column];
  const places = placesOf(table).filter((place) => isFilled(cellOf(place)) && !isWord(cellOf(place)));
  if (!places.length) { notify("There is no number to check."); return; }
  const draw = (index, canvas) => drawPart(canvas, cellOf(places[index]).box, ENLARGED_FRACTION);
  askTwice(places.map(nameOf), draw, (typed) => {
    if (!typed.length || changed.rows !== before) return;
    changed.rows = before.map((cells) => [...cells]);
    for (const [i, text] of typed.entries()) {
      const { row, column } = places[i];
      changed.rows[row][column] = readTwice(cellOf(places[i]), text);
    }
    remember(() => { changed.rows = before; return at; }, changed);
    if (changed === table) next(); // another page may have been read meanwhile
  });
}

// Draw the cell upright and large, with a frame, and what stands around it.
function enlarge(box) {
  const canvas = find("cell-large");
  const [left, top, right, bottom] = box;
  whenShown(() => {
    if (current().box !== box) return;
    const { context, scale } = drawPart(canvas, box, ENLARGED_FRACTION);
    context.strokeStyle = "#0b5cad";
    context.lineWidth = 3 / scale;
    context.strokeRect(left, top, right - left, bottom - top);
  });
}

function whenShown(draw) {
  const image = find("stage").querySelector("img");
  if (!image) return; // another picture is being read, which the browser can't show
  if (image.complete && image.naturalWidth) draw();
  else image.addEventListener("load", () => { if (table) draw(); }, { once: true });
}

const uprightSize = ([left, top, right, bottom]) => page.turned % 180 ? [bottom - top, right - left] : [right - left, bottom - top];

// Draw a part of the photo upright into a canvas, of whose height it takes a fraction.
function drawPart(canvas, [left, top, right, bottom], fraction) {
  const context = canvas.getContext("2d");
  const [width, height] = uprightSize([left, top, right, bottom]);
  const scale = Math.min(canvas.width / width, fraction * canvas.height / height);
  context.reset();
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate(-page.turned * Math.PI / 180);
  context.scale(scale, scale);
  context.translate(-(left + right) / 2, -(top + bottom) / 2);
  context.drawImage(find("stage").querySelector("img"), 0, 0, ...page.size);
  return { context, scale };
}

// A table with a person's changes, as the API takes it.
function tableRequest({ rows, formulas, hasNewSums }, name = undefined, withWords = false) {
  const requestOf = ({ value, number, confidence, fits, accepted, reason, options, strip, done }) => ({
    value, number: number === null || number === value ? undefined : number, ...(withWords && !value && strip ? { strip } : {}),
    ...(done ? { checked: true } : { confidence, fits, options: options.slice(0, MAX_SENT_OPTIONS) }), ...(accepted ? {} : { accepted, reason }),
  });
  return { name, formulas, find_sums: hasNewSums, rows: rows.map((cells) => cells.map(requestOf)) };
}

// The tables of all pages, those of sheets joined, with the pictures of their words, or without them if those are too many to send.
async function tablesOfPages() {
  const joined = await joinedTables();
  const others = withTable().filter(({ sheet }) => !sheet || !joined.length).flatMap(({ grids, sheetName }) => grids.map((each, i) =>
    tableRequest(each, sheetName ? `${sheetName}${grids.length > 1 ? ` ${i + 1}` : ""}`.slice(-MAX_NAME_LENGTH) : undefined, true)));
  const all = [...joined, ...others];
  if (JSON.stringify(all).length <= MAX_SENT_CHARACTERS) return all;
  return all.map((each) => ({ ...each, rows: each.rows.map((cells) => cells.map(({ strip: _, ...cell }) => cell)) }));
}
