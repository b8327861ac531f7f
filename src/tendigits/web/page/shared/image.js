// Decode a picture to grey pixels; pictures/image.py in JavaScript.

import { element } from "./dom.js";
import { least, most } from "./stages/arrays.js";

const MIN_CONTRAST = 32;
const MAX_BYTES = 40000000;
const MAX_JPEG_PIXELS = 67108864;
const MAX_PIXELS = 50000000;
const MAX_SIDE = 16384;
const DECODED_SIDE = 1024; // longest side: a larger picture is shrunk by the browser, for a digit is read at 160 pixels

// The picture of a digit in a file, upright, as a canvas of at most DECODED_SIDE a side. Transparent parts are white, or
// black if white would hide the content.
export async function openImage(file) {
  if (file.size > MAX_BYTES) {
    throw new Error(
      `expected a picture of at most ${MAX_BYTES / 1e6} MB, ${file.name} has ${(file.size / 1e6).toFixed()} MB; make it smaller`,
    );
  }
  const refuse = () => {
    throw new Error(`expected a whole PNG, JPEG, WebP, BMP or GIF, received ${file.name}; save it again`);
  };
  const { width, height } = await sizeOf(file).catch(refuse);
  const maxPixels = file.type === "image/jpeg" ? MAX_JPEG_PIXELS : MAX_PIXELS;
  if (Math.max(width, height) > MAX_SIDE || width * height > maxPixels) {
    throw new Error(
      `expected at most ${MAX_SIDE} pixels a side and ${maxPixels} in all, ${file.name} has ${width}x${height}; make it smaller`,
    );
  }
  const scale = Math.min(1, DECODED_SIDE / Math.max(width, height));
  const [resizeWidth, resizeHeight] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  /** @type {ImageBitmapOptions} */
  const size = scale < 1 ? { resizeWidth, resizeHeight, resizeQuality: "high" } : {};
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", ...size }).catch(refuse);
  const { pixels } = greyOf(bitmap, "white");
  const canvas = onBackground(bitmap, most(pixels) - least(pixels) < MIN_CONTRAST ? "black" : "white");
  bitmap.close();
  return canvas;
}

// The size that a picture's file claims; the browser has not decoded its pixels then.
async function sizeOf(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => Object.assign(image, { onload: resolve, onerror: reject }));
    return { width: image.naturalWidth, height: image.naturalHeight };
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

// Grey pixels of a canvas or a bitmap, converted as Pillow does.
export function greyOf(source, background) {
  const { width, height } = source;
  const { data } = onBackground(source, background).getContext("2d").getImageData(0, 0, width, height);
  const grey = (_, i) => (19595 * data[4 * i] + 38470 * data[4 * i + 1] + 7471 * data[4 * i + 2] + 32768) >> 16;
  return { pixels: new Uint8Array(width * height).map(grey), width, height };
}

function onBackground(source, colour) {
  const { width, height } = source;
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = colour;
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0);
  return canvas;
}
