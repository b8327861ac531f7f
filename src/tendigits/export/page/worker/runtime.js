// Networks, run by ONNX Runtime Web in one thread; digits/runtime.py in JavaScript.

let runtime;

// Load the runtime: its script and its WebAssembly, both packed.
export async function startRuntime(script, wasm) {
  const url = URL.createObjectURL(new Blob([await unpacked(script)], { type: "text/javascript" }));
  runtime = await import(url);
  URL.revokeObjectURL(url);
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = await unpacked(wasm);
}

// A function that runs a packed network: from numbers and their shape to the answer's numbers and theirs.
export async function openNetwork(packed) {
  const session = await runtime.InferenceSession.create(await unpacked(packed), { executionProviders: ["wasm"] });
  return async (values, shape) => {
    const image = new runtime.Tensor("float32", values, shape);
    const { data, dims } = (await session.run({ [session.inputNames[0]]: image }))[session.outputNames[0]];
    return { data, dims };
  };
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
