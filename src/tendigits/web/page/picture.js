// The numbers of a picture: how it is chosen, its boxes, the table of its numbers, and how they are copied and saved.

import { confidenceText } from "./api.js";
import { element, find, notify, save, trying } from "./dom.js";

let shown = null; // the page, with the fields of the API, and with `corrected` texts where a person gave some
let address = null; // the picture's object URL

// `take` gets the file of a picture that was dropped, pasted, chosen or photographed.
export function startPictures(take) {
  for (const id of ["file", "camera"]) {
    find(id).addEventListener("change", (event) => {
      const [file] = event.target.files;
      event.target.value = "";
      if (file) take(file);
    });
  }
  const drop = find("drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
    });
  }
  addEventListener("paste", (event) => {
    const [file] = [...event.clipboardData.files].filter((each) => each.type.startsWith("image/"));
    if (!file) return;
    location.hash = "#read";
    take(file);
  });
  find("copy").addEventListener("click", () => trying(async () => {
    await navigator.clipboard.writeText(numbers().map((line) => line.value).join("\n"));
    notify("Copied.");
  }));
  find("csv").addEventListener("click", download);
}

// Show at once a picture that is being read; nothing of an older one stays, no number and no error.
export function showBusy(file) {
  showAddress(file);
  shown = null;
  const image = element("img", { src: address, alt: "Your picture" });
  image.addEventListener("error", () => image.remove()); // most browsers show no PDF, TIFF and HEIC
  find("stage").style.removeProperty("aspect-ratio");
  find("stage").replaceChildren(image);
  find("page").classList.add("busy");
  find("page").hidden = false;
  find("reading").className = "";
  find("reading").textContent = `Reading ${file.name || "the picture"} …`;
  find("reading-bar").removeAttribute("value");
  find("reading-bar").hidden = false;
}

// Show the share that is read, where it is known.
export function showShare(share) {
  find("reading-bar").value = share;
}

// Show what was read in a picture, which the browser can show.
export function showPicture(picture, page, correct = null) {
  showAddress(picture);
  settle("");
  find("page").hidden = false;
  showNumbers(page, correct);
}

// Add to each line of a page what another network reads there; a line that it does not find has none.
export function compareWith(page, name, lines) {
  page.besideName = name;
  for (const line of page.numbers) {
    const [x, y] = [(line.box[0] + line.box[2]) / 2, (line.box[1] + line.box[3]) / 2];
    line.beside = lines.find(({ box: [left, top, right, bottom] }) => left <= x && x <= right && top <= y && y <= bottom)?.value ?? "";
  }
}

// The picture could not be read: why stands where its numbers would.
export function showUnread(file, message) {
  settle(`${file.name || "The picture"} was not read: ${message}`);
  find("page").hidden = true;
}

function settle(text) {
  find("reading").className = text ? "doubt" : "";
  find("reading").textContent = text;
  find("reading-bar").hidden = true;
  find("page").classList.remove("busy");
}

function showAddress(picture) {
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(picture);
}

// Show the boxes and the table; `correct`, if there is one, is called with the line that was selected, and which of its
// characters (null: all of it).
export function showNumbers(page, correct) {
  shown = page;
  const focused = document.activeElement?.dataset.place; // the correction's box or row, which is made anew
  const [width, height] = page.size;
  const size = Math.max(12, Math.max(width, height) / 45);
  const shapes = element("svg:svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": correct ? null : "true" });
  for (const line of page.numbers) {
    const isKept = line.corrected === undefined || line.corrected.length === line.characters.length;
    if (isKept) line.characters.forEach((character, i) => shapes.append(characterBox(line, i, character, size, correct)));
    else shapes.append(box(line, null, line.box, nameOf(line), "corrected", size, correct));
  }
  find("stage").style.setProperty("aspect-ratio", `${width} / ${height}`);
  find("stage").replaceChildren(element("img", { src: address, alt: "Your picture" }), shapes);
  find("numbers").querySelector("tbody").replaceChildren(...page.numbers.map((line, i) =>
    element("tr", { class: line.accepted ? "" : "doubtful" },
      element("td", {}, String(i + 1)), element("td", { class: "number" }, correct ? button(line, correct) : line.value),
      page.besideName && element("td", { class: line.beside === line.value ? "number" : "number differs" }, line.beside || "–"),
      element("td", { class: "number" }, confidenceText(line.confidence)), element("td", {}, line.reason ?? ""))));
  find("beside-name").hidden = !page.besideName;
  find("beside-name").textContent = page.besideName ?? "";
  if (!page.numbers.length) {
    find("numbers").querySelector("tbody").replaceChildren(element("tr", {}, element("td", { colspan: 5, class: "hint" }, "No number was found. Numbers written with a dark pen on light paper are found best.")));
  }
  if (focused) document.querySelector(`#page [data-place="${focused}"]`)?.focus({ preventScroll: true });
}

// Which part of which number an element shows; a number whose characters have one box has it in place of the first's.
function placeOf(line, index) {
  return `${shown.numbers.indexOf(line)}:${index ?? 0}`;
}

function nameOf(line) {
  return line.value || "not a number";
}

function button(line, correct) {
  const name = nameOf(line);
  return element("button", { type: "button", class: "plain", "data-place": `row:${shown.numbers.indexOf(line)}`, "aria-label": `${name}: correct it`, onclick: () => correct(line, null) }, name);
}

function characterBox(line, index, character, size, correct) {
  const isChanged = line.corrected !== undefined && line.corrected[index] !== character.label;
  const kind = isChanged ? "corrected" : character.accepted || line.corrected !== undefined ? "confident" : "doubtful";
  const label = isChanged ? line.corrected[index] : character.label;
  const how = isChanged ? "corrected" : `${confidenceText(character.confidence)} confident${kind === "doubtful" ? ", doubtful" : ""}`;
  return box(line, index, character.box, label, kind, size, correct, how);
}

// A box with its label above; where it can be corrected, by a click or a key.
function box(line, index, [left, top, right, bottom], label, kind, size, correct, how = kind) {
  const chosen = () => correct(line, index);
  const button = correct && {
    tabindex: 0, role: "button", "data-place": placeOf(line, index), "aria-label": `${label}, ${how}: correct it`,
    onclick: chosen, onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); chosen(); } },
  };
  return element("svg:g", { class: `box ${kind}`, ...button },
    element("svg:rect", { x: left, y: top, width: right - left, height: bottom - top }),
    element("svg:text", { x: (left + right) / 2, y: Math.max(size, top - size / 4), "font-size": size, "text-anchor": "middle" }, label));
}

// The lines that hold a number, as far as a person has corrected them.
function numbers() {
  return shown.numbers.filter((line) => line.value !== "");
}

// How a formula may begin, for some program that opens a CSV; and numbers, which are none. As in tables/table.py.
const [FORMULA, NUMBER] = [/^[=+\-@\t\r\n＝＋－＠]/, /^[-+]?\d+([.,]\d+)?$/];

// Save rows as a CSV; a cell is quoted if it has a comma, as 12,50 has, and what may be a formula gets an apostrophe.
export function saveCsv(rows, name) {
  const cell = (value) => {
    const text = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  save(new Blob([rows.map((row) => row.map(cell).join(",")).join("\n") + "\n"], { type: "text/csv" }), name);
}

function download() {
  saveCsv([["order", "value", "number", "confidence", "accepted", "reason", "left", "top", "right", "bottom"],
    ...numbers().map((line, i) => [i + 1, line.value, line.number ?? "", line.confidence.toFixed(4), line.accepted ? "yes" : "no", line.reason ?? "", ...line.box])], "numbers.csv");
}
