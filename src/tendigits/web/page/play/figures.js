// How the playground's networks learn: figures, curves, confusion matrix, mistakes, weights and activations; and whether the
// difference between A and B is luck.

import { ask } from "../shared/api.js";
import { charts } from "../shared/chart.js";
import { element, find, trying } from "../shared/dom.js";
import { cropCanvas, drawWeights } from "../shared/pixels.js";
import { percent, plural } from "../shared/text.js";

const STATES = { none: "not made yet", starting: "starting…", running: "learning", paused: "paused", failed: "failed", changed: "settings changed" };
const HINT = "By epoch. Solid: test digits. Dashed: training digits, with dropout and noise as it learns.";

export function showFigures(networks) {
  const cell = (text) => element("td", { class: "number" }, text);
  find("play-figures").replaceChildren(...Object.entries(networks).map(([name, { status, tick, check }]) => {
    const [, loss, accuracy] = tick?.curve?.training.at(-1) ?? [];
    return element("tr", { id: `figures-${name}` },
      element("th", { scope: "row" }, name.toUpperCase()), element("td", { class: status === "failed" ? "doubt" : "" }, STATES[status]),
      cell(tick?.epoch === undefined ? "–" : tick.epoch.toFixed(2)), cell(loss === undefined ? "–" : loss.toPrecision(3)),
      cell(accuracy === undefined ? "–" : percent(accuracy, 1)), cell(check ? percent(check.accuracy, 2) : "–"));
  }));
}

export function showCurves(networks) {
  const runs = Object.entries(networks).filter(([, { tick }]) => tick?.curve).map(([name, { tick: { curve } }]) => {
    const [[loss, accuracy], [val_loss, val_accuracy]] = [curve.training, curve.test].map((points) =>
      [1, 2].map((i) => points.map((point) => [point[0], point[i]])));
    return { name: name.toUpperCase(), history: { loss, accuracy, val_loss, val_accuracy } };
  });
  if (runs.some((run) => run.history.loss.length)) find("play-curves").replaceChildren(...charts(runs, HINT));
  else find("play-curves").replaceChildren(element("p", { class: "hint" }, "Train, and the curves grow here."));
}

// Show the result of testing a network; null if it was not tested.
export function showCheck(check) {
  find("play-check").hidden = !check;
  if (!check) return;
  find("play-tested").textContent = `Tested after ${check.epoch.toFixed(2)} epochs: ${percent(check.accuracy, 2)} of ${check.n.toLocaleString("en")} test digits are right `
    + `(95% interval ${percent(check.interval[0], 2)} to ${percent(check.interval[1], 2)}).`;
  showConfusion(check.confusion);
  find("play-mistakes").replaceChildren(...check.mistakes.map((mistake) => element("li", {}, cropCanvas(mistake.picture, `a ${mistake.true}`),
    element("span", {}, `${mistake.true} read as ${mistake.predicted}`), element("span", { class: "hint" }, percent(mistake.confidence)))));
  if (!check.mistakes.length) find("play-mistakes").replaceChildren(element("li", {}, "None: every test digit is right."));
  find("play-weights").replaceChildren(...check.weights.map((weights, i) => {
    const picture = element("canvas", { class: "crop small", role: "img", "aria-label": `Weights of unit ${i + 1}` });
    drawWeights(picture, weights);
    return picture;
  }));
  find("play-histograms").replaceChildren(...check.histograms.map(histogram));
  find("play-activations").hidden = !check.histograms.length;
}

function showConfusion(counts) {
  const largest = Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => i !== j)));
  const head = element("thead", {}, element("tr", {}, element("td", {}), ...counts.map((_, digit) => element("th", { scope: "col" }, String(digit)))));
  const rows = counts.map((row, i) => element("tr", {}, element("th", { scope: "row" }, String(i)), ...row.map((count, j) => {
    const cell = element("td", { class: i === j ? "right" : count ? "wrong" : "" }, count ? String(count) : "");
    if (i !== j && count) cell.style.setProperty("--fraction", percent(0.1 + (0.3 * count) / largest));
    return cell;
  })));
  find("play-confusion").replaceChildren(head, element("tbody", {}, ...rows));
}

function histogram({ low, high, fractions, units, silent }, layer) {
  const [width, height] = [240, 70];
  const largest = Math.max(...fractions);
  const bars = fractions.map((fraction, i) => element("svg:rect", { x: (i * width) / fractions.length, width: width / fractions.length - 1,
    y: height * (1 - Math.sqrt(fraction / largest)), height: height * Math.sqrt(fraction / largest) }));
  const about = `Hidden layer ${layer + 1}: from ${low.toFixed(2)} to ${high.toFixed(2)}; ${silent} of ${units} units never change`;
  return element("figure", { class: "histogram" }, element("svg:svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": about }, ...bars), element("figcaption", { class: "hint" }, `${about}.`));
}

let steps = ""; // how many training steps each network has learned
let compared = ""; // the same when A and B were compared

export function startComparing() {
  find("play-luck").addEventListener("click", () => trying(compare));
}

// Mark the comparison as old if the networks have learned since.
export function showComparison(networks) {
  steps = Object.values(networks).map(({ tick }) => tick?.steps ?? 0).join(" ");
  find("play-luck-stale").hidden = !compared || compared === steps;
}

async function compare() {
  const begun = steps;
  const found = await ask("v1/play/comparison");
  compared = begun;
  find("play-luck-stale").hidden = true;
  find("play-verdict").textContent = found.words;
  const more = found.n_changed > found.changed.length ? `; the first ${found.changed.length}` : "";
  find("play-changed-count").textContent = `${plural(found.n_changed, "test digit")} read differently${more}`;
  find("play-changed").replaceChildren(...found.changed.map((digit) => {
    const predicted = (name) => element("span", { class: digit[name] === digit.true ? "right" : "doubt" }, `${name.toUpperCase()}: ${digit[name]}${digit[name] === digit.true ? " ✓" : ""}`);
    return element("li", {}, cropCanvas(digit.picture, `a ${digit.true}`), predicted("a"), predicted("b"));
  }));
  find("play-differences").hidden = false;
}
