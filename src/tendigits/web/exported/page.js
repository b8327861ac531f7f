// The page: drawings and pictures are read here, in the browser.

import { networks, readDigit, readLayers, readPage, startReader } from "./client.js";
import { find, trying } from "./dom.js";
import { greyOf } from "./image.js";
import { offer } from "./networks.js";
import { startPad } from "./pad.js";
import { startPages } from "./pages.js";
import { startReading } from "./read.js";

const [first, ...others] = networks;
const started = trying(startReader);
const reading = {
  digit: (canvas, name) => readDigit(name, greyOf(canvas, "white")),
  lines: async (canvas, name) => (await readPage(name, greyOf(canvas, "white"), () => {})).lines,
  layers: async (crop, name) => {
    await started;
    return readLayers(name, crop);
  },
};

offer(others, first);
for (const page of ["draw", "read"]) find(`${page}-network`).closest(".row").hidden = !others.length;
export const pad = startPad(reading);
startReading();
startPages({ draw: null, read: null });
started.then(() => { document.documentElement.dataset.ready = ""; });
