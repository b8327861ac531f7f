// How the playground's networks learn: figures, curves, confusion matrix, mistakes, weights and activations; and whether the
// difference between A and B is luck.

import { colourOf, panels } from "../shared/chart.js";
import { element, find, span } from "../shared/dom.js";
import { cropCanvas, digitItem, drawWeightSheet, drawWeights } from "../shared/pixels.js";
import { aDigit, epochsText, epochText, percent, plural } from "../shared/text.js";
import { PIXELS } from "./kernel.js";
import { tell } from "./news.js";

const STATES = { none: "new", starting: "starting…", running: "learning", changed: "new settings" }; // others: as they are
const CHART = { width: 300, height: 205 }; // two next to each other, the pen and a lesson fit on a laptop's screen
const HINT = "An epoch: every training digit once. Solid: test digits. Dashed: training digits.";
const UNITS_A_ROW = 6;
const STENCILS = "A stencil for each answer, as learned: ink on orange speaks for it, ink on blue against it.";
const UNITS =
  "The units that have learned most, without their random start: ink on orange excites one, ink on blue holds it back.";

export function showFigures(networks) {
  const cell = (text) => element("td", { class: "number" }, text);
  const hasMine = Object.values(networks).some(({ check }) => check?.mine);
  find("play-mine-head").hidden = !hasMine;
  const row = ([name, { status, tick, check }], i) => {
    const [, loss, accuracy] = tick?.curve?.training.at(-1) ?? [];
    const [epoch, , test] = tick?.curve?.test.at(-1) ?? []; // newer than the check, which comes less often
    const tested = check && check.epoch >= epoch ? check.accuracy : test;
    return element(
      "tr",
      { id: `figures-${name}` },
      element("th", { scope: "row" }, name.toUpperCase(), " ", colourOf(i)),
      element("td", { class: status === "failed" ? "doubt" : "" }, STATES[status] ?? status),
      cell(tick?.epoch === undefined ? "–" : epochText(tick.epoch)),
      cell(loss === undefined ? "–" : loss.toPrecision(3)),
      cell(accuracy === undefined ? "–" : percent(accuracy, 1)),
      cell(tested === undefined ? "–" : percent(tested, 2)),
      hasMine ? cell(check?.mine ? `${check.mine.right} of ${check.mine.n}` : "–") : null,
    );
  };
  find("play-figures").replaceChildren(...Object.entries(networks).map(row));
}

// `zoom` is the accuracy from which a lesson magnifies.
export function showCurves(networks, zoom) {
  const column = (points, i) => points.map((point) => [point[0], point[i]]);
  const run = ([name, { tick }]) => {
    const { training = [], test = [] } = tick?.curve ?? {};
    const history = { loss: column(training, 1), accuracy: column(training, 2) };
    return {
      name: name.toUpperCase(),
      history: { ...history, val_loss: column(test, 1), val_accuracy: column(test, 2) },
    };
  };
  find("play-curves").replaceChildren(...panels(Object.entries(networks).map(run), HINT, { ...CHART, zoom }));
}

// Show the result of testing a network with some hidden layers; null if it was not tested.
export function showCheck(check, { hidden }) {
  find("play-check").hidden = !check;
  if (!check) return;
  const [low, high] = check.interval;
  const about = `After ${epochsText(check.epoch)} it reads ${(100 * check.accuracy).toFixed(1)} of 100 new digits`;
  const tested = `${check.n.toLocaleString("en")} tested; give or take ${(50 * (high - low)).toFixed(1)}`;
  find("play-tested").textContent = `${about} (${tested}).`;
  tell("test", `Test ${percent(check.accuracy)}, after ${epochsText(check.epoch)}.`);
  showConfusion(check.confusion);
  const mistake = ({ picture, label, read, confidence }) =>
    digitItem(picture, label, span(`${label} read as ${read}`), span(percent(confidence), "hint"));
  const none = [element("li", {}, "None: every test digit is right.")];
  find("play-mistakes").replaceChildren(...(check.mistakes.length ? check.mistakes.map(mistake) : none));
  drawWeightSheet(find("play-weights"), check.weights, UNITS_A_ROW);
  find("play-weights").hidden = !hidden.length;
  find("play-stencils").replaceChildren(...(hidden.length ? [] : check.weights.map(stencil)));
  find("play-weights-hint").textContent = hidden.length ? UNITS : STENCILS;
  find("play-histograms").replaceChildren(...check.histograms.map(histogram));
  find("play-activations").hidden = !check.histograms.length;
}

function stencil(weights, digit) {
  const picture = cropCanvas("", `Stencil of ${aDigit(digit)}`);
  drawWeights(picture, weights);
  return element("li", {}, picture, String(digit));
}

function showConfusion(counts) {
  const largest = Math.max(1, ...counts.flatMap((row, i) => row.filter((_, j) => i !== j)));
  const cell = (i) => (count, j) => {
    const made = element("td", { class: i === j ? "right" : count ? "wrong" : "" }, count ? String(count) : "");
    if (i !== j && count) made.style.setProperty("--fraction", percent(0.1 + (0.3 * count) / largest));
    return made;
  };
  const title = (digit, scope) => element("th", { scope }, String(digit));
  const head = element("tr", {}, element("td"), ...counts.map((_, digit) => title(digit, "col")));
  const rows = counts.map((row, i) => element("tr", {}, title(i, "row"), ...row.map(cell(i))));
  find("play-confusion").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}

function histogram({ low, high, fractions, units, silent }, layer) {
  const [width, height] = [240, 70];
  const largest = Math.max(...fractions);
  const wide = width / fractions.length;
  const bars = fractions.map((fraction, i) => {
    const high = height * Math.sqrt(fraction / largest);
    return element("svg:rect", { x: i * wide, width: wide - 1, y: height - high, height: high });
  });
  const about = `Hidden layer ${layer + 1}: from ${low.toFixed(2)} to ${high.toFixed(2)}; ${silent} of ${units} units never change`;
  return element(
    "figure",
    { class: "histogram" },
    element("svg:svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": about }, ...bars),
    element("figcaption", { class: "hint" }, `${about}.`),
  );
}

const MAX_CHANGED = 24; // digits shown of those that A and B read differently; the others are only counted
const MAX_SIGNIFICANT_P = 0.05;

let tests = ""; // after how many steps each network was tested
let compared = ""; // the same when A and B were compared

// `test` returns the test digits, {x, y}.
export function startComparing(networks, test) {
  find("play-luck").addEventListener("click", () => {
    if (networks.a?.check && networks.b?.check) compare(networks.a.check, networks.b.check, test());
    else find("play-verdict").textContent = "Train both networks first.";
    find("play-differences").hidden = false;
  });
}

export function closeComparison() {
  compared = "";
  find("play-differences").hidden = true;
}

// Mark the comparison as old if the networks were tested since.
export function showComparison(networks) {
  tests = Object.values(networks)
    .map(({ check }) => check?.steps)
    .join(" ");
  find("play-luck-stale").hidden = !compared || compared === tests;
}

function compare(a, b, { x, y }) {
  compared = tests;
  find("play-luck-stale").hidden = true;
  const n = Math.min(a.read.length, b.read.length);
  const rows = [...y.subarray(0, n).keys()];
  const changed = rows.filter((row) => a.read[row] !== b.read[row]);
  const onlyIn = (one, other) => rows.filter((row) => one.read[row] === y[row] && other.read[row] !== y[row]).length;
  find("play-verdict").textContent = verdict(onlyIn(a, b), onlyIn(b, a), n);
  find("play-changed-count").textContent =
    `${plural(changed.length, "test digit")} read differently${changed.length > MAX_CHANGED ? `; the first ${MAX_CHANGED}` : ""}`;
  const read = (row, name, { read: labels }) =>
    labels[row] === y[row] ? span(`${name}: ${labels[row]} ✓`, "right") : span(`${name}: ${labels[row]}`, "doubt");
  const item = (row) =>
    digitItem(x.subarray(PIXELS * row, PIXELS * (row + 1)), y[row], read(row, "A", a), read(row, "B", b));
  find("play-changed").replaceChildren(...changed.slice(0, MAX_CHANGED).map(item));
}

// McNemar's exact test in words, as in report/mcnemar.py, from the digits that only A and only B read correctly.
export function verdict(onlyA, onlyB, n) {
  const digits = `${n.toLocaleString("en")} test digits`;
  if (!onlyA && !onlyB) return `A and B misread the same of ${digits}: no difference to explain.`;
  const alone = `${onlyA.toLocaleString("en")} are read correctly only by A, ${onlyB.toLocaleString("en")} only by B.`;
  if (onlyA === onlyB) return `A and B read equally many of ${digits}. ${alone}`;
  const [better, other] = onlyA > onlyB ? ["A", "B"] : ["B", "A"];
  const p = twoSided(onlyA, onlyB);
  return (
    `${better} reads ${Math.abs(onlyA - onlyB).toLocaleString("en")} of ${digits} more than ${other}. ${alone} Is it luck? ` +
    `${p < MAX_SIGNIFICANT_P ? "Hardly" : "It may well be"}: the probability that two equally good networks differ by this much or more is ` +
    `${p < 0.001 ? "less than 0.001" : Number(p.toPrecision(2))} (McNemar's exact test). Train both again with another seed: does ${better} still win?`
  );
}

// The exact probability that a + b coin tosses are at least as uneven as a to b.
function twoSided(a, b) {
  let [sum, term] = [0, -(a + b) * Math.LN2]; // the logarithm of a binomial probability
  for (let k = 0; k <= Math.min(a, b); k++) {
    sum += Math.exp(term);
    term += Math.log((a + b - k) / (k + 1));
  }
  return Math.min(1, 2 * sum);
}
