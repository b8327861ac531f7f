// The script of worker.js and its modules, the kernel in base64, and whether all digits are there; the server and `tendigits export` replace this module (web/playground.py).

export const packed = { worker: "", kernel: "", all_digits: true };
