// Learning curves as SVG: one colour per run; validation is solid, training is dashed.

import { element } from "./dom.js";

const SIZE = { width: 460, height: 240, zoom: 0 }; // a zoom of 0 is chosen from the curves
const MARGIN = { left: 42, right: 10, top: 24, bottom: 24 };
const GAP = 22; // between an accuracy's magnified strip and its whole range
const ZOOMS = [0.98, 0.95]; // where that strip begins if all later accuracies on new digits are above, else at MIN_ZOOM
const MIN_ZOOM = 0.9;
const MIN_TICK = 34; // pixels between two epochs on the axis

// Charts of runs: [{name, history: {loss: [[epoch, value], ...], val_loss: ...}}].
export function charts(runs, hint = "By epoch. Solid: validation. Dashed: training.") {
  return [
    element("ul", { class: "legend" }, ...runs.map((run, i) => element("li", {}, colourOf(i), run.name))),
    ...panels(runs, hint),
  ];
}

// A short line in the colour of a run.
export function colourOf(i) {
  const line = element("svg:line", { x1: 0, x2: 20, y1: 4, y2: 4, class: `c${i % 8}` });
  return element("svg:svg", { viewBox: "0 0 20 8", "aria-hidden": "true" }, line);
}

// The charts without a legend: accuracy from 0 to 100% with a magnified strip above, and loss.
export function panels(runs, hint, size = {}) {
  const { width, height, zoom } = { ...SIZE, ...size };
  const [top, bottom] = [MARGIN.top, height - MARGIN.bottom];
  const middle = (top + bottom) / 2;
  const accuracies = curvesOf(runs, "accuracy");
  const losses = curvesOf(runs, "loss");
  const low = zoom || zoomOf(accuracies);
  const bands = [
    { low, high: 1, step: (1 - low) / 2, top, bottom: middle - GAP / 2 },
    { low: 0, high: 1, step: 0.5, top: middle + GAP / 2, bottom },
  ];
  const ofLoss = { ...axis(losses.flatMap(({ points }) => points.map(([, value]) => value))), top, bottom };
  return [
    chart(runs, "accuracy", `Accuracy; top: from ${text(low, true)}`, accuracies, bands, width, height),
    chart(runs, "loss", "Loss: how wrong its answers are", losses, [ofLoss], width, height),
    element("p", { class: "hint" }, hint),
  ];
}

function curvesOf(runs, key) {
  const kinds = { [`val_${key}`]: "", [key]: " training" };
  const ofRun = ({ history }, i) =>
    Object.entries(kinds).map(([name, kind]) => ({ points: history[name] ?? [], kind: `c${i % 8}${kind}` }));
  return runs.flatMap(ofRun).filter(({ points }) => points.length);
}

function zoomOf(curves) {
  const solid = curves.filter(({ kind }) => !kind.endsWith("training"));
  const later = solid.flatMap(({ points }) => points.filter(([epoch]) => epoch > points.at(-1)[0] / 2));
  return (later.length && ZOOMS.find((zoom) => later.every(([, value]) => value >= zoom))) || MIN_ZOOM;
}

function chart(runs, key, title, curves, bands, width, height) {
  const isFraction = key === "accuracy";
  const epochs = curves.flatMap(({ points }) => points.map(([epoch]) => epoch));
  const first = Math.floor(Math.min(1, ...epochs, epochs.length));
  const last = Math.max(first + 1, ...epochs);
  const x = (epoch) => MARGIN.left + ((epoch - first) / (last - first)) * (width - MARGIN.left - MARGIN.right);
  const end = ({ name, history }) => `${name}: ${text(history[`val_${key}`]?.at(-1)?.[1], isFraction)}`;
  const about = `${title}, at the end of the last epoch: ${runs.map(end).join("; ")}`;
  const every = Math.max(1, round(((last - first) * MIN_TICK) / width));
  const ticks = Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => first + i * every);
  return element(
    "svg:svg",
    { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": about },
    element("svg:text", { class: "title", x: MARGIN.left, y: 14 }, title),
    ...ticks.map((at) => element("svg:text", { x: x(at), y: height - 8, "text-anchor": "middle" }, String(at))),
    ...bands.flatMap((band) => drawBand(band, curves, x, width, isFraction)),
  );
}

// A part of a chart, from `low` to `high`, with its lines; what is outside is cut off.
function drawBand({ low, high, step, top, bottom }, curves, x, width, isFraction) {
  const y = (value) => top + ((high - value) / (high - low)) * (bottom - top);
  const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) => low + i * step);
  const frame = { y: top - 2, height: bottom - top + 4, width, viewBox: `0 ${top - 2} ${width} ${bottom - top + 4}` };
  const path = ({ points, kind }) => {
    const ends = points.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(2)}`);
    return element("svg:path", { class: kind, d: ends.length > 1 ? `M${ends.join("L")}` : `M${ends[0]}h4` });
  };
  return [
    ...ticks.flatMap((value) => [
      element("svg:line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
      element("svg:text", { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, text(value, isFraction)),
    ]),
    element("svg:svg", frame, ...curves.map(path)),
  ];
}

// The range of an axis and its step: round numbers that include every value.
function axis(values) {
  if (!values.length) return { low: 0, high: 1, step: 0.5 };
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const step = round((most - least || 0.01) / 3);
  const low = Math.floor(least / step) * step;
  return { low, high: Math.max(Math.ceil(most / step) * step, low + step), step };
}

function round(step) {
  const tenth = 10 ** Math.floor(Math.log10(step));
  return [1, 2, 5, 10].find((times) => times * tenth >= step) * tenth;
}

function text(value, isFraction) {
  if (value === undefined) return "–";
  return isFraction ? `${Number((100 * value).toFixed(2))}%` : String(Number(value.toPrecision(3)));
}
