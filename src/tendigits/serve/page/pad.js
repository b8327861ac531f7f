// The drawing pad: smooth strokes from mouse, pen, finger or keys, read a moment after the pen pauses.

import { ask, drawPatch, nameOf, percent, sure } from "./api.js";
import { choices, keep } from "./correct.js";
import { element, find, say, trying } from "./dom.js";

const SIDE = 560;
const WIDTH = 38; // of the pen: MNIST's is about a tenth of a digit
const PAUSE = 120; // milliseconds without a new point after which it is read
const STEP = 14; // of an arrow key

let strokes = [];
let current = null; // the stroke that is being drawn
let cursor = null; // of the keyboard: {x, y, down}
let timer;
let asked = 0;
let last = null; // the last answer

export function startPad() {
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
  find("pad-clear").addEventListener("click", clear);
  for (let digit = 0; digit < 10; digit++) {
    find("bars").append(element("li", {}, element("span", {}, String(digit)),
      element("span", { class: "track", "aria-hidden": "true" }, element("i")), element("span", { class: "percent" }, "–")));
  }
  choices(find("draw-correct"), correct);
  paint();
  show(null);
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

export function clear() {
  current = null;
  strokes = [];
  paint();
  soon();
}

function onKey(event) {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if ((event.ctrlKey || event.metaKey) && event.key === "z") undo();
  else if (event.key === "Delete" || event.key === "Backspace") clear();
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

// Curves through the middles of what the pen touched: round where a straight line between points would have corners.
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
  if (cursor) { // where the keyboard's pen is; not part of the drawing
    context.fillStyle = current ? "#d55e00" : "#0b5cad";
    context.beginPath();
    context.arc(cursor.x, cursor.y, 9, 0, 2 * Math.PI);
    context.fill();
  }
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(() => trying(read), PAUSE);
}

async function read() {
  const number = ++asked;
  if (!strokes.length) return show(null);
  const canvas = element("canvas", { width: SIDE, height: SIDE });
  draw(canvas.getContext("2d"));
  const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const answer = await ask("v1/read?one=true&patches=true", { method: "POST", body: picture, headers: { "content-type": "image/png" } });
  if (number === asked) show(answer.pages[0].lines[0].digits[0]); // an older answer than what is drawn now is not shown
}

function show(digit) {
  last = digit;
  const isDigit = digit !== null && digit.is_digit >= 0.5;
  find("said").className = digit && !digit.accepted ? "said doubtful" : "said";
  if (!digit) find("said").replaceChildren(element("span", { class: "hint" }, "Draw one digit, from 0 to 9."));
  else if (!isDigit) find("said").replaceChildren(element("strong", {}, "not a digit"));
  else {
    const how = `${sure(digit.confidence)} sure${digit.accepted ? "" : `: ${digit.reason}`}`;
    find("said").replaceChildren(element("b", {}, String(digit.label)), element("span", {}, how));
  }
  [...find("bars").children].forEach((row, i) => {
    const share = digit ? digit.probabilities[i] * digit.is_digit : 0;
    row.querySelector("i").style.setProperty("--share", percent(share, 1));
    row.querySelector(".percent").textContent = digit ? percent(share, 1) : "–";
    row.className = isDigit && digit.label === i ? "best" : "";
  });
  drawPatch(find("seen"), digit?.patch);
  find("seen").setAttribute("aria-label", `What the network sees: ${digit ? (isDigit ? `a ${digit.label}` : "not a digit") : "nothing yet"}`);
  find("draw-correct").hidden = !digit || digit.reason === "no digit";
}

function correct(label) {
  const said = last.is_digit >= 0.5 ? last.label : null;
  const [drawn, patch] = [strokes, last.patch];
  clear(); // at once: who draws the next digit already must not lose it
  trying(async () => {
    try {
      await keep({ patch, label, said, source: "draw" });
    } catch (error) {
      if (!strokes.length) strokes = drawn;
      paint();
      soon();
      throw error;
    }
    if (label === said) say(`Kept: it is right, ${nameOf(label)}.`);
  });
}
