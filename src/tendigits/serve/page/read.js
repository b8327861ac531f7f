// Read a picture that was dropped, pasted, chosen or photographed; show the boxes over it, and let a person correct them.

import { ask, confidenceText, nameOf } from "./api.js";
import { askLabel, store } from "./correct.js";
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
    await navigator.clipboard.writeText(page.lines.map((line) => line.value).join("\n"));
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
    for (const character of line.characters) shapes.append(box(character, size));
  }
  const image = element("img", { src: address, alt: "Your picture" });
  image.addEventListener("error", () => { image.remove(); find("stage").classList.add("bare"); });
  find("stage").style.setProperty("aspect-ratio", `${width} / ${height}`);
  find("stage").replaceChildren(image, shapes);
  find("lines").querySelector("tbody").replaceChildren(...page.lines.map((line, i) =>
    element("tr", { class: line.accepted ? "" : "doubtful" },
      element("td", {}, String(i + 1)), element("td", { class: "number" }, line.value),
      element("td", { class: "number" }, confidenceText(line.confidence)), element("td", {}, line.reason ?? ""))));
}

// A character's box with its label above; a click or a key opens the dialog to correct it.
function box(character, size) {
  const [left, top, right, bottom] = character.box;
  const { corrected } = character;
  const kind = corrected !== undefined ? "corrected" : character.accepted ? "confident" : "doubtful";
  const label = corrected === undefined ? character.label : nameOf(corrected);
  const how = { corrected: "corrected", doubtful: `${confidenceText(character.confidence)} confident, doubtful`, confident: `${confidenceText(character.confidence)} confident` }[kind];
  return element("svg:g", {
    class: `box ${kind}`, tabindex: 0, role: "button", "aria-label": `${label}, ${how}: correct it`,
    onclick: () => correct(character), onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); correct(character); } },
  },
  element("svg:rect", { x: left, y: top, width: right - left, height: bottom - top }),
  label.length === 1 ? element("svg:text", { x: (left + right) / 2, y: Math.max(size, top - size / 4), "font-size": size, "text-anchor": "middle" }, label) : null);
}

async function correct(character) {
  const answer = await askLabel(character);
  if (!answer) return;
  const predicted = /^[0-9]$/.test(character.label) ? Number(character.label) : null;
  await trying(async () => {
    await store({ crop: character.crop, label: answer.label, predicted, source: "picture" }, () => { delete character.corrected; updateLines(); });
    character.corrected = answer.label;
    updateLines();
  });
}

// Rebuild the lines from the predictions and the corrections.
function updateLines() {
  for (const line of page.lines) {
    line.original ??= { value: line.value, number: line.number, accepted: line.accepted, confidence: line.confidence, reason: line.reason };
    Object.assign(line, line.original);
    if (!line.characters.some((character) => character.corrected !== undefined)) continue;
    line.value = line.characters.map(({ corrected, label }) => corrected === undefined ? label : corrected ?? "").join("");
    line.number = null; // what a corrected value means, only the reader knows
    line.accepted = line.characters.every((character) => character.corrected !== undefined || character.accepted);
    line.reason = line.accepted ? null : line.original.reason;
    line.confidence = line.characters.reduce((product, { corrected, confidence }) => product * (corrected === undefined ? confidence : 1), 1);
  }
  show();
}

// A cell of a CSV: quoted if it has a comma, as 12,50 has.
function cell(value) {
  return /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
}

function download() {
  const rows = [["line", "value", "number", "confidence", "accepted", "reason", "left", "top", "right", "bottom"],
    ...page.lines.map((line, i) => [i + 1, line.value, line.number ?? "", line.confidence.toFixed(4), line.accepted ? "yes" : "no", line.reason ?? "", ...line.box])];
  const text = rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "numbers.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
