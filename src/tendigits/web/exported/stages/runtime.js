// Networks, run by ONNX Runtime Web in one thread; digits/runtime.py in JavaScript.

import { bytesOf } from "../../page/shared/pixels.js";

let runtime;

export async function startRuntime(script, wasm) {
  const url = URL.createObjectURL(new Blob([await unpacked(script)], { type: "text/javascript" }));
  runtime = await import(url);
  URL.revokeObjectURL(url);
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = await unpacked(wasm);
}

// Open a packed network. Returns {run, layers}: functions from numbers and their shape to the answer as {data, dims}, and to a
// list of the same for each hidden layer, which is empty if the network's file has no such outputs.
export async function openNetwork(packed) {
  const session = await runtime.InferenceSession.create(await unpacked(packed), { executionProviders: ["wasm"] });
  const [answer, ...hidden] = session.outputNames;
  async function outputs(values, shape, names) {
    const found = await session.run({ [session.inputNames[0]]: new runtime.Tensor("float32", values, shape) }, names);
    return names.map((name) => ({ data: found[name].data, dims: found[name].dims }));
  }
  return {
    run: async (values, shape) => (await outputs(values, shape, [answer]))[0],
    layers: async (values, shape) => (hidden.length ? outputs(values, shape, hidden) : []),
  };
}

async function unpacked(text) {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
