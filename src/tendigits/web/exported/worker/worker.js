// The worker's end of client.js: it reads while the page stays usable.

import { openReader, readDigit, readLayers, readPage } from "./reader.js";

const kinds = { open: openReader, digit: readDigit, layers: readLayers, page: readPage };

addEventListener("message", async ({ data: { id, kind, given } }) => {
  try {
    postMessage({ id, answer: await kinds[kind](...given, (share) => postMessage({ id, share })) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
});
