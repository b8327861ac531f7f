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

// A function that runs a packed network: from numbers and their shape to the answer's numbers and theirs. Its `layers` gives
// likewise what each hidden layer answers, where the network's file has that.
export async function openNetwork(packed) {
  const session = await runtime.InferenceSession.create(await unpacked(packed), { executionProviders: ["wasm"] });
  const [answer, ...others] = session.outputNames;
  async function run(values, shape, names) {
    const found = await session.run({ [session.inputNames[0]]: new runtime.Tensor("float32", values, shape) }, names);
    return names.map((name) => ({ data: found[name].data, dims: found[name].dims }));
  }
  const ask = async (values, shape) => (await run(values, shape, [answer]))[0];
  ask.layers = async (values, shape) => (others.length ? run(values, shape, others) : []);
  return ask;
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
