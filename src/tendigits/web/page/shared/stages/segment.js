// From the foreground to connected components that may be digits or parts of digits; digits/segment.py in JavaScript.

import { boxOf, cutOut, even } from "./arrays.js";

const WEAK = 80;
const STRONG = 140;
const MIN_OTHER_HEIGHT = 0.6;
const MIN_OTHER_AREA = 0.2;
const MIN_OTHER_ASPECT = 0.1;
const MAX_COMPONENTS = 4000;

// The 8-connected pieces of the pixels with `inside` 1: the pixels of each piece, and the label of each pixel, 0 outside.
function connected(inside, width, height) {
  const labels = new Int32Array(width * height);
  const pieces = [];
  for (let start = 0; start < inside.length; start++) {
    if (labels[start] || !inside[start]) continue;
    const piece = [start];
    labels[start] = pieces.push(piece);
    for (let i = 0; i < piece.length; i++) {
      const x = piece[i] % width;
      const y = (piece[i] - x) / width;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (labels[next] || !inside[next]) continue;
          labels[next] = pieces.length;
          piece.push(next);
        }
      }
    }
  }
  return { labels, pieces };
}

// The components of a foreground, without specks.
export function findComponents({ pixels, width, height }) {
  const { labels, pieces } = connected(
    pixels.map((value) => value >= WEAK),
    width,
    height,
  );
  const components = pieces
    .map((piece, i) => ({ piece, area: piece.length, parts: [i + 1] }))
    .filter(({ piece }) => piece.some((at) => pixels[at] >= STRONG));
  if (components.length > MAX_COMPONENTS) components.sort((a, b) => b.area - a.area).splice(MAX_COMPONENTS);
  return {
    labels,
    width,
    height,
    components: components.map(({ piece, ...component }) => ({ box: boxOf(piece, width), ...component })),
  };
}

// The digit of a picture of one: the component with the largest weight and its detached strokes, or null.
export function mainComponent(found) {
  const { components } = found;
  if (!components.length) return null;
  const weights = components.map((component) => (isFrame(component, found) ? 0 : weightOf(component, found)));
  const core = components[weights.indexOf(Math.max(...weights))];
  const size = Math.max(core.box.bottom - core.box.top, core.box.right - core.box.left);
  let digit = core;
  const others = components
    .filter((component) => component !== core)
    .sort((a, b) => gap(a.box, core.box) - gap(b.box, core.box));
  for (const component of others) {
    const foreign = touchesBorder(component.box, found) && !belongs(component.box, digit.box);
    if (foreign || isRuledLine(component.box, found) || isFrame(component, found)) continue;
    const stroke = component.area >= 0.01 * core.area && gap(component.box, digit.box) <= 0.2 * size;
    const another = component.area >= 0.4 * core.area && gap(component.box, digit.box) <= 1.5 * size;
    if (stroke || another)
      digit = {
        box: joined(digit.box, component.box),
        area: digit.area + component.area,
        parts: [...digit.parts, ...component.parts],
      };
  }
  return digit;
}

// Whether there is something else as high next to the digit, wholly in the picture: it is part of a number or a word.
export function hasOthers(found, digit) {
  const { top, bottom } = digit.box;
  const high = MIN_OTHER_HEIGHT * (bottom - top);
  return found.components.some((component) => {
    const { box } = component;
    return (
      !component.parts.some((part) => digit.parts.includes(part)) &&
      box.bottom - box.top >= high &&
      component.area >= MIN_OTHER_AREA * digit.area &&
      Math.min(box.bottom, bottom) - Math.max(box.top, top) >= high &&
      !touchesBorder(box, found) &&
      box.right - box.left >= MIN_OTHER_ASPECT * (box.bottom - box.top) &&
      !isFrame(component, found)
    );
  });
}

const joined = (a, b) => ({
  left: Math.min(a.left, b.left),
  top: Math.min(a.top, b.top),
  right: Math.max(a.right, b.right),
  bottom: Math.max(a.bottom, b.bottom),
});
const gap = (a, b) =>
  Math.max(
    Math.max(a.left, b.left) - Math.min(a.right, b.right),
    Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom),
  );
const touchesBorder = (box, { width, height }) =>
  box.left <= 0 || box.top <= 0 || box.right >= width || box.bottom >= height;

function belongs(part, digit) {
  const across = Math.min(part.right, digit.right) - Math.max(part.left, digit.left);
  const down = Math.min(part.bottom, digit.bottom) - Math.max(part.top, digit.top);
  const near = gap(part, digit) <= 0.12 * Math.max(digit.right - digit.left, digit.bottom - digit.top);
  return near && Math.max(across / (part.right - part.left), down / (part.bottom - part.top)) > 0.4;
}

function isRuledLine({ left, top, right, bottom }, { width, height }) {
  const across = right - left > 0.6 * width && bottom - top < 0.12 * height;
  const down = bottom - top > 0.6 * height && right - left < 0.12 * width;
  return (
    (across && (top < 0.12 * height || bottom > 0.88 * height)) ||
    (down && (left < 0.12 * width || right > 0.88 * width))
  );
}

function isFrame(component, { labels, components, width, height }) {
  const { left, top, right, bottom } = component.box;
  const [across, down] = [right - left, bottom - top];
  if (across < 0.3 * width || down < 0.3 * height || component.area > 0.35 * across * down) return false;
  const liesIn = ({ box }) => box.left > left && box.top > top && box.right < right && box.bottom < bottom;
  if (
    !components.some((other) => other !== component && liesIn(other) && other.box.bottom - other.box.top > 0.25 * down)
  )
    return false;
  const [edge, rim] = [Math.max(1, even(0.15 * across)), Math.max(1, even(0.15 * down))];
  let inside = 0;
  for (let y = top + rim; y < bottom - rim; y++) {
    for (let x = left + edge; x < right - edge; x++) if (labels[y * width + x] === component.parts[0]) inside++;
  }
  return inside < 0.05 * component.area;
}

function weightOf({ box, area }, found) {
  const { width, height } = found;
  if (isRuledLine(box, found)) return 0;
  const [x, y] = [(box.left + box.right) / 2 / width - 0.5, (box.top + box.bottom) / 2 / height - 0.5];
  return area * (1 - 1.2 * Math.max(Math.abs(x), Math.abs(y))) * (touchesBorder(box, found) ? 0.25 : 1);
}

// The foreground in a component's box, with the pale edge of its strokes, without its neighbours.
export function cut({ box, parts }, { labels, width }, foreground) {
  const made = cutOut(foreground, box);
  const belongsTo = (x, y) =>
    x >= box.left && x < box.right && y >= box.top && y < box.bottom && parts.includes(labels[y * width + x]);
  const isEdge = (x, y) =>
    !labels[y * width + x] && [-1, 0, 1].some((down) => [-1, 0, 1].some((across) => belongsTo(x + across, y + down)));
  made.pixels.forEach((_, i) => {
    const [x, y] = [box.left + (i % made.width), box.top + Math.floor(i / made.width)];
    if (!belongsTo(x, y) && !isEdge(x, y)) made.pixels[i] = 0;
  });
  return made;
}
