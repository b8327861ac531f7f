// Pixels between the API, which has them in base64, and canvases.

import { element } from "./dom.js";

const CROP_SIDE = 28;
const STRIP_HEIGHT = 40;

export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

// A canvas as the bytes of a PNG; no bytes for null. Synchronous, because a browser may delay `toBlob` until it is idle.
export function pngOf(canvas) {
  return canvas ? bytesOf(canvas.toDataURL("image/png").split(",")[1]) : new Uint8Array();
}

// Draw a crop of 28x28, white digit on black, into a canvas; without one the canvas becomes transparent.
export function drawCrop(canvas, base64) {
  [canvas.width, canvas.height] = [CROP_SIDE, CROP_SIDE];
  if (base64) drawGrey(canvas, bytesOf(base64));
}

// Draw a strip, the grey picture of a number, into a canvas that becomes as wide.
export function drawStrip(canvas, base64) {
  const pixels = bytesOf(base64);
  [canvas.width, canvas.height] = [pixels.length / STRIP_HEIGHT, STRIP_HEIGHT];
  drawGrey(canvas, pixels);
}

// New canvases with a crop or a strip; `label` describes it to screen readers.
export const cropCanvas = (base64, label) => newCanvas("crop", drawCrop, base64, label);
export const stripCanvas = (base64, label) => newCanvas("strip", drawStrip, base64, label);

function newCanvas(kind, draw, base64, label) {
  const canvas = element("canvas", { class: kind, role: "img", "aria-label": label });
  draw(canvas, base64);
  return canvas;
}

function drawGrey(canvas, pixels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  pixels.forEach((value, i) => { image.data.set([value, value, value, 255], 4 * i); });
  context.putImageData(image, 0, 0);
}
