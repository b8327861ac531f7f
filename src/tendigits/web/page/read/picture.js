// A picture and its numbers: how a picture is chosen, the boxes on it, the table of numbers, and how they are copied and saved.

import { isDoubtful, stateOf } from "../grid/table.js";
import { element, find, notify, onFiles, rectOf, saveCsv, trying } from "../shared/dom.js";
import { confidenceText } from "../shared/text.js";

const LABEL_HEIGHT = 0.5; // of a label's characters, as a fraction of its number's height
const MAX_LABELS = 1000; // above, each would be compared with too many others
const REVOKED_AFTER = 10_000; // milliseconds
const ZOOM_CELLS = 4; // this many times the current cell's width and height are visible at least

let shown = null; // the page of the API; its numbers have `done` where a person corrected them
let address = null; // the picture's object URL
let whenChosen; // called with a number that a person selects, and the index of its character or null for the whole number
let current = null; // the box of the current cell

// `take` is called with the files of pictures that were dropped, pasted, chosen or photographed, `correct` with a number that was
// selected and the index of its character, or null for the whole number.
export function startPictures(take, correct) {
  whenChosen = correct;
  for (const id of ["file", "camera"]) onFiles(id, take);
  const drop = find("drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) take([...event.dataTransfer.files]);
    });
  }
  addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files].filter((each) => each.type.startsWith("image/"));
    if (!files.length) return;
    location.hash = "#read";
    take(files);
  });
  find("copy").addEventListener("click", () => trying(async () => {
    await navigator.clipboard.writeText(filledNumbers().map((number) => number.value).join("\n"));
    notify("Copied.");
  }));
  find("csv").addEventListener("click", () => {
    saveCsv([["order", "value", "number", "confidence", "accepted", "reason", "left", "top", "right", "bottom"],
      ...filledNumbers().map((each, i) => [i + 1, each.value, each.number ?? "", each.confidence.toFixed(4), each.accepted ? "yes" : "no", each.reason ?? "", ...each.box])], "numbers.csv");
  });
  find("labels").addEventListener("change", () => find("stage").classList.toggle("unlabelled", !find("labels").checked));
  find("whole").addEventListener("change", () => { if (shown) layOut(); });
  find("form").addEventListener("toggle", () => { if (shown) paintPicture(); });
}

export function showBusy(file) {
  showAddress(file);
  shown = null;
  const image = element("img", { src: address, alt: "Your picture" });
  image.addEventListener("error", () => image.remove()); // most browsers show no PDF, TIFF and HEIC
  find("stage").parentElement.style.removeProperty("--aspect");
  find("stage").replaceChildren(image);
  find("page").hidden = false;
  showState(`Reading ${file.name || "the picture"} …`, true);
}

export function showPicture(page) {
  showAddress(page.picture);
  showState("");
  find("page").hidden = false;
  [shown, current] = [page, null];
  find("stage").replaceChildren(element("div", {}, element("img", { src: address, alt: "Your picture" }), element("svg:svg", { preserveAspectRatio: "none" })));
  paintNumbers();
}

export function showUnread(file, message) {
  showState(`${file.name || "The picture"} was not read: ${message}`);
  find("page").hidden = true;
}

function showState(text, isBusy = false) {
  find("reading").className = isBusy ? "" : "doubt";
  find("reading").textContent = text;
  find("reading-bar").hidden = !isBusy;
  find("page").classList.toggle("busy", isBusy);
}

function showAddress(picture) {
  if (address) setTimeout(URL.revokeObjectURL, REVOKED_AFTER, address); // the browser may be loading it
  address = URL.createObjectURL(picture);
}

// Add to each number of a page what a second network reads there; "" if it finds nothing there.
export function compareWith(page, name, numbers) {
  page.secondName = name;
  for (const number of page.numbers) {
    const [x, y] = [(number.box[0] + number.box[2]) / 2, (number.box[1] + number.box[3]) / 2];
    number.second = numbers.find(({ box: [left, top, right, bottom] }) => left <= x && x <= right && top <= y && y <= bottom)?.value ?? "";
  }
}

// Show all numbers of the page as they are now, in the picture and in the list.
export function paintNumbers() {
  if (!shown) return; // another picture is being read
  const focused = document.activeElement?.getAttribute("data-place"); // its box or row is replaced below
  paintPicture();
  const now = numbersNow();
  const sums = shown.sums.filter(({ numbers }) => numbers.every((i) => now[i].state !== "corrected")); // the server has not checked others
  find("sums").replaceChildren(...sums.map(({ text, agrees }) => element("li", { class: agrees ? "sure" : "doubt" }, `${text} ${agrees ? "agrees" : "does not agree"}`)));
  const rows = now.map((number, i) => element("tr", { class: number.state },
    element("td", {}, String(i + 1)),
    element("td", { class: "number" }, element("button", { type: "button", class: "plain", "data-place": `row:${i}`,
      "aria-label": `${nameOf(number)}: correct it`, onclick: () => whenChosen(shown.numbers[i], null) }, nameOf(number))),
    shown.secondName && element("td", { class: number.second === number.value ? "number" : "number differs" }, number.second || "–"),
    element("td", { class: "number" }, number.state === "corrected" ? "" : confidenceText(number.confidence)), element("td", {}, number.reason ?? "")));
  const hint = `No number was found.${shown.notice ? "" : " Numbers written with a dark pen on light paper are found best."}`; // the notice says why
  if (!rows.length) rows.push(element("tr", {}, element("td", { colspan: 5, class: "hint" }, hint)));
  find("numbers").querySelector("tbody").replaceChildren(...rows);
  find("second-name").hidden = !shown.secondName;
  find("second-name").textContent = shown.secondName ?? "";
  if (focused) find("page").querySelector(`[data-place="${focused}"]`)?.focus({ preventScroll: true });
}

// The numbers, those in the table as its cells are now; `state` is as in `stateOf`.
function numbersNow() {
  const cells = new Map(cellsOf(shown).map((cell) => [cell.index, cell]));
  return shown.numbers.map((number, i) => {
    const cell = cells.get(i) ?? number;
    const { value, number: decimal } = cell;
    return { ...number, isInTable: cells.has(i), value, number: decimal, state: stateOf(cell), accepted: !isDoubtful(cell), reason: isDoubtful(cell) ? cell.reason : null };
  });
}

const cellsOf = ({ grids = [] }) => grids.flatMap(({ rows }) => rows.flat());

const nameOf = (number) => number.value || "not a number";

// While fields of a form are marked, the picture stays as it is; else it is turned upright.
const turnedBy = () => (find("form").open ? 0 : shown.turned);

/** @returns {any} A box as the picture is shown. */
const upright = (box) => turnedBox(box, turnedBy(), shown.size);

function turnedBox(box, turned, [width, height]) {
  if (turned === 0) return box;
  const [left, top, right, bottom] = turnedBox(box, turned - 90, [width, height]);
  const across = turned % 180 ? width : height;
  return [top, across - right, bottom, across - left]; // by 90 degrees anticlockwise
}

// How the picture is turned upright in its frame.
const TURNS = { 0: "", 90: "rotate(-90deg) translateX(-100%)", 180: "rotate(180deg) translate(-100%, -100%)", 270: "rotate(90deg) translateY(-100%)" };

function paintPicture() {
  const [paper, turned] = [find("stage").firstElementChild, turnedBy()];
  const [image, shapes] = paper.children;
  const [width, height] = paperSize();
  find("stage").parentElement.style.setProperty("--aspect", `${width / height}`);
  Object.assign(image.style, { width: `${(100 * shown.size[0]) / width}%`, transform: TURNS[turned] });
  shapes.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const numbers = numbersNow().map((number) => ({ ...number, box: upright(number.box) }));
  const unread = cellsOf(shown).filter((cell) => cell.index === null && isDoubtful(cell)).map((cell) => upright(cell.box));
  const labels = labelsOf(numbers, [width, height]);
  shapes.replaceChildren(...unread.map((box) => element("svg:g", { class: "box doubtful" }, element("svg:rect", rectOf(box)))),
    ...numbers.map((number, i) => shapeOf(number, i, labels[i])), element("svg:rect", { class: "frame" }));
  layOut();
}

// With the keyboard, numbers in the table are corrected there.
function shapeOf(number, i, label) {
  const choose = (event) => whenChosen(shown.numbers[i], event.detail ? characterAt(shown.numbers[i], event) : null);
  const how = number.state === "corrected" ? "corrected" : `${confidenceText(number.confidence)} confident${number.state === "doubtful" ? ", doubtful" : ""}`;
  return element("svg:g", {
    class: `box ${number.state}`, onclick: choose,
    ...(number.isInTable ? { "aria-hidden": "true" } : {
      tabindex: 0, role: "button", "aria-label": `${nameOf(number)}, ${how}: correct it`, "data-place": `box:${i}`,
      onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(event); } },
    }),
  }, element("svg:rect", rectOf(number.box)), label && element("svg:text", label, number.value));
}

// The index of the character that was clicked, or null.
function characterAt({ characters }, { target, clientX, clientY }) {
  const { x } = new DOMPoint(clientX, clientY).matrixTransform(target.getScreenCTM().inverse());
  const index = characters.map(({ box }) => upright(box)).findIndex(([left, , right]) => left <= x && x <= right);
  return index < 0 ? null : index;
}

/** @type {(outer: number[], inner: number[]) => boolean} */
const holds = ([left, top, right, bottom], [x0, y0, x1, y1]) => left <= x0 && x1 <= right && top <= y0 && y1 <= bottom;
/** @type {(a: number[], b: number[]) => boolean} */
const meets = ([left, top, right, bottom], [x0, y0, x1, y1]) => left < x1 && x0 < right && top < y1 && y0 < bottom;

// The attributes of each number's label: to its right, above it, below or to its left, wherever it hides no number and no other label; null
// if there is no such place.
function labelsOf(numbers, [width, height]) {
  if (!numbers.length || numbers.length > MAX_LABELS) return [];
  const taken = numbers.map(({ box }) => box);
  return numbers.map(({ value, box: [left, top, right, bottom] }) => {
    const size = Math.max(LABEL_HEIGHT * (bottom - top), Math.max(width, height) / 75);
    const [w, gap] = [0.6 * size * value.length, size / 6];
    const [middle, line] = [(left + right - w) / 2, (top + bottom - size) / 2];
    const places = [[right + gap, line], [middle, top - size - gap], [middle, bottom + gap], [left - w - gap, line]]
      .map(([x, y]) => [x, y, x + w, y + size]);
    const place = places.find((each) => holds([0, 0, width, height], each) && !taken.some((box) => meets(box, each)));
    if (!place) return null;
    taken.push(place);
    return { x: place[0], y: place[3] - size / 8, "font-size": size };
  });
}

// Mark the current cell in the picture, and zoom to it.
export function pointAt(box) {
  current = box;
  if (shown) layOut();
}

function layOut() {
  const paper = find("stage").firstElementChild;
  const [width, height] = paperSize();
  const box = current && upright(current);
  const frame = paper.querySelector(".frame");
  frame.toggleAttribute("hidden", !box);
  if (box) for (const [name, value] of Object.entries(rectOf(box))) frame.setAttribute(name, value);
  const isZoomed = box && !find("whole").checked && !find("form").open;
  const { x, y, scale } = isZoomed ? around(box, width, height) : { x: 0, y: 0, scale: 1 };
  Object.assign(paper.style, { width: `${100 / scale}%`, left: `${(-100 * x) / (scale * width)}%`, top: `${(-100 * y) / (scale * height)}%` });
}

const paperSize = () => (turnedBy() % 180 ? shown.size.toReversed() : shown.size);

// The part of the picture around a box: its left and top, and its size as a fraction of the picture's.
function around([left, top, right, bottom], width, height) {
  const scale = Math.min(1, ZOOM_CELLS * Math.max((right - left) / width, (bottom - top) / height));
  const start = (from, to, whole) => Math.min(Math.max((from + to - scale * whole) / 2, 0), (1 - scale) * whole);
  return { x: start(left, right, width), y: start(top, bottom, height), scale };
}

// Without those that a person corrected to "not a number".
const filledNumbers = () => numbersNow().filter((number) => number.value !== "");
