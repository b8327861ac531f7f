// The page Read: a picture is decoded and read in this browser.

import { readPage } from "./client.js";
import { element, find, trying } from "./dom.js";
import { openImage } from "./image.js";
import { showPicture, startPictures } from "./picture.js";

let requests = 0;

export function startReading() {
  const bar = element("progress", { max: 1, value: 0, "aria-label": "Progress of reading" });
  const status = element("p", { role: "status" });
  const progress = element("div", { id: "reading", hidden: true }, status, bar);
  find("drop").append(progress);
  startPictures((file) => trying(async () => {
    const number = ++requests;
    const isLatest = () => number === requests; // skip what comes of an older picture
    bar.value = 0;
    status.textContent = `Reading ${file.name} ...`;
    progress.hidden = false;
    try {
      const page = await readPage(await openImage(file), (share) => { if (isLatest()) bar.value = share; });
      if (isLatest()) showPicture(file, page);
    } finally {
      if (isLatest()) progress.hidden = true;
    }
  }));
}
