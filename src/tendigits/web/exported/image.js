// Decode a picture to grey pixels; pictures/image.py in JavaScript.

import { element } from "../page/shared/dom.js";
import { BAND, MAX_BYTES, MAX_JPEG_PIXELS, MAX_PIXELS, MAX_SIDE, MIN_CONTRAST } from "./stages/constants.js";

// The picture in a file, upright, as a canvas. Transparent parts are white, or black if white would hide the content.
export async function openImage(file) {
  if (file.size > MAX_BYTES) {
    throw new Error(`expected a picture of at most ${MAX_BYTES / 1e6} MB, ${file.name} has ${(file.size / 1e6).toFixed()} MB; make it smaller`);
  }
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" }).catch(() => {
    throw new Error(`expected a whole PNG, JPEG, WebP, BMP or GIF, received ${file.name}; save it again`);
  });
  const { width, height } = bitmap;
  const maxPixels = file.type === "image/jpeg" ? MAX_JPEG_PIXELS : MAX_PIXELS;
  if (Math.max(width, height) > MAX_SIDE || width * height > maxPixels) {
    throw new Error(`expected at most ${MAX_SIDE} pixels a side and ${maxPixels} in all, ${file.name} has ${width}x${height}; make it smaller`);
  }
  const background = contrastOf(greyOf(bitmap, "white")) < MIN_CONTRAST ? "black" : "white";
  const canvas = element("canvas", { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = background;
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

// Grey pixels of a canvas or a bitmap, converted as Pillow does, some rows at a time to save memory.
export function greyOf(source, background) {
  const { width, height } = source;
  const pixels = new Uint8Array(width * height);
  const context = element("canvas", { width, height: Math.min(BAND, height) }).getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += BAND) {
    const rows = Math.min(BAND, height - top);
    context.fillStyle = background;
    context.fillRect(0, 0, width, rows);
    context.drawImage(source, 0, -top);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let i = 0; i < width * rows; i++) {
      pixels[top * width + i] = (19595 * data[4 * i] + 38470 * data[4 * i + 1] + 7471 * data[4 * i + 2] + 32768) >> 16;
    }
  }
  return { pixels, width, height };
}

function contrastOf({ pixels }) {
  let [darkest, lightest] = [255, 0];
  for (const value of pixels) {
    if (value < darkest) darkest = value;
    if (value > lightest) lightest = value;
  }
  return lightest - darkest;
}
