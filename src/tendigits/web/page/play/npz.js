// NumPy's .npz: a zip archive of arrays, each with a header that says its type and shape. Here all are uint8.

import { joined } from "../shared/pixels.js";

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes) {
  return ~bytes.reduce((crc, byte) => TABLE[(crc ^ byte) & 255] ^ (crc >>> 8), -1) >>> 0;
}

// Numbers in two or in four bytes each, the lowest first.
const little =
  (bytes) =>
  (...numbers) =>
    Uint8Array.from(numbers.flatMap((value) => Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255)));
const [twos, fours] = [little(2), little(4)];

function npy({ bytes, shape }) {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`; // the data begin at a multiple of 64
  return joined(Uint8Array.of(0x93), text("NUMPY\x01\x00"), twos(padded.length), text(padded), bytes);
}

const text = (string) => new TextEncoder().encode(string);

// Arrays by their names, {name: {bytes, shape}}, as a file.
export function npz(arrays) {
  const [local, central] = [[], []];
  let offset = 0;
  for (const [name, array] of Object.entries(arrays)) {
    const [data, file] = [npy(array), text(`${name}.npy`)];
    // Version 2.0, no flags, stored, 1980-01-01 00:00; sum and both sizes; length of the name, no extra field.
    const sizes = fours(crc32(data), data.length, data.length);
    const common = joined(twos(20, 0, 0, 0, 33), sizes, twos(file.length, 0));
    local.push(fours(0x04034b50), common, file, data);
    central.push(fours(0x02014b50), twos(20), common, twos(0, 0, 0), fours(0, offset), file);
    offset += 4 + common.length + file.length + data.length;
  }
  const size = central.reduce((sum, part) => sum + part.length, 0);
  const count = Object.keys(arrays).length;
  const end = [fours(0x06054b50, 0), twos(count, count), fours(size, offset), twos(0)];
  return new Blob([...local, ...central, ...end], { type: "application/zip" });
}
