// The page Read: the server reads a picture, and a person can correct its numbers.

import { ask, askFile } from "./api.js";
import { askText, storeNumber } from "./correct.js";
import { clearError, find, notifyError, trying } from "./dom.js";
import { showForm, startForms } from "./form.js";
import { startPhone } from "./from_phone.js";
import { showGrid, showLine, startGrid } from "./grid.js";
import { NONE, chosen, networkName, ofNetwork, offerRuns, startChoice } from "./networks.js";
import { compareWith, showBusy, showNumbers, showPicture, showUnread, startPictures } from "./picture.js";

let opened = null; // the document that is shown: its file, and its pages that were read, by their numbers
let page = null; // the one that is shown: the response, with its number, its picture, and corrections since
let wanted = 1; // the number of the page that was asked for last
let requests = 0;

export function startReading() {
  startGrid();
  startForms();
  const open = (file) => turnTo({ file, pages: new Map() }, 1);
  find("previous-page").addEventListener("click", () => turnTo(opened, wanted - 1));
  find("next-page").addEventListener("click", () => turnTo(opened, wanted + 1));
  startPictures(open);
  startChoice("read", () => { if (opened) turnTo({ file: opened.file, pages: new Map() }, wanted); });
  trying(() => startPhone(open));
}

export function showReading() {
  return trying(offerRuns);
}

// Show a page of a document. The server reads it when it is looked at first; later it is as it was left.
async function turnTo(document, number) {
  const request = ++requests;
  const isOpen = document === opened;
  clearError();
  if (isOpen) showTurning(number, ", reading ...");
  else {
    find("notice").hidden = true;
    showBusy(document.file);
  }
  try {
    const read = document.pages.get(number) ?? await readPage(document.file, number);
    if (!document.pages.has(number)) document.pages.set(number, read);
    if (request !== requests) return; // another page was asked for meanwhile
    [opened, page] = [document, document.pages.get(number)];
    find("notice").hidden = page.notice === null;
    find("notice").textContent = page.notice === null ? "" : `This picture has ${page.notice}.`;
    showPicture(page.picture, page, correct);
    showGrid(page, document.pages);
    showForm(document.file, page);
    showTurning(number);
  } catch (error) {
    if (request !== requests) return; // of an older picture
    if (!isOpen) {
      [opened, page] = [null, null];
      showUnread(document.file, error.message);
    } else {
      showTurning(number, ", not read"); // one can turn on
      notifyError(error.message);
    }
  }
}

async function readPage(file, number) {
  const kind = /^(image\/(png|jpeg|webp|tiff|bmp|gif|heic|avif)|application\/pdf)$/.test(file.type) ? file.type : "application/octet-stream";
  const sent = { method: "POST", body: file, headers: { "content-type": kind } };
  const readWith = async (name) => (await ask(`v1/read?crops=true&page=${number}${ofNetwork(name)}`, sent)).pages[0];
  const [read, other] = await Promise.all([readWith(chosen(0)), chosen(1) === NONE ? null : readWith(chosen(1)).catch((error) => ({ error }))]);
  if (other) compareWith(read, networkName(chosen(1)), other.numbers ?? []);
  if (other?.error) notifyError(`${networkName(chosen(1))} does not read: ${other.error.message}`); // of that choice only
  const isShown = read.n_pages === 1 && await canShow(file);
  return { ...read, number, picture: isShown ? file : await askFile(`v1/preview?page=${number}`, sent) };
}

// Whether this browser can show a file as a picture: most show no HEIC, TIFF and PDF.
async function canShow(file) {
  const image = new Image();
  const shows = new Promise((done) => {
    image.onload = () => done(true);
    image.onerror = () => done(false);
  });
  image.src = URL.createObjectURL(file);
  await shows;
  URL.revokeObjectURL(image.src);
  return shows;
}

// Which page of how many is shown, or was asked for.
function showTurning(number, state = "") {
  wanted = number;
  const [previous, next] = [find("previous-page"), find("next-page")];
  find("turning").hidden = page.n_pages === 1;
  find("page-number").textContent = `Page ${number} of ${page.n_pages}${state}`;
  previous.disabled = next.disabled = false;
  for (const [button, other, isEnd] of [[previous, next, number === 1], [next, previous, number === page.n_pages]]) {
    if (isEnd && document.activeElement === button) other.focus();
    button.disabled = isEnd;
  }
}

async function correct(line, index) {
  const of = page;
  const text = await askText(line, index);
  if (text === null) return;
  await trying(async () => {
    const predicted = (line.original ?? line).value;
    await storeNumber({ strip: line.strip, text, predicted, source: "picture" }, () => { change(of, line, undefined); });
    change(of, line, text);
  });
}

// Show a corrected text in place of what was read, or what was read again; its page may not be shown any more.
function change(of, line, text) {
  line.original ??= { value: line.value, number: line.number, accepted: line.accepted, confidence: line.confidence, reason: line.reason };
  line.corrected = text;
  // What a corrected value means, only the reader knows.
  Object.assign(line, text === undefined ? line.original : { value: text, number: null, accepted: true, confidence: 1, reason: null });
  if (of === page) showNumbers(page, correct);
  showLine(of, line);
}
