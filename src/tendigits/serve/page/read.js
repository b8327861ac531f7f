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
  for (const digit of page.rejected) shapes.append(box(digit, "rejected", null, size));
  for (const line of page.lines) {
    for (const digit of line.digits) shapes.append(box(digit, digit.accepted ? "confident" : "doubtful", line, size));
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

// A digit's box with its value above; a click or a key opens the dialog to correct it.
function box(digit, kind, line, size) {
  const [left, top, right, bottom] = digit.box;
  const label = digit.corrected !== undefined ? nameOf(digit.corrected) : kind === "rejected" ? "" : String(digit.label);
  const name = digit.corrected !== undefined ? `${label}, corrected`
    : kind === "rejected" ? "not a digit" : `${label}, ${confidenceText(digit.confidence)} confident${kind === "doubtful" ? ", doubtful" : ""}`;
  return element("svg:g", {
    class: `box ${digit.corrected !== undefined ? "corrected" : kind}`, tabindex: 0, role: "button", "aria-label": `${name}: correct it`,
    onclick: () => correct(digit), onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); correct(digit); } },
  },
  element("svg:rect", { x: left, y: top, width: right - left, height: bottom - top }),
  label && label.length === 1 ? element("svg:text", { x: (left + right) / 2, y: Math.max(size, top - size / 4), "font-size": size, "text-anchor": "middle" }, label) : null);
}

async function correct(digit) {
  const answer = await askLabel(digit);
  if (!answer) return;
  const predicted = digit.is_digit >= 0.5 ? digit.label : null;
  await trying(async () => {
    await store({ crop: digit.crop, label: answer.label, predicted, source: "picture" }, () => { delete digit.corrected; updateLines(); });
    digit.corrected = answer.label;
    updateLines();
  });
}

// Rebuild the lines from the predictions and the corrections.
function updateLines() {
  for (const line of page.lines) {
    line.original ??= { value: line.value, accepted: line.accepted, confidence: line.confidence, reason: line.reason };
    Object.assign(line, line.original);
    if (!line.digits.some((digit) => digit.corrected !== undefined)) continue;
    let at = -1;
    line.value = [...line.original.value].map((character) => {
      if (character === " ") return character;
      const { corrected } = line.digits[++at];
      return corrected === undefined ? character : corrected === null ? "" : String(corrected);
    }).join("").trim();
    const doubtful = line.digits.filter((digit) => digit.corrected === undefined && !digit.accepted);
    line.accepted = !doubtful.length;
    line.reason = line.accepted ? null : line.original.reason;
    line.confidence = line.digits.reduce((product, digit) => product * (digit.corrected === undefined ? digit.confidence : 1), 1);
  }
  show();
}

function download() {
  const rows = [["line", "value", "confidence", "accepted", "left", "top", "right", "bottom"],
    ...page.lines.map((line, i) => [i + 1, line.value, line.confidence.toFixed(4), line.accepted ? "yes" : "no", ...line.box])];
  const text = rows.map((row) => row.join(",")).join("\n") + "\n";
  const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "numbers.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
