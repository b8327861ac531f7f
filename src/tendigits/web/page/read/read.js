// The view Read: the server reads a picture or a document, and a person can correct its numbers.

import { askText, storeNumber, undoStored } from "../correct/correct.js";
import { showForm, startForms } from "../form/form.js";
import { countDoubts, goToNumber, showGrid, showPages, startGrid, startGrids } from "../grid/grid.js";
import { joinLater } from "../grid/pile.js";
import { ask, askFile, pictureOf } from "../shared/api.js";
import { element, find, hideMessage, notifyError, trying } from "../shared/dom.js";
import { NONE, chosen, networkName, ofNetwork, offerRuns, startChoice } from "../shared/networks.js";
import { startSheets } from "../sheet/sheet.js";
import { forget, keep, keptDocuments } from "./kept.js";
import { compareWith, paintNumbers, showBusy, showPicture, showUnread, startPictures } from "./picture.js";

const LAY_ON_ITS_SIDE = "The page lay on its side; it was turned upright.";
const TURNED = { 90: LAY_ON_ITS_SIDE, 180: "The page was upside down; it was turned upright.", 270: LAY_ON_ITS_SIDE };

// The document that is shown: `files`, and `places`, their pages in order, {file, number, read}. `read` is the API's response with its
// picture, its grids and corrections since, or null if it was not read yet. `key` is when it was opened, `current` the index of the place shown.
let opened = null;
let page = null; // what was read at its current place
let wanted = null; // the place that was asked for last

export function startReading() {
  const turnToRead = (read) => turnTo(opened, opened.places.findIndex((place) => place.read === read), true);
  startGrid({ changed: keepOpened, goOn: turnToDoubt, turnTo: turnToRead });
  startForms();
  startSheets();
  const open = (files) => turnTo(documentOf(files), 0);
  find("previous-page").addEventListener("click", () => turnBy(-1));
  find("next-page").addEventListener("click", () => turnBy(1));
  startPictures(open, correct);
  const readAgain = () => { if (opened) turnTo(documentOf(opened.files, opened.places.map((place) => ({ ...place, read: null }))), opened.places.indexOf(wanted)); };
  startChoice("read", readAgain);
  find("expect").addEventListener("change", readAgain);
  trying(() => startPhone((file) => open([file])));
}

const documentOf = (files, places = files.map((_, i) => ({ file: i, number: 1, read: null }))) => ({ key: Date.now(), files, places, current: 0 });

export function showReading() {
  return trying(async () => {
    await offerRuns();
    if (!opened) await offerKept();
  });
}

const keepDocument = (document) => trying(() => keep(document));
const keepOpened = () => opened && keepDocument(opened);

// Offer what was checked before the page was reloaded or closed.
async function offerKept() {
  const documents = await keptDocuments();
  find("kept").hidden = !documents.length;
  find("kept").querySelector("ul").replaceChildren(...documents.map((document) => element("li", { class: "row" },
    element("button", { type: "button", onclick: () => turnTo(document, document.current) }, `Go on with ${nameOf(document)}`),
    element("span", { class: "hint" }, new Date(document.key).toLocaleString()),
    element("button", { type: "button", "aria-label": `Forget ${nameOf(document)}`, onclick: () => trying(async () => { await forget(document.key); await offerKept(); }) }, "Forget"))));
}

const nameOf = ({ files: [first, ...others] }) => `${first.name || "the photo"}${others.length ? ` and ${others.length} more` : ""}`;

const turnBy = (step) => turnTo(opened, opened.places.indexOf(wanted) + step);

// Turn to the next page on which something is to be checked; false if no page has one.
function turnToDoubt() {
  const other = opened.places.findIndex(({ read }) => read && read !== page && countDoubts(read));
  if (other >= 0) turnTo(opened, other, true);
  return other >= 0;
}

// Show a page of a document. It is read when it is first shown, and keeps a person's changes when it is shown again.
async function turnTo(document, index, isNew = document !== opened) {
  const place = document.places[index];
  if (!place) return;
  const isOpen = document === opened;
  wanted = place;
  hideMessage();
  if (isOpen) showTurning(", reading ...");
  else {
    find("notice").hidden = true;
    joinLater([]);
    showBusy(document.files[place.file]);
  }
  try {
    const read = await readPlace(document, place);
    if (place !== wanted) return; // another page was asked for meanwhile
    [opened, page] = [document, read];
    document.current = document.places.indexOf(place);
    find("kept").hidden = true;
    const notices = [TURNED[page.turned], page.notice].filter(Boolean);
    find("notice").hidden = !notices.length;
    find("notice").textContent = notices.join(" ");
    showPicture(page);
    showGrid(page, document.places.map(({ read }) => read), isNew);
    if (isNew && !page.grids.length) find("numbers").querySelector(".doubtful button")?.focus();
    showForm(document.files[place.file], page, () => keepDocument(document));
    showTurning();
    if (!isOpen) readOthers(document);
  } catch (error) {
    if (place !== wanted) return;
    if (!isOpen) {
      [opened, page] = [document, null]; // which is read again when what is expected, or the network, changes
      showUnread(document.files[place.file], error.message);
    } else {
      showTurning(", not read"); // the other pages remain available
      notifyError(error.message);
    }
  }
}

// Read a place once, also if it is asked for again meanwhile. What others see of it is whole: with its picture and its grids.
async function readPlace(document, place) {
  if (place.read?.picture) return place.read;
  place.reading ??= (async () => {
    const file = document.files[place.file];
    const read = place.read ?? await readPage(file, place.number);
    const picture = await pictureOf(file, read.n_pages, read.page_number);
    if (!read.grids) startGrids(read);
    if (place.number === 1 && !place.read) {
      const others = Array.from({ length: read.n_pages - 1 }, (_, i) => ({ file: place.file, number: i + 2, read: null }));
      document.places.splice(document.places.indexOf(place) + 1, 0, ...others);
    }
    const names = [document.files.length > 1 ? file.name : "", read.n_pages > 1 ? `page ${place.number}` : ""];
    const pictureName = `${file.name || "the photo"}${read.n_pages > 1 ? `#page=${place.number}` : ""}`;
    place.read = Object.assign(read, { picture, pictureName, sheetName: names.filter(Boolean).join(" ") });
    return read;
  })();
  try {
    return await place.reading;
  } finally {
    place.reading = null;
  }
}

// Read the other photos of a document, and all pages of printed sheets, while a person checks the first one.
async function readOthers(document) {
  for (const place of document.places.filter(({ number, read }) => (number === 1 || page.sheet) && !read)) {
    if (document !== opened) return;
    await readPlace(document, place).catch((error) => notifyError(`${document.files[place.file].name}: ${error.message}`));
    if (document !== opened || wanted !== document.places[document.current]) continue; // what is shown then is up to date
    showPages(document.places.map(({ read }) => read));
    showTurning();
  }
}

async function readPage(file, number) {
  const form = new FormData(); // a list of values is in no address, which would be logged
  form.append("image", file);
  form.append("expect", find("expect").value);
  const request = { method: "POST", body: form };
  const readWith = async (name) => (await ask(`v1/read?crops=true&page=${number}${ofNetwork(name)}`, request)).pages[0];
  const [read, second] = await Promise.all([readWith(chosen(0)), chosen(1) === NONE ? null : readWith(chosen(1)).catch((error) => ({ error }))]);
  if (second) compareWith(read, networkName(chosen(1)), second.numbers ?? []);
  if (second?.error) notifyError(`${networkName(chosen(1))} does not read: ${second.error.message}`);
  return { ...read, page_number: number };
}

function showTurning(state = "") {
  const { places } = opened;
  const [previous, next, index] = [find("previous-page"), find("next-page"), places.indexOf(wanted)];
  find("turning").hidden = places.length === 1;
  find("page-number").textContent = `Page ${index + 1} of ${places.length}${state}`;
  previous.disabled = next.disabled = false;
  for (const [button, other, isEnd] of [[previous, next, index === 0], [next, previous, index === places.length - 1]]) {
    if (isEnd && document.activeElement === button) other.focus();
    button.disabled = isEnd;
  }
}

async function correct(number, index) {
  if (goToNumber(number)) return;
  const on = page;
  const text = await askText(number, index);
  if (text === null) return;
  await trying(async () => {
    const predicted = (number.original ?? number).value;
    await storeNumber({ strip: number.strip, text, predicted, source: "picture" }, async (path) => { await undoStored(path); change(on, number, undefined); });
    change(on, number, text);
  });
}

// Show a corrected text in place of what was read, or what was read again for undefined; its page may be hidden by now.
function change(on, number, text) {
  number.original ??= { value: number.value, number: number.number, accepted: number.accepted, confidence: number.confidence, reason: number.reason };
  number.done = text !== undefined;
  // The decimal number is unknown until the server parses the new text.
  Object.assign(number, text === undefined ? number.original : { value: text, number: null, accepted: true, confidence: 1, reason: null });
  if (on === page) paintNumbers();
  keepOpened();
}

// Photos from a phone: a dialog shows the QR code of the phone's page and waits for a photo, with which `take` is called. There is
// no dialog if the server takes no photos from phones.
async function startPhone(take) {
  const phone = await ask("v1/phone");
  if (phone === null) return;
  find("phone-code").replaceChildren(element("img", { src: phone.code, alt: "QR code of the address below" }));
  find("phone-url").textContent = phone.url;
  find("phone-cancel").addEventListener("click", () => find("phone").close());
  find("use-phone").addEventListener("click", () => wait(take));
  find("use-phone").hidden = false;
}

function wait(take) {
  const dialog = find("phone");
  const source = new EventSource("v1/phone/events");
  source.addEventListener("photo", ({ data }) => {
    dialog.close();
    const path = `v1/phone/photos/${JSON.parse(data).number}`;
    trying(async () => {
      take(await askFile(path));
      await ask(path, { method: "DELETE" }); // not before: another page opens what this one has not fetched
    });
  });
  source.addEventListener("end", () => dialog.close()); // another page waits now, or the server has ended
  dialog.addEventListener("close", () => source.close(), { once: true });
  dialog.showModal();
}
