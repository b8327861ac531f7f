// Learning curves as SVG: one colour per run; validation is solid, training is dashed.

import { element } from "./dom.js";

const WIDTH = 460;
const MARGIN = { left: 46, right: 10, top: 26, bottom: 30 };
const CLOSE = 0.9; // accuracies on new digits above which only their differences are of interest
const PANELS = [
  ["accuracy", "Accuracy", true],
  ["loss", "Cross-entropy loss", false],
];

// Charts of runs: [{name, history: {loss: [[epoch, value], ...], val_loss: ...}}].
export function charts(runs, hint = "By epoch. Solid: validation. Dashed: training.") {
  return [
    element("ul", { class: "legend" }, ...runs.map((run, i) => element("li", {}, colourOf(i), run.name))),
    ...panels(runs, hint),
  ];
}

// A short line in the colour of a run.
export function colourOf(i) {
  return element(
    "svg:svg",
    { viewBox: "0 0 20 8", "aria-hidden": "true" },
    element("svg:line", { x1: 0, x2: 20, y1: 4, y2: 4, class: `c${i % 8}` }),
  );
}

// The charts without a legend.
export function panels(runs, hint, height = 240) {
  return [
    ...PANELS.map(([key, title, isFraction]) => chart(runs, key, title, isFraction, height)),
    element("p", { class: "hint" }, hint),
  ];
}

function chart(runs, key, title, isFraction, height) {
  const curves = runs
    .flatMap((run, i) =>
      [
        [`val_${key}`, ""],
        [key, "training"],
      ].map(([name, kind]) => ({ points: run.history[name] ?? [], kind: `c${i % 8} ${kind}` })),
    )
    .filter(({ points }) => points.length);
  const points = curves.flatMap((curve) => curve.points);
  const first = Math.floor(Math.min(1, ...points.map(([epoch]) => epoch)));
  const last = Math.max(first + 1, ...points.map(([epoch]) => epoch));
  const solid = curves.filter(({ kind }) => !kind.endsWith("training"));
  const isHigh = isFraction && (solid.length ? solid : curves).every(({ points: pairs }) => pairs.at(-1)[1] > CLOSE); // then the early values are left out
  const { low, high, step } = axis(
    points.filter(([epoch]) => !isHigh || epoch > last / 2).map(([, value]) => value),
    isFraction,
  );
  const x = (epoch) => MARGIN.left + ((epoch - first) / (last - first)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value) =>
    MARGIN.top + ((high - Math.max(low, value)) / (high - low)) * (height - MARGIN.top - MARGIN.bottom);
  const about = runs
    .map((run) => `${run.name}: ${text(run.history[`val_${key}`]?.at(-1)?.[1], isFraction)}`)
    .join("; ");
  const drawn = element(
    "svg:svg",
    {
      class: "chart",
      viewBox: `0 0 ${WIDTH} ${height}`,
      role: "img",
      "aria-label": `${title}, at the end of the last epoch: ${about}`,
    },
    element("svg:text", { class: "title", x: MARGIN.left, y: 14 }, title),
  );
  for (let n = 0; n <= Math.round((high - low) / step); n++) {
    const value = low + n * step;
    drawn.append(
      element("svg:line", { class: "grid", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(value), y2: y(value) }),
      element("svg:text", { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, text(value, isFraction)),
    );
  }
  const every = Math.max(1, round((last - first) / 8));
  for (let epoch = first; epoch <= last; epoch += every)
    drawn.append(element("svg:text", { x: x(epoch), y: height - 10, "text-anchor": "middle" }, String(epoch)));
  drawn.append(
    ...curves.map(({ points: pairs, kind }) => {
      const seen = pairs.slice(Math.max(0, pairs.findIndex(([, value]) => value >= low) - 1));
      const ends = seen.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(2)}`);
      return element("svg:path", { class: kind, d: ends.length > 1 ? `M${ends.join("L")}` : `M${ends[0]}h4` });
    }),
  );
  return drawn;
}

// The range of the axis and its step: round numbers that include every value.
function axis(values, isFraction) {
  if (!values.length) return { low: 0, high: 1, step: 0.5 };
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const step = round((most - least || 0.01) / 3);
  const low = Math.min(Math.floor(least / step) * step, isFraction ? 1 - step : Infinity);
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
