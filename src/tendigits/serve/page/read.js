// Read a picture that was dropped, pasted, chosen or photographed; show the boxes over it, and let a person correct them.

import { ask, confidenceText } from "./api.js";
import { askText, storeNumber } from "./correct.js";
import { element, find, notify, trying } from "./dom.js";

let page = null; // the response, with corrections since
let address = null; // the picture's object URL

export function startReading() {
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

function take(file) {
  return trying(async () => {
    const kind = /^image\/(png|jpeg|webp|tiff|bmp|gif)$/.test(file.type) ? file.type : "application/octet-stream";
    const response = await ask("v1/read?crops=true", { method: "POST", body: file, headers: { "content-type": kind } });
    page = response.pages[0];
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(file);
    find("page").hidden = false;
    show();
    if (!page.lines.length) notify("No number was found.");
  });
}

function show() {
  const [width, height] = page.size;
  const size = Math.max(12, Math.max(width, height) / 45);
  const shapes = element("svg:svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" });
  for (const line of page.lines) {
    const isKept = line.corrected === undefined || line.corrected.length === line.characters.length;
    if (isKept) line.characters.forEach((character, i) => shapes.append(characterBox(line, i, character, size)));
    else shapes.append(box(line, null, line.box, line.corrected || "not a number", "corrected", size));
  }
  const image = element("img", { src: address, alt: "Your picture" });
  image.addEventListener("error", () => { image.remove(); find("stage").classList.add("bare"); });
  find("stage").style.setProperty("aspect-ratio", `${width} / ${height}`);
  find("stage").replaceChildren(image, shapes);
  find("lines").querySelector("tbody").replaceChildren(...page.lines.map((line, i) =>
    element("tr", { class: line.accepted ? "" : "doubtful" },
      element("td", {}, String(i + 1)),
      element("td", { class: "number" }, element("button", {
        type: "button", class: "plain", "aria-label": `${line.value || "not a number"}: correct it`, onclick: () => correct(line, null),
      }, line.value || "not a number")),
      element("td", { class: "number" }, confidenceText(line.confidence)), element("td", {}, line.reason ?? ""))));
}

function characterBox(line, index, character, size) {
  const isChanged = line.corrected !== undefined && line.corrected[index] !== character.label;
  const kind = isChanged ? "corrected" : character.accepted || line.corrected !== undefined ? "confident" : "doubtful";
  const label = isChanged ? line.corrected[index] : character.label;
  const how = isChanged ? "corrected" : `${confidenceText(character.confidence)} confident${kind === "doubtful" ? ", doubtful" : ""}`;
  return box(line, index, character.box, label, kind, size, how);
}

// A box with its label above; a click or a key opens the dialog to correct the number.
function box(line, index, [left, top, right, bottom], label, kind, size, how = kind) {
  return element("svg:g", {
    class: `box ${kind}`, tabindex: 0, role: "button", "aria-label": `${label}, ${how}: correct it`,
    onclick: () => correct(line, index), onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); correct(line, index); } },
  },
  element("svg:rect", { x: left, y: top, width: right - left, height: bottom - top }),
  element("svg:text", { x: (left + right) / 2, y: Math.max(size, top - size / 4), "font-size": size, "text-anchor": "middle" }, label));
}

async function correct(line, index) {
  const text = await askText(line, index);
  if (text === null) return;
  await trying(async () => {
    const predicted = (line.original ?? line).value;
    await storeNumber({ strip: line.strip, text, predicted, source: "picture" }, () => { change(line, undefined); });
    change(line, text);
  });
}

// Show a corrected text in place of what was read, or what was read again.
function change(line, text) {
  line.original ??= { value: line.value, number: line.number, accepted: line.accepted, confidence: line.confidence, reason: line.reason };
  line.corrected = text;
  // What a corrected value means, only the reader knows.
  Object.assign(line, text === undefined ? line.original : { value: text, number: null, accepted: true, confidence: 1, reason: null });
  show();
}

// The lines that hold a number, as far as a person has corrected them.
function numbers() {
  return page.lines.filter((line) => line.value !== "");
}

// A cell of a CSV: quoted if it has a comma, as 12,50 has.
function cell(value) {
  return /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
}

function download() {
  const rows = [["line", "value", "number", "confidence", "accepted", "reason", "left", "top", "right", "bottom"],
    ...numbers().map((line, i) => [i + 1, line.value, line.number ?? "", line.confidence.toFixed(4), line.accepted ? "yes" : "no", line.reason ?? "", ...line.box])];
  const text = rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "numbers.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
