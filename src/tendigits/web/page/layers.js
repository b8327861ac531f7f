// A network's layers as heat maps: a square for each unit, blue below zero, orange above, dark at zero.

import { bytesOf } from "./api.js";
import { element } from "./dom.js";

const CELL = 10; // pixels of a unit in the canvas
const MANY = 32, SMALL = 3; // of more columns, as convolutions have, a unit has fewer pixels
const DARK = [24, 28, 36], ABOVE = [255, 176, 64], BELOW = [86, 180, 255];

// layers: [{low, high, units}], units being bytes in base64, 0 for `low`, 255 for `high`. `chosen` is called with the
// layer and the unit that a person selects, by a click or with arrow keys and Enter; without it nothing can be selected.
export function startLayers(place, chosen) {
  return new Layers(place, chosen);
}

class Layers {
  maps = []; // {name, canvas, columns, count, cell, cursor, units}

  constructor(place, chosen) {
    Object.assign(this, { place, chosen });
  }

  // Heat maps for layers, dark until `show`: dense ones by the number of their units, others as {name, count, columns}.
  build(layers) {
    this.maps = layers.map((layer, i) => this.map(typeof layer === "number" ? dense(layer, i) : layer, i));
    this.place.replaceChildren(...this.maps.map(({ canvas, name }) =>
      element("figure", { class: "layer" }, element("figcaption", {}, name), canvas)));
    this.clear();
  }

  // The same for layers as the server, or an exported page's network, gives them: {name, columns, units}.
  buildAs(layers) {
    this.build(layers.map(({ name, columns, units }) => ({ name: name[0].toUpperCase() + name.slice(1), columns, count: bytesOf(units).length })));
  }

  map({ name, count, columns }, layer) {
    const rows = Math.ceil(count / columns);
    const cell = columns > MANY ? SMALL : CELL;
    const selecting = this.chosen && { tabindex: 0, role: "application", "aria-label": `${name}. Arrow keys choose a unit, Enter shows what it looks for.` };
    const canvas = element("canvas", {
      width: columns * cell, height: rows * cell, class: "units", ...(selecting ?? { role: "img", "aria-label": name }),
    });
    const map = { name, canvas, columns, count, cell, cursor: null, units: null };
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
    canvas.addEventListener("blur", () => { if (!map.isShown) { map.cursor = null; this.paint(map); } });
    return map;
  }

  choose(layer, unit, isFinal) {
    const map = this.maps[layer];
    if (unit < 0 || unit >= map.count) return;
    if (isFinal) this.mark(null);
    map.cursor = unit;
    map.isShown = isFinal;
    this.paint(map);
    if (isFinal) this.chosen(layer, unit);
  }

  // Take the frame away from the unit that was shown.
  mark(layer) {
    this.maps.forEach((map, i) => { if (i !== layer && map.isShown) { map.isShown = false; map.cursor = null; this.paint(map); } });
  }

  show(layers) {
    layers.forEach((layer, i) => {
      const map = this.maps[i];
      if (!map || bytesOf(layer.units).length !== map.count) return; // of a network that was replaced meanwhile
      map.units = layer;
      this.paint(map);
    });
  }

  clear() {
    for (const map of this.maps) { map.units = null; this.paint(map); }
  }

  paint({ canvas, columns, count, cell, cursor, units }) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    const bytes = units && bytesOf(units.units);
    const largest = units ? Math.max(Math.abs(units.low), Math.abs(units.high), 1e-9) : 1;
    const side = cell === CELL ? cell - 1 : cell; // no lines between the pixels of a picture
    for (let unit = 0; unit < count; unit++) {
      const value = units ? (units.low + (bytes[unit] / 255) * (units.high - units.low)) / largest : 0;
      context.fillStyle = colourOf(value);
      context.fillRect((unit % columns) * cell, Math.floor(unit / columns) * cell, side, side);
    }
    if (cursor === null) return;
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.strokeRect((cursor % columns) * cell, Math.floor(cursor / columns) * cell, cell - 1, cell - 1);
  }
}

function dense(count, layer) {
  return { name: `Hidden layer ${layer + 1}: ${count} units`, count, columns: Math.min(count, count > 64 ? 32 : 16) };
}

// value: -1 to 1.
function colourOf(value) {
  const end = value < 0 ? BELOW : ABOVE;
  return `rgb(${DARK.map((from, i) => Math.round(from + Math.abs(value) * (end[i] - from))).join(" ")})`;
}

// Draw weights, bytes in base64 of which 128 is zero, into a canvas of 28x28.
export function drawWeights(canvas, base64) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(28, 28);
  bytesOf(base64).forEach((byte, i) => {
    const value = (byte - 128) / 127;
    const end = value < 0 ? BELOW : ABOVE;
    image.data.set([...DARK.map((from, k) => from + Math.abs(value) * (end[k] - from)), 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}
