// Ask the worker to read, so that the page stays usable meanwhile; its end is worker.js.

import { packed } from "./packed.js";

const waiting = new Map();
let worker;
let requests = 0;

export async function startReader() {
  const url = URL.createObjectURL(new Blob([packed.worker], { type: "text/javascript" }));
  worker = new Worker(url);
  worker.addEventListener("message", ({ data }) => hear(data));
  worker.addEventListener("error", (event) => { for (const id of waiting.keys()) hear({ id, error: event.message || "The reader does not start." }); });
  const opened = ask("open", packed);
  for (const key of Object.keys(packed)) delete packed[key]; // the worker has them now
  await opened;
  URL.revokeObjectURL(url);
}

// The digit in a grey picture, what the layers answer to its crop, or the picture's numbers, with the fields of the API;
// `progress` is told the share that is done.
export const readDigit = (picture) => ask("digit", picture);
export const readLayers = (crop) => ask("layers", crop);
export const readPage = (picture, progress) => ask("page", picture, progress);

function ask(kind, given, progress) {
  const id = ++requests;
  return new Promise((done, failed) => {
    waiting.set(id, { done, failed, progress });
    worker.postMessage({ id, kind, given });
  });
}

function hear({ id, share, answer, error }) {
  const { done, failed, progress } = waiting.get(id);
  if (share !== undefined) return progress(share);
  waiting.delete(id);
  return error === undefined ? done(answer) : failed(new Error(error));
}
