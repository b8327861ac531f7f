// The page Read: a picture is decoded and read in this browser, by one or two networks.

import { readPage } from "./client.js";
import { openImage } from "./image.js";
import { NONE, chosen, networkName, startChoice } from "./networks.js";
import { compareWith, showBusy, showPicture, showShare, showUnread, startPictures } from "./picture.js";

let requests = 0;
let opened = null; // the file that is shown

export function startReading() {
  startPictures(read);
  startChoice("read", () => { if (opened) read(opened); });
}

async function read(file) {
  opened = file;
  const request = ++requests;
  const isLatest = () => request === requests; // skip what comes of an older picture
  showBusy(file);
  try {
    const picture = await openImage(file);
    const names = [chosen(0), chosen(1)].filter((name) => name !== NONE);
    const pages = [];
    for (const [i, name] of names.entries()) {
      pages.push(await readPage(name, picture, (share) => { if (isLatest()) showShare((i + share) / names.length); }));
    }
    if (!isLatest()) return;
    const [page, beside] = pages;
    if (beside) compareWith(page, networkName(names[1]), beside.lines);
    showPicture(file, page);
  } catch (error) {
    if (isLatest()) showUnread(file, error.message);
  }
}
