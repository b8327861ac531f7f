// Pixels between canvases and the API, which has them in base64; all functions here take bytes, too.

import { element } from "./dom.js";

const CROP_SIDE = 28;
const STRIP_HEIGHT = 40;
const DARK = [24, 28, 36],
  ABOVE = [255, 176, 64],
  BELOW = [86, 180, 255];

// The colour of a value from -1 to 1, as [red, green, blue]: blue below zero, dark at zero, orange above.
export function heat(value) {
  const end = value < 0 ? BELOW : ABOVE;
  return DARK.map((from, i) => Math.round(from + Math.abs(value) * (end[i] - from)));
}

// Bytes as they are, or from base64.
export function bytesOf(data) {
  return typeof data === "string" ? Uint8Array.from(atob(data), (character) => character.charCodeAt(0)) : data;
}

// Bytes from gzipped ones in base64.
export async function unpacked(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => {
    all.set(part, at);
    return at + part.length;
  }, 0);
  return all;
}

// A canvas as the bytes of a PNG; no bytes for null. Synchronous, because a browser may delay `toBlob` until it is idle.
export function pngOf(canvas) {
  return canvas ? bytesOf(canvas.toDataURL("image/png").split(",")[1]) : new Uint8Array();
}

// Draw a crop of 28x28, white digit on black, into a canvas; without one the canvas becomes transparent.
export function drawCrop(canvas, base64) {
  [canvas.width, canvas.height] = [CROP_SIDE, CROP_SIDE];
  if (base64) drawPixels(canvas, bytesOf(base64));
}

// Draw weights, 784 bytes of which 128 is zero, into a canvas.
export function drawWeights(canvas, bytes) {
  drawWeightSheet(canvas, [bytes], 1);
}

// Draw weights of many units into one canvas: with a canvas for each, the browser would take longer over every picture of the screen.
export function drawWeightSheet(canvas, pictures, columns) {
  const step = CROP_SIDE + 1;
  const colour = (byte) => heat((byte - 128) / 127);
  [canvas.width, canvas.height] = [columns * step - 1, Math.ceil(pictures.length / columns) * step - 1];
  pictures.forEach((bytes, i) => {
    drawPixels(canvas, bytes, colour, step * (i % columns), step * Math.floor(i / columns), CROP_SIDE);
  });
}

// Draw a strip, the grey picture of a number, into a canvas that becomes as wide.
export function drawStrip(canvas, base64) {
  const pixels = bytesOf(base64);
  [canvas.width, canvas.height] = [pixels.length / STRIP_HEIGHT, STRIP_HEIGHT];
  drawPixels(canvas, pixels);
}

// New canvases with a crop or a strip; `label` describes it to screen readers.
export const cropCanvas = (base64, label) => newCanvas("crop", drawCrop, base64, label);
export const stripCanvas = (base64, label) => newCanvas("strip", drawStrip, base64, label);

// An item of a list: the picture of a digit, and what stands below it.
export const digitItem = (picture, label, ...texts) => element("li", {}, cropCanvas(picture, `a ${label}`), ...texts);

function newCanvas(kind, draw, base64, label) {
  const canvas = element("canvas", { class: kind, role: "img", "aria-label": label });
  draw(canvas, base64);
  return canvas;
}

// Draw pixels, row by row, in the colours that a function gives their values.
export function drawPixels(
  canvas,
  pixels,
  colour = (grey) => [grey, grey, grey],
  left = 0,
  top = 0,
  width = canvas.width,
) {
  const image = new ImageData(width, Math.ceil(pixels.length / width));
  pixels.forEach((value, i) => {
    image.data.set([...colour(value), 255], 4 * i);
  });
  canvas.getContext("2d").putImageData(image, left, top);
}
