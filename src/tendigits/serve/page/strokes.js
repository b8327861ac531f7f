// The drawing pad: smooth strokes from mouse, pen, finger or keys.

import { element, find } from "./dom.js";

const SIDE = 560;
const WIDTH = 38; // pen width: in MNIST about a tenth of a digit
const PAUSE = 120; // milliseconds without a new point before the drawing is read
const STEP = 14; // pixels per arrow key

let strokes = [];
let current = null; // the stroke being drawn
let cursor = null; // position of the keyboard's pen: {x, y}
let timer;
let changed;

// `whenChanged` is called shortly after the pen pauses.
export function startStrokes(whenChanged) {
  changed = whenChanged;
  const pad = find("pad");
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pad.setPointerCapture(event.pointerId);
    begin(place(event));
    event.preventDefault();
    pad.focus({ preventScroll: true });
  });
  pad.addEventListener("pointermove", (event) => {
    if (!current || event.pointerType === "keyboard") return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) extend(place(each));
  });
  for (const name of ["pointerup", "pointercancel"]) pad.addEventListener(name, end);
  pad.addEventListener("keydown", onKey);
  pad.addEventListener("blur", () => { if (cursor) { cursor = null; end(); } });
  find("pad-undo").addEventListener("click", undo);
  find("pad-clear").addEventListener("click", clearStrokes);
  paint();
}

// A canvas with the drawing, or null if there is none.
export function drawing() {
  if (!strokes.length) return null;
  const canvas = element("canvas", { width: SIDE, height: SIDE });
  draw(canvas.getContext("2d"));
  return canvas;
}

// Returns the cleared strokes for `restoreStrokes`.
export function clearStrokes() {
  const drawn = strokes;
  current = null;
  strokes = [];
  paint();
  soon();
  return drawn;
}

// Does not replace what was drawn since.
export function restoreStrokes(drawn) {
  if (!strokes.length) strokes = drawn;
  paint();
  soon();
}

function place(event) {
  const frame = find("pad").getBoundingClientRect();
  return [((event.clientX - frame.left) * SIDE) / frame.width, ((event.clientY - frame.top) * SIDE) / frame.height];
}

function begin(point) {
  current = [point];
  strokes.push(current);
  paint();
  soon();
}

function extend(point) {
  const [x, y] = current.at(-1);
  if (Math.hypot(point[0] - x, point[1] - y) < 2) return;
  current.push(point);
  paint();
  soon();
}

function end() {
  current = null;
  paint();
}

function undo() {
  current = null;
  strokes.pop();
  paint();
  soon();
}

function onKey(event) {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if ((event.ctrlKey || event.metaKey) && event.key === "z") undo();
  else if (event.key === "Delete" || event.key === "Backspace") clearStrokes();
  else if (event.key === " ") {
    cursor ??= { x: SIDE / 2, y: SIDE / 4 };
    if (current) end();
    else begin([cursor.x, cursor.y]);
  } else if (event.key in moves) {
    cursor ??= { x: SIDE / 2, y: SIDE / 4 };
    cursor.x = Math.min(SIDE, Math.max(0, cursor.x + STEP * moves[event.key][0]));
    cursor.y = Math.min(SIDE, Math.max(0, cursor.y + STEP * moves[event.key][1]));
    if (current) extend([cursor.x, cursor.y]);
    else paint();
  } else return;
  event.preventDefault();
}

// Quadratic curves through the midpoints, so that strokes have no corners.
function draw(context) {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, SIDE, SIDE);
  context.strokeStyle = context.fillStyle = "#000";
  context.lineWidth = WIDTH;
  context.lineCap = context.lineJoin = "round";
  for (const points of strokes) {
    context.beginPath();
    if (points.length === 1) {
      context.arc(...points[0], WIDTH / 2, 0, 2 * Math.PI);
      context.fill();
      continue;
    }
    context.moveTo(...points[0]);
    for (let i = 1; i < points.length - 1; i++) {
      const [x, y] = points[i];
      context.quadraticCurveTo(x, y, (x + points[i + 1][0]) / 2, (y + points[i + 1][1]) / 2);
    }
    context.lineTo(...points.at(-1));
    context.stroke();
  }
}

function paint() {
  const context = find("pad").getContext("2d");
  draw(context);
  if (cursor) { // the keyboard's pen; not part of the drawing
    context.fillStyle = current ? "#d55e00" : "#0b5cad";
    context.beginPath();
    context.arc(cursor.x, cursor.y, 9, 0, 2 * Math.PI);
    context.fill();
  }
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(changed, PAUSE);
}
