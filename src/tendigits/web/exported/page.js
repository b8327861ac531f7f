// The exported page: drawings and pictures of one digit are read in the browser.

import { readPicture, startPad } from "../page/draw/pad.js";
import { find, onFile, trying } from "../page/shared/dom.js";
import { offer } from "../page/shared/networks.js";
import { greyOf, openImage } from "../page/shared/image.js";
import { packed } from "./packed.js";
import { openReader, readDigit, readLayers } from "./reader.js";

const [first, ...others] = packed.networks.map(({ name }) => name);
const started = openReader(packed);
const reading = {
  digit: (canvas, name) => started.then(() => readDigit(name, greyOf(canvas, "white"))),
  numbers: async () => [],
  layers: (crop, name) => started.then(() => readLayers(name, crop)),
};

offer(others, first);
find("draw-network").closest(".row").hidden = !others.length;
find("draw").hidden = false;
export const pad = startPad(reading);
for (const id of ["file", "camera"]) onFile(id, (file) => trying(() => open(file)));
trying(async () => {
  await started;
  document.documentElement.dataset.ready = "";
});

async function open(file) {
  const picture = await openImage(file);
  pad.replace([]);
  const scale = Math.min(pad.pad.width / picture.width, pad.pad.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  pad.pad
    .getContext("2d")
    .drawImage(picture, (pad.pad.width - width) / 2, (pad.pad.height - height) / 2, width, height);
  readPicture(picture);
}
