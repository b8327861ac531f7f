// The runtime and the networks, gzipped and in base64; `tendigits export --to web` replaces this module.

export const packed = {
  runtime: "",
  wasm: "",
  networks: [{ name: "", network: "", model: { output: "", shape: [784], temperature: 1, threshold: 0 } }],
};
