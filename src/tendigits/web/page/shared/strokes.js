// A drawing pad: smooth strokes from mouse, pen, finger or keys.

import { ARROWS, dragsOnly, element } from "./dom.js";

const SIDE = 560; // pixels of the pad
const PEN_WIDTH = 38; // pixels: about a tenth of a digit, as in MNIST
const PAUSE_MS = 120; // without a new point, before the drawing is read
const KEY_STEP = 14; // pixels per arrow key
const START = [SIDE / 2, SIDE / 4]; // of the keyboard's pen

export class Strokes {
  strokes = [];
  current = null; // the stroke being drawn
  pointer = null; // id of the finger, pen or mouse that draws it; others are ignored
  cursor = null; // position of the keyboard's pen: [x, y]
  timer = 0;

  // A pad on the canvas called `id`, with buttons called `id`-undo and `id`-clear, which `find` finds. `whenChanged` is called
  // when the pen has paused for `pause` milliseconds; with 0, at every change.
  constructor(find, id, whenChanged, pause = PAUSE_MS) {
    const pad = find(id);
    this.pad = pad;
    this.whenChanged = whenChanged;
    this.pause = pause;
    pad.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.pointer !== null) return;
      this.pointer = event.pointerId;
      pad.setPointerCapture(event.pointerId);
      this.begin(this.place(event));
      event.preventDefault();
      pad.focus({ preventScroll: true });
    });
    pad.addEventListener("pointermove", (event) => {
      if (!this.current || event.pointerId !== this.pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) this.extend(this.place(each));
    });
    for (const ending of ["pointerup", "pointercancel"]) {
      pad.addEventListener(ending, (event) => {
        if (event.pointerId === this.pointer) {
          this.pointer = null;
          this.end();
        }
      });
    }
    dragsOnly(pad);
    pad.addEventListener("keydown", (event) => this.onKey(event));
    pad.addEventListener("blur", () => {
      if (this.cursor) {
        this.cursor = null;
        this.end();
      }
    });
    find(`${id}-undo`).addEventListener("click", () => this.undo());
    find(`${id}-clear`).addEventListener("click", () => this.clear());
    this.paint();
  }

  // A square canvas with the drawing, or null if the pad is empty.
  drawing(side = SIDE) {
    if (!this.strokes.length) return null;
    const canvas = element("canvas", { width: side, height: side });
    const context = canvas.getContext("2d");
    context.scale(side / SIDE, side / SIDE);
    this.draw(context);
    return canvas;
  }

  clear() {
    this.replace([]);
    this.repaint();
  }

  // Show strokes without calling `whenChanged`.
  replace(strokes) {
    clearTimeout(this.timer);
    this.current = null;
    this.strokes = structuredClone(strokes);
    this.paint();
  }

  place(event) {
    const frame = this.pad.getBoundingClientRect();
    return [((event.clientX - frame.left) * SIDE) / frame.width, ((event.clientY - frame.top) * SIDE) / frame.height];
  }

  begin(point) {
    this.current = [point];
    this.strokes.push(this.current);
    this.repaint();
  }

  extend(point) {
    const [x, y] = this.current.at(-1);
    if (Math.hypot(point[0] - x, point[1] - y) < 2) return;
    this.current.push(point);
    this.repaint();
  }

  end() {
    this.current = null;
    this.paint();
  }

  undo() {
    this.current = null;
    this.strokes.pop();
    this.repaint();
  }

  onKey(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") this.undo();
    else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else if (event.key === " ") {
      this.cursor ??= START;
      if (this.current) this.end();
      else this.begin(this.cursor);
    } else if (event.key in ARROWS) {
      this.cursor = (this.cursor ?? START).map((at, axis) =>
        Math.min(SIDE, Math.max(0, at + KEY_STEP * ARROWS[event.key][axis])),
      );
      if (this.current) this.extend(this.cursor);
      else this.paint();
    } else return;
    event.preventDefault();
  }

  // Quadratic curves through the midpoints of the points, so that strokes have no corners.
  draw(context) {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SIDE, SIDE);
    context.strokeStyle = context.fillStyle = "#000";
    context.lineWidth = PEN_WIDTH;
    context.lineCap = context.lineJoin = "round";
    for (const points of this.strokes) {
      context.beginPath();
      if (points.length === 1) {
        context.arc(...points[0], PEN_WIDTH / 2, 0, 2 * Math.PI);
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

  paint() {
    const context = this.pad.getContext("2d");
    this.draw(context);
    if (this.cursor) {
      // the keyboard's pen, which is not part of the drawing
      context.fillStyle = this.current ? "#d55e00" : "#0b5cad";
      context.beginPath();
      context.arc(...this.cursor, 9, 0, 2 * Math.PI);
      context.fill();
    }
  }

  repaint() {
    this.paint();
    clearTimeout(this.timer);
    if (this.pause) this.timer = setTimeout(this.whenChanged, this.pause);
    else this.whenChanged();
  }
}
