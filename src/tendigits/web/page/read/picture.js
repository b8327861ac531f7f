// A picture and its numbers: how a picture is chosen, the boxes on it, the table of numbers, and how they are copied and saved.

import { element, find, notify, onFile, rectOf, saveCsv, trying } from "../shared/dom.js";
import { confidenceText } from "../shared/text.js";

let shown = null; // the page of the API; its numbers have `corrected` texts where a person gave some
let address = null; // the picture's object URL

// `take` is called with the file of a picture that was dropped, pasted, chosen or photographed.
export function startPictures(take) {
  for (const id of ["file", "camera"]) onFile(id, take);
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
    await navigator.clipboard.writeText(filledNumbers().map((number) => number.value).join("\n"));
    notify("Copied.");
  }));
  find("csv").addEventListener("click", () => {
    saveCsv([["order", "value", "number", "confidence", "accepted", "reason", "left", "top", "right", "bottom"],
      ...filledNumbers().map((each, i) => [i + 1, each.value, each.number ?? "", each.confidence.toFixed(4), each.accepted ? "yes" : "no", each.reason ?? "", ...each.box])], "numbers.csv");
  });
}

export function showBusy(file) {
  showAddress(file);
  shown = null;
  const image = element("img", { src: address, alt: "Your picture" });
  image.addEventListener("error", () => image.remove()); // most browsers show no PDF, TIFF and HEIC
  find("stage").style.removeProperty("aspect-ratio");
  find("stage").replaceChildren(image);
  find("page").hidden = false;
  showState(`Reading ${file.name || "the picture"} …`, true);
}

export function showPicture(picture, page, correct) {
  showAddress(picture);
  showState("");
  find("page").hidden = false;
  showNumbers(page, correct);
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
  if (address) URL.revokeObjectURL(address);
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

// Show the boxes and the table. `correct` is called with the number that was selected and the index of its character, or null
// for the whole number.
export function showNumbers(page, correct) {
  shown = page;
  const focused = document.activeElement?.getAttribute("data-place"); // its box or row is replaced below
  const [width, height] = page.size;
  const fontSize = Math.max(12, Math.max(width, height) / 45);
  const boxes = element("svg:svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" }, ...page.numbers.flatMap((number, i) =>
    partsOf(number).map((part) => shapeOf(part, i, fontSize, (index) => correct(number, index)))));
  find("stage").style.setProperty("aspect-ratio", `${width} / ${height}`);
  find("stage").replaceChildren(element("img", { src: address, alt: "Your picture" }), boxes);
  const rows = page.numbers.map((number, i) => element("tr", { class: number.accepted ? "" : "doubtful" },
    element("td", {}, String(i + 1)),
    element("td", { class: "number" }, element("button", { type: "button", class: "plain", "data-place": `row:${i}`,
      "aria-label": `${nameOf(number)}: correct it`, onclick: () => correct(number, null) }, nameOf(number))),
    page.secondName && element("td", { class: number.second === number.value ? "number" : "number differs" }, number.second || "–"),
    element("td", { class: "number" }, confidenceText(number.confidence)), element("td", {}, number.reason ?? "")));
  const hint = "No number was found. Numbers written with a dark pen on light paper are found best.";
  if (!rows.length) rows.push(element("tr", {}, element("td", { colspan: 5, class: "hint" }, hint)));
  find("numbers").querySelector("tbody").replaceChildren(...rows);
  find("second-name").hidden = !page.secondName;
  find("second-name").textContent = page.secondName ?? "";
  if (focused) find("page").querySelector(`[data-place="${focused}"]`)?.focus({ preventScroll: true });
}

const nameOf = (number) => number.value || "not a number";

// What the picture shows of a number: {index, box, label, kind, how} for each of its characters, or for the whole number if it was
// corrected to a text of another length.
function partsOf(number) {
  const { corrected, characters } = number;
  if (corrected !== undefined && corrected.length !== characters.length) {
    return [{ index: null, box: number.box, label: nameOf(number), kind: "corrected", how: "corrected" }];
  }
  return characters.map(({ box, label, accepted, confidence }, index) => {
    if (corrected !== undefined && corrected[index] !== label) return { index, box, label: corrected[index], kind: "corrected", how: "corrected" };
    const isConfident = accepted || corrected !== undefined;
    return { index, box, label, kind: isConfident ? "confident" : "doubtful", how: `${confidenceText(confidence)} confident${isConfident ? "" : ", doubtful"}` };
  });
}

function shapeOf({ index, box, label, kind, how }, place, fontSize, choose) {
  const [left, top, right] = box;
  return element("svg:g", {
    class: `box ${kind}`, tabindex: 0, role: "button", "aria-label": `${label}, ${how}: correct it`,
    "data-place": `${place}:${index ?? 0}`, onclick: () => choose(index),
    onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(index); } },
  }, element("svg:rect", rectOf(box)),
  element("svg:text", { x: (left + right) / 2, y: Math.max(fontSize, top - fontSize / 4), "font-size": fontSize, "text-anchor": "middle" }, label));
}

// Without those that a person corrected to "not a number".
const filledNumbers = () => shown.numbers.filter((number) => number.value !== "");
