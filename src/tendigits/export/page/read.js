// The page Read: a picture is decoded and read in this browser.

import { readPage } from "./client.js";
import { openImage } from "./image.js";
import { showBusy, showPicture, showShare, showUnread, startPictures } from "./picture.js";

let requests = 0;

export function startReading() {
  startPictures(async (file) => {
    const request = ++requests;
    const isLatest = () => request === requests; // skip what comes of an older picture
    showBusy(file);
    try {
      const page = await readPage(await openImage(file), (share) => { if (isLatest()) showShare(share); });
      if (isLatest()) showPicture(file, page);
    } catch (error) {
      if (isLatest()) showUnread(file, error.message);
    }
  });
}
