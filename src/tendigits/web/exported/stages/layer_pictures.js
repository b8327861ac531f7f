// The output of each hidden layer as a picture, with the fields of the API; digits/layers.py in JavaScript.

import { least, most } from "./arrays.js";
import { MAX_UNITS_IN_NARROW_ROWS, NARROW_ROW, WIDE_ROW } from "./constants.js";

// From a layer's numbers and their shape: [1, units], or [1, channels, rows, columns].
export function picturesOf(layers) {
  const counts = { convolution: 0, "hidden layer": 0 };
  return layers.map(({ data, dims: [, ...shape] }) => {
    const kind = shape.length === 3 ? "convolution" : "hidden layer";
    const { values, columns } = shape.length === 3 ? tiles(data, shape) : rows(data);
    const [low, high] = [Math.min(least(values), 0), Math.max(most(values), 0)];
    const bytes = Uint8Array.from(values, (value) => Math.round(((value - low) / (high - low || 1)) * 255));
    const size = shape.length === 3 ? shape.join(" x ") : `${data.length} units`;
    return { name: `${kind} ${++counts[kind]}: ${size}`, columns, low, high, units: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
  });
}

function rows(data) {
  const columns = Math.min(data.length, data.length <= MAX_UNITS_IN_NARROW_ROWS ? NARROW_ROW : WIDE_ROW);
  const values = new Float32Array(Math.ceil(data.length / columns) * columns);
  values.set(data);
  return { values, columns };
}

function tiles(data, shape) {
  const [channels, height, width] = shape;
  const across = Math.ceil(Math.sqrt(channels));
  const columns = across * width;
  const values = new Float32Array(Math.ceil(channels / across) * height * columns);
  data.forEach((value, i) => {
    const [channel, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    values[(Math.floor(channel / across) * height + y) * columns + (channel % across) * width + x] = value;
  });
  return { values, columns };
}
