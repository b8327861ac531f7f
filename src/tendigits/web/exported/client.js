// Ask the worker to read, so that the page stays usable meanwhile; its end is worker.js.

import { packed } from "./packed.js";

const waiting = new Map();
let worker;
let requests = 0;

// Names of the networks, the first one's first.
export const networks = packed.networks.map(({ name }) => name);

export async function startReader() {
  const url = URL.createObjectURL(new Blob([packed.worker], { type: "text/javascript" }));
  worker = new Worker(url);
  worker.addEventListener("message", ({ data }) => hear(data));
  worker.addEventListener("error", (event) => { for (const id of waiting.keys()) hear({ id, error: event.message || "The reader does not start." }); });
  const opened = ask("open", [packed]);
  for (const key of Object.keys(packed)) delete packed[key]; // the worker has them now
  await opened;
  URL.revokeObjectURL(url);
}

// With a network by its name: the digit in a grey picture, what its layers answer to a crop, or the picture's numbers, with
// the fields of the API; `progress` is told the share that is done.
export const readDigit = (name, picture) => ask("digit", [name, picture]);
export const readLayers = (name, crop) => ask("layers", [name, crop]);
export const readPage = (name, picture, progress) => ask("page", [name, picture], progress);

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
