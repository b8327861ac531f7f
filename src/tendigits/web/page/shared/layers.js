// A network's layers as heat maps, with a square for each unit: blue below zero, dark at zero, orange above.

import { element } from "./dom.js";
import { bytesOf, drawPixels, heat } from "./pixels.js";

const MAX_LARGE_COLUMNS = 32; // maps with more columns, as convolutions have, use small squares
const LARGE = 10; // pixels of a square in the canvas
const SMALL = 3;

export class Layers {
  maps = []; // {name, canvas, small, columns, count, cell, cursor, outputs}

  // `chosen` is called with the layer and the unit that a person selects, by a click or with arrow keys and Enter; without it
  // nothing can be selected.
  constructor(place, chosen = null) {
    this.place = place;
    this.chosen = chosen;
  }

  // Make dark heat maps of layers: {name, count, columns}.
  build(layers) {
    this.maps = layers.map((layer, i) => this.map(layer, i));
    this.place.replaceChildren(
      ...this.maps.map(({ canvas, name }) =>
        element("figure", { class: "layer" }, element("figcaption", {}, name), canvas),
      ),
    );
    this.clear();
  }

  map({ name, count, columns }, layer) {
    const rows = Math.ceil(count / columns);
    const cell = columns > MAX_LARGE_COLUMNS ? SMALL : LARGE;
    const selecting = this.chosen && {
      tabindex: 0,
      role: "application",
      "aria-label": `${name}. Arrow keys choose a unit, Enter shows what it looks for.`,
    };
    const canvas = element("canvas", {
      width: columns * cell,
      height: rows * cell,
      class: "units",
      ...(selecting ?? { role: "img", "aria-label": name }),
    });
    const small = element("canvas", { width: columns, height: rows }); // a pixel for each unit
    const map = { name, canvas, small, columns, count, cell, cursor: null, isShown: false, outputs: null };
    if (!selecting) return map;
    canvas.addEventListener("click", (event) => {
      const frame = canvas.getBoundingClientRect();
      const column = Math.floor(((event.clientX - frame.left) / frame.width) * columns);
      this.choose(layer, Math.floor(((event.clientY - frame.top) / frame.height) * rows) * columns + column, true);
    });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
      if (step) this.choose(layer, map.cursor === null ? 0 : map.cursor + step, false);
      else if (event.key === "Enter" || event.key === " ") this.choose(layer, map.cursor ?? 0, true);
      else return;
      event.preventDefault();
    });
    canvas.addEventListener("blur", () => {
      if (!map.isShown) this.paint(Object.assign(map, { cursor: null }));
    });
    return map;
  }

  choose(layer, unit, isFinal) {
    const map = this.maps[layer];
    if (unit < 0 || unit >= map.count) return;
    if (isFinal) this.unmark();
    this.paint(Object.assign(map, { cursor: unit, isShown: isFinal }));
    if (isFinal) this.chosen(layer, unit);
  }

  // Remove the frame of the unit that was shown.
  unmark() {
    for (const map of this.maps.filter(({ isShown }) => isShown))
      this.paint(Object.assign(map, { cursor: null, isShown: false }));
  }

  // Show layers' outputs: numbers, or what the API has, {low, high, units}, where units are bytes in base64, 0 for `low` and 255 for `high`.
  show(layers) {
    this.maps.forEach((map, i) => {
      const outputs = layers[i]?.units ? numbersOf(layers[i]) : layers[i];
      if (outputs?.length === map.count) this.paint(Object.assign(map, { outputs })); // else the network was replaced meanwhile
    });
  }

  clear() {
    for (const map of this.maps) this.paint(Object.assign(map, { outputs: null }));
  }

  paint({ canvas, small, columns, count, cell, cursor, outputs }) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    const values = outputs ?? new Float32Array(count);
    const largest = Math.max(...values.map(Math.abs), 1e-9);
    drawPixels(small, values, (value) => heat(value / largest));
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height); // much faster than a rectangle for each unit
    if (cell === LARGE) {
      // gaps; small squares are the pixels of a picture, without any
      for (let x = cell - 1; x < canvas.width; x += cell) context.clearRect(x, 0, 1, canvas.height);
      for (let y = cell - 1; y < canvas.height; y += cell) context.clearRect(0, y, canvas.width, 1);
    }
    if (cursor === null) return;
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.strokeRect((cursor % columns) * cell, Math.floor(cursor / columns) * cell, cell - 1, cell - 1);
  }
}

const numbersOf = ({ low, high, units }) =>
  Float32Array.from(bytesOf(units), (byte) => low + (byte / 255) * (high - low));
