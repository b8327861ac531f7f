// Class: the lines that pupils paste become one table with dots, kept in this browser. Nothing is sent anywhere.

import { button, element, find } from "../shared/dom.js";
import { numberText, percent, plural } from "../shared/text.js";
import { fromResult, parameters, SETTINGS } from "./link.js";
import { wilson } from "./views.js";

const [WIDTH, HEIGHT, DOT] = [200, 14, 4]; // pixels of a line with its dot
const AXIS_STEP = 0.05; // the axis begins and ends at multiples of it
const STORAGE_KEY = "tendigits-class"; // in the browser's storage, if it has one
const MAX_SHOWN = 40; // characters of a line that was skipped
const MAX_LINES = 500;

let order = { title: "Test", sign: -1 };

export function startClass() {
  const lines = find("play-class-lines");
  try {
    lines.value = localStorage.getItem(STORAGE_KEY) ?? "";
  } catch {} // a browser that keeps nothing
  lines.addEventListener("input", show);
  show();
}

function show() {
  const text = find("play-class-lines").value;
  try {
    localStorage.setItem(STORAGE_KEY, text);
  } catch {}
  const all = text.split("\n").filter((line) => line.trim());
  const lines = all.slice(0, MAX_LINES);
  const read = lines.map(fromResult);
  const results = read.filter(Boolean);
  const [skipped, ...others] = lines.filter((_, i) => !read[i]);
  find("play-class-state").textContent = [
    lines.length ? `${plural(results.length, "result")}.` : "",
    all.length > MAX_LINES ? `Only the first ${MAX_LINES} lines are read.` : "",
    skipped &&
      `${plural(others.length + 1, "line")} skipped: "${skipped.slice(0, MAX_SHOWN)}"${others.length ? ", …" : "."}`,
    results.length
      ? "Dots are test accuracies, lines their 95% intervals: where lines overlap, the order may be luck."
      : "",
  ].join(" ");
  find("play-class-table").hidden = !results.length;
  if (results.length) find("play-class-table").replaceChildren(...table(results));
}

// The columns of the table: {title, value, text}; rows are sorted by their values.
/** @returns {any[]} */
function columnsOf(results) {
  const intervals = results.flatMap(({ accuracy, n }) => wilson(accuracy, n));
  const low = AXIS_STEP * Math.floor(Math.min(...intervals) / AXIS_STEP);
  const high = AXIS_STEP * Math.ceil(Math.max(...intervals) / AXIS_STEP);
  const isVaried = (value) => new Set(results.map((result) => String(value(result)))).size > 1;
  const settings = SETTINGS.map(({ name, title }) => ({ title, value: (result) => result.settings[name] }));
  return [
    { title: "Name", value: ({ who }) => who },
    { title: "Test", value: ({ accuracy }) => accuracy, text: ({ accuracy }) => percent(accuracy, 2) },
    {
      title: `${percent(low)} to ${percent(high)}`,
      value: ({ accuracy }) => accuracy,
      text: (result) => dot(result, low, high),
    },
    {
      title: "Mine",
      value: ({ mine }) => (mine ? mine.right / mine.n : -1),
      text: ({ mine }) => (mine ? `${mine.right} of ${mine.n}` : "–"),
    },
    { title: "Epochs", value: ({ epoch }) => epoch },
    { title: "Parameters", value: (result) => parameters(result.settings) },
    ...[{ title: "Tested", value: ({ n }) => n }, ...settings].filter(({ value }) => isVaried(value)),
  ];
}

function table(results) {
  const columns = columnsOf(results);
  const { value } = columns.find(({ title }) => title === order.title) ?? columns[1];
  const [least, most] = [-order.sign, order.sign];
  const sorted = [...results].sort((a, b) => (value(a) > value(b) ? most : value(a) < value(b) ? least : 0));
  const head = ({ title }) => {
    const isOrder = title === order.title;
    const sort = () => {
      order = { title, sign: isOrder ? -order.sign : -1 };
      show();
    };
    const direction = isOrder ? (order.sign < 0 ? "descending" : "ascending") : undefined;
    return element("th", { scope: "col", "aria-sort": direction }, button(title, sort, { class: "plain" }));
  };
  const cell = (result, { value, text }, i) => {
    const raw = value(result);
    const shown = text?.(result) ?? (typeof raw === "number" ? numberText(raw) : String(raw));
    return element(i ? "td" : "th", i ? { class: "number" } : { scope: "row" }, shown || "–");
  };
  const row = (result) => element("tr", {}, ...columns.map((column, i) => cell(result, column, i)));
  return [element("thead", {}, element("tr", {}, ...columns.map(head))), element("tbody", {}, ...sorted.map(row))];
}

function dot({ accuracy, n }, low, high) {
  const x = (value) => DOT + ((value - low) / (high - low)) * (WIDTH - 2 * DOT);
  const [from, to] = wilson(accuracy, n);
  return element(
    "svg:svg",
    { class: "dots", width: WIDTH, height: HEIGHT, "aria-hidden": "true" },
    element("svg:path", { class: "c0", d: `M${x(from)},${HEIGHT / 2}H${x(to)}` }),
    element("svg:circle", { cx: x(accuracy), cy: HEIGHT / 2, r: DOT }),
  );
}
