// The script of worker.js and its modules, and the kernel in base64; the server and `tendigits export` replace this module (web/playground.py).

export const packed = { worker: "", kernel: "" };
