// A person's own digits: drawn or from pictures, labelled, kept in this browser, saved as a file for Python.

import { button, element, find, notify, save, span, trying } from "../shared/dom.js";
import { greyOf, openImage } from "../shared/image.js";
import { cropCanvas, joined } from "../shared/pixels.js";
import { findDigit } from "../shared/stages/find.js";
import { aDigit, plural } from "../shared/text.js";
import { npz } from "./npz.js";
import { clearDrawing, drawing, showPicture } from "./pen.js";

const MAX_DIGITS = 2000;

let digits = []; // {id, label, pixels, who}
let own = split(0); // the version rises with each change
let read = null; // what the network reads in each digit
const waiting = []; // crops of pictures that wait for their labels; the first one is shown
let changed;
let database = null;
let loaded; // settles when the kept digits are here, or cannot be had

// `whenChanged` is called when there are other digits than before.
export function startOwn(whenChanged) {
  changed = whenChanged;
  const label = (digit) => button(String(digit), () => keep(digit), { "aria-label": `Keep it as ${aDigit(digit)}` });
  find("play-own-labels").append("This is a", ...Array.from({ length: 10 }, (_, digit) => label(digit)));
  find("play-own-files").addEventListener("change", ({ target }) => {
    trying(() => open([...target.files])).finally(() => (target.value = ""));
  });
  find("play-own").addEventListener("toggle", list);
  find("play-own-save").addEventListener("click", saveFile);
  find("play-own-delete").addEventListener("click", () => remove(digits));
  find("play").addEventListener("dragover", (event) => event.preventDefault());
  find("play").addEventListener("drop", (event) => {
    event.preventDefault();
    trying(() => open([...event.dataTransfer.files]));
  });
  show();
  loaded = trying(load);
}

// Of each label every second digit is for learning, the others are for the test: {train: {x, y}, test, all, version}.
export const ownDigits = () => own;

// Show what the network reads in each of `ownDigits().all`, or null. `isLearned`: it learns every second one.
export function showReadings(labels, isLearned) {
  read = labels && { labels, isLearned };
  list();
}

function split(version) {
  const parts = [[], []];
  const counts = new Array(10).fill(0);
  for (const digit of digits) parts[counts[digit.label]++ % 2].push(digit);
  const [test, train] = parts.map(arrays);
  return { train, test, all: arrays(digits), isTest: new Set(parts[0]), version };
}

function arrays(some) {
  return { x: joined(...some.map(({ pixels }) => pixels)), y: Uint8Array.from(some, ({ label }) => label) };
}

async function load() {
  database = await new Promise((resolve, reject) => {
    const request = indexedDB.open("tendigits-play", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("digits", { keyPath: "id", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = reject;
  }).catch(() => {
    throw new Error("This browser keeps nothing for this page: your digits are gone when it closes.");
  });
  digits = await stored("readonly", (store) => store.getAll());
  show();
}

// Ask the store for something. It is done when the transaction is complete: a full disk ends it after the request's success.
function stored(mode, ask) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("digits", mode);
    const request = ask(transaction.objectStore("digits"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

// Keep a digit in the browser; returns what a person must know if that is not possible.
async function put(digit) {
  try {
    digit.id = await stored("readwrite", (store) => store.add(digit));
    return "";
  } catch {
    delete digit.id;
    return " The browser has no room for it, and it is gone when this page closes: save your digits as a file.";
  }
}

function keep(label) {
  return trying(async () => {
    if (!drawing()) throw new Error("Draw a digit first, or choose a picture of one.");
    if (digits.length >= MAX_DIGITS)
      throw new Error(`You have ${MAX_DIGITS} digits, and more are not kept: delete some.`);
    const digit = { label, pixels: drawing(), who: find("play-own-who").value.trim() };
    await loaded;
    const trouble = await put(digit);
    digits.push(digit);
    if (digit.pixels === waiting[0]) waiting.shift(); // else it was drawn meanwhile
    clearDrawing();
    show();
    const left = waiting.length
      ? `${waiting.length} left: which digit is it?`
      : `You have ${digits.length} of your own.`;
    notify(`Kept as ${aDigit(label)}. ${left}${trouble}`);
    if (waiting.length) showPicture(waiting[0]);
  });
}

// Cut a digit out of each picture; then each waits for its label. A picture without one does not stop the others.
async function open(files) {
  const troubles = [];
  for (const file of files) {
    try {
      const { crop } = findDigit(greyOf(await openImage(file), "white"));
      if (!crop.some(Boolean)) throw new Error(`There is no digit in ${file.name}.`);
      waiting.push(crop);
    } catch (error) {
      troubles.push(error.message);
    }
  }
  if (troubles.length < files.length) {
    clearDrawing();
    showPicture(waiting[0]);
    notify(`${plural(waiting.length, "picture")} to label: press the digit that the pad shows.`);
  }
  if (troubles.length)
    throw new Error(`${troubles[0]}${troubles.length > 1 ? ` And ${troubles.length - 1} more.` : ""}`);
}

function show() {
  own = split(own.version + 1);
  read = null; // until the network has read the new list
  find("play-own-count").textContent = String(digits.length);
  for (const id of ["play-own-save", "play-own-delete"]) find(id).disabled = !digits.length;
  list();
  changed();
}

// The digits, those first that are read wrongly, and how many of each writer's are read.
function list() {
  if (!find("play-own").open) return;
  const labelOf = (digit, i) => read?.labels[i] ?? digit.label;
  const shown = digits.map((digit, i) => ({ digit, label: labelOf(digit, i), isTest: own.isTest.has(digit) }));
  const isWrong = ({ digit, label }) => Number(label !== digit.label);
  const writers = [...new Set(digits.map(({ who = "" }) => who))].map((who) => {
    const tested = shown.filter(({ digit, isTest }) => isTest && (digit.who ?? "") === who);
    return `${who || "no name"}: ${tested.filter((each) => !isWrong(each)).length} of ${tested.length}`;
  });
  find("play-own-writers").textContent = read ? `Read of those that only test: ${writers.join("; ")}.` : "";
  find("play-own-digits").replaceChildren(...[...shown].sort((a, b) => isWrong(b) - isWrong(a)).map(item));
}

function item({ digit, label, isTest }) {
  const picture = cropCanvas(digit.pixels, aDigit(digit.label));
  const name = `Delete this ${digit.label}`;
  const about = [digit.who, read?.isLearned && !isTest && "learned"].filter(Boolean).join(", ");
  const outcome = read && (label === digit.label ? span("✓") : span(`read as ${label}`, "doubt"));
  const erase = button(picture, () => remove([digit]), { class: "plain", "aria-label": name });
  return element("li", {}, erase, String(digit.label), outcome, span(about, "hint"));
}

function remove(gone) {
  return trying(async () => {
    const ids = gone.map(({ id }) => id).filter(Boolean);
    if (ids.length) await stored("readwrite", (store) => ids.map((id) => store.delete(id)).at(-1));
    digits = digits.filter((digit) => !gone.includes(digit));
    show();
    (find("play-own-digits").querySelector("button") ?? find("play-own").querySelector("summary")).focus();
    notify(`Deleted ${plural(gone.length, "digit")}.`, {
      name: "Undo",
      do: () =>
        trying(async () => {
          const troubles = await Promise.all(gone.map(put));
          digits = [...digits, ...gone].sort((a, b) => a.id - b.id);
          show();
          if (troubles.some(Boolean)) throw new Error(troubles.find(Boolean).trim());
        }),
    });
  });
}

function saveFile() {
  const { x, y } = arrays(digits);
  save(
    npz({ x_train: { bytes: x, shape: [y.length, 28, 28] }, y_train: { bytes: y, shape: [y.length] } }),
    "my_digits.npz",
  );
}
