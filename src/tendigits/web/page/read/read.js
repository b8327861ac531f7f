// The view Read: the server reads a picture or a document, and a person can correct its numbers.

import { askText, storeNumber } from "../correct/correct.js";
import { showForm, startForms } from "../form/form.js";
import { goToNumber, showGrid, startGrid } from "../grid/grid.js";
import { ask, askFile } from "../shared/api.js";
import { element, find, hideMessage, notifyError, trying } from "../shared/dom.js";
import { NONE, chosen, networkName, ofNetwork, offerRuns, startChoice } from "../shared/networks.js";
import { forget, keep, keptDocuments } from "./kept.js";
import { compareWith, paintNumbers, showBusy, showPicture, showUnread, startPictures } from "./picture.js";

const PICTURE_TYPE = /^(image\/(png|jpeg|webp|tiff|bmp|gif|heic|avif)|application\/pdf)$/;
const LAY_ON_ITS_SIDE = "The page lay on its side; it was turned upright.";
const TURNED = { 90: LAY_ON_ITS_SIDE, 180: "The page was upside down; it was turned upright.", 270: LAY_ON_ITS_SIDE };

// The document that is shown: its file, its pages that were read, by their numbers, and when it was opened as its key.
let opened = null;
let page = null; // the page that is shown: the API's response with its page number, its picture, and corrections since
let wanted = 1; // number of the page that was asked for last
let requests = 0;

export function startReading() {
  startGrid(keepOpened);
  startForms();
  const open = (file) => turnTo({ key: Date.now(), file, pages: new Map() }, 1);
  find("previous-page").addEventListener("click", () => turnTo(opened, wanted - 1));
  find("next-page").addEventListener("click", () => turnTo(opened, wanted + 1));
  startPictures(open, correct);
  const readAgain = () => { if (opened) turnTo({ ...opened, key: Date.now(), pages: new Map() }, wanted); };
  startChoice("read", readAgain);
  find("expect").addEventListener("change", readAgain);
  trying(() => startPhone(open));
}

export function showReading() {
  return trying(async () => {
    await offerRuns();
    if (!opened) await offerKept();
  });
}

const keepPage = (document, number) => trying(() => keep({ ...document, number }));
const keepOpened = () => opened && keepPage(opened, page.page_number);

// Offer what was checked before the page was reloaded or closed.
async function offerKept() {
  const documents = await keptDocuments();
  find("kept").hidden = !documents.length;
  find("kept").querySelector("ul").replaceChildren(...documents.map(({ key, file, pages, number }) => element("li", { class: "row" },
    element("button", { type: "button", onclick: () => turnTo({ key, file, pages }, number) }, `Go on with ${file.name || "the photo"}`),
    element("span", { class: "hint" }, new Date(key).toLocaleString()),
    element("button", { type: "button", "aria-label": `Forget ${file.name || "the photo"}`, onclick: () => trying(async () => { await forget(key); await offerKept(); }) }, "Forget"))));
}

// Show a page of a document. It is read when it is first shown, and keeps a person's changes when it is shown again.
async function turnTo(document, number) {
  const request = ++requests;
  const isOpen = document === opened;
  hideMessage();
  if (isOpen) showTurning(number, ", reading ...");
  else {
    find("notice").hidden = true;
    showBusy(document.file);
  }
  try {
    const read = document.pages.get(number) ?? await readPage(document.file, number);
    read.picture ??= await pictureOf(document.file, read);
    if (!document.pages.has(number)) document.pages.set(number, read);
    if (request !== requests) return; // another page was asked for meanwhile
    [opened, page] = [document, document.pages.get(number)];
    find("kept").hidden = true;
    const notices = [TURNED[page.turned], page.notice].filter(Boolean);
    find("notice").hidden = !notices.length;
    find("notice").textContent = notices.join(" ");
    showPicture(page);
    showGrid(page, document.pages, !isOpen);
    if (!isOpen && !page.grids.length) find("numbers").querySelector(".doubtful button")?.focus();
    showForm(document.file, page, () => keepPage(document, number));
    showTurning(number);
  } catch (error) {
    if (request !== requests) return;
    if (!isOpen) {
      [opened, page] = [document, null]; // which is read again when what is expected, or the network, changes
      showUnread(document.file, error.message);
    } else {
      showTurning(number, ", not read"); // the other pages remain available
      notifyError(error.message);
    }
  }
}

const requestOf = (file) => ({ method: "POST", body: file, headers: { "content-type": PICTURE_TYPE.test(file.type) ? file.type : "application/octet-stream" } });

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

async function pictureOf(file, { n_pages, page_number }) {
  return n_pages === 1 && await canShow(file) ? file : askFile(`v1/preview?page=${page_number}`, requestOf(file));
}

// Whether this browser can show a file as a picture: most show no HEIC, TIFF and PDF.
async function canShow(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  const shows = await image.decode().then(() => true, () => false);
  URL.revokeObjectURL(image.src);
  return shows;
}

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

async function correct(number, index) {
  if (goToNumber(number)) return;
  const on = page;
  const text = await askText(number, index);
  if (text === null) return;
  await trying(async () => {
    const predicted = (number.original ?? number).value;
    await storeNumber({ strip: number.strip, text, predicted, source: "picture" }, () => change(on, number, undefined));
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
