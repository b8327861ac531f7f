// The playground's settings: their limits and texts, and how a link and a pupil's result hold them.

import { epochsText, numberText, percent } from "../shared/text.js";

const MAX_LAYERS = 4;
const MAX_UNITS = 1024; // of a layer
const MAX_CHARACTERS = 1000; // of a link's settings or a pasted line: both networks with all settings have 500

// `start` is what a new page has; the first SHOWN_FIRST are in sight, the rest under More settings. A slider goes to `slider`, a list offers `values`; others may come from a link.
export const SHOWN_FIRST = 4;
// biome-ignore format: a table, a row for each setting
/** @type {any[]} */
export const SETTINGS = [
  { name: "digits", title: "Training digits", start: 10000, min: 100, max: 60000, whole: true, values: [100, 200, 500, 1000, 2000, 5000, 10000, 20000, 60000], help: "How many examples it learns from." },
  { name: "hidden", title: "Hidden layers", start: [512, 512], help: "Units in each layer between the picture and the ten answers. More can learn more, and take longer." },
  { name: "mine", title: "Learn mine too", start: false, choices: [false, true], help: "Half of your digits are mixed into the examples; the other half tests it." },
  { name: "dropout", title: "Dropout", start: 0.2, min: 0, max: 0.9, slider: 0.9, step: 0.05, help: "Some units sit out each step, so that all have to learn." },
  { name: "learning_rate", title: "Learning rate", start: 0.001, min: 1e-6, max: 10, values: [0.00001, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10], help: "How far each step changes the weights." },
  { name: "label_noise", title: "Wrong labels", start: 0, min: 0, max: 1, slider: 1, step: 0.05, help: "The part of the training digits that comes with a wrong answer." },
  { name: "activation", title: "Activation", start: "relu", choices: ["relu", "tanh", "sigmoid"], help: "Each unit's bend; relu cuts off what is below 0. Without a bend, layers add nothing." },
  { name: "optimizer", title: "Optimizer", start: "adam", choices: ["adam", "rmsprop", "sgd"], help: "How weights change after a batch: sgd takes plain steps, adam and rmsprop fit their length to each weight." },
  { name: "batch_size", title: "Batch size", start: 32, min: 1, max: 1024, whole: true, values: [1, 8, 16, 32, 64, 128, 256, 512, 1024], help: "How many digits it sees before each step." },
  { name: "shift", title: "Shift", start: 0, min: 0, max: 13, slider: 6, step: 0.5, help: "Each training digit moves at random, by at most this many of its 28 pixels." },
  { name: "rotate", title: "Rotation", start: 0, min: 0, max: 45, slider: 45, step: 5, help: "Each training digit turns at random, by at most this many degrees." },
  { name: "seed", title: "Seed", start: 0, min: 0, max: 4294967295, whole: true, help: "Where chance begins: the same seed gives the same network." },
];

export const defaults = () => structuredClone(Object.fromEntries(SETTINGS.map(({ name, start }) => [name, start])));

// The number of weights and biases.
export const parameters = ({ hidden }) =>
  [...hidden, 10].reduce(([sum, inputs], units) => [sum + (inputs + 1) * units, units], [0, 784])[0];

// What is wrong with a value, as a sentence; "" if nothing is.
export function problemOf({ name, title, choices, min, max, whole }, value) {
  if (name === "hidden") {
    if (value.length > MAX_LAYERS) return `${title}: at most ${MAX_LAYERS}.`;
    return value.every((units) => Number.isInteger(units) && units >= 1 && units <= MAX_UNITS)
      ? ""
      : `${title}: 1 to ${MAX_UNITS.toLocaleString("en")} units each.`;
  }
  if (choices) return choices.includes(value) ? "" : `${title}: ${choices.join(", ")}.`;
  const isFine = Number.isFinite(value) && value >= min && value <= max && (!whole || Number.isInteger(value));
  return isFine ? "" : `${title}: ${whole ? "a whole number " : ""}from ${numberText(min)} to ${numberText(max)}.`;
}

export const isLast = (hidden) => hidden.length >= MAX_LAYERS;

// The seed, and what differs from a new page, such as "hidden=64,64&seed=3".
export function textOf(settings) {
  return SETTINGS.filter(({ name, start }) => name === "seed" || String(settings[name]) !== String(start))
    .map(({ name }) => `${name}=${settings[name]}`)
    .join("&");
}

// The settings that such a text holds, and what is wrong with it; a setting that is wrong keeps its start.
function parsed(text) {
  const [settings, problems] = [defaults(), []];
  for (const [name, value] of new URLSearchParams(text)) {
    const setting = SETTINGS.find((each) => each.name === name);
    const found = setting && valueIn(setting, value);
    const problem = setting ? problemOf(setting, found) : `There is no setting ${name.slice(0, 40)}.`;
    if (problem) problems.push(problem);
    else settings[name] = found;
  }
  return { settings, problems };
}

function valueIn({ name, choices }, text) {
  if (name === "hidden") return text ? text.split(",").map(Number) : [];
  if (choices) return choices.find((choice) => String(choice) === text);
  return text.trim() ? Number(text) : Number.NaN;
}

// The end of an address with the settings of A and perhaps B: "#play?hidden=64/hidden=32".
export function hashOf({ a, b = null }) {
  return `#play?${textOf(a)}${b ? `/${textOf(b)}` : ""}`;
}

// The settings in such an address, {a} or {a, b}, and what is wrong with them; null if it has none.
export function fromHash(hash) {
  const [, text] = hash.match(/^#play\?(.*)$/) ?? [];
  if (text === undefined) return null;
  if (text.length > MAX_CHARACTERS) return { experiments: { a: defaults() }, problems: ["It is too long."] };
  const [a, b] = text.split("/", 2).map(parsed);
  return {
    experiments: { a: a.settings, ...(b && { b: b.settings }) },
    problems: [...a.problems, ...(b?.problems ?? [])],
  };
}

// One line to paste: how a network did, and the link to its settings.
export function resultLine(settings, { accuracy, n, epoch, mine }, page) {
  const own = mine ? `, ${mine.right} of ${mine.n} of mine` : "";
  return `${percent(accuracy, 2)} of ${n.toLocaleString("en")} test digits after ${epochsText(epoch)}${own}: ${page}${hashOf({ a: settings })}`;
}

const RESULT =
  /(\d{1,3}\.\d\d)% of ([\d,]{1,9}) test digits after (\d{1,9}(?:\.\d{1,3})?) epochs?(?:, (\d{1,9}) of (\d{1,9}) of mine)?: \S*?(#play\?\S*)\s*$/;

// What a pasted line says, {who, accuracy, n, epoch, mine, settings}; null if it is no such line.
export function fromResult(line) {
  const found = line.length <= MAX_CHARACTERS && line.match(RESULT);
  if (!found) return null;
  const [, accuracy, n, epoch, right, own, hash] = found;
  const mine = own ? { right: Number(right), n: Number(own) } : null;
  if (Number(accuracy) > 100 || !Number(n.replaceAll(",", "")) || (mine && mine.right > mine.n)) return null;
  const before = line.slice(0, found.index);
  return {
    who: before.replace(/^[\s>*-]+/, "").replace(/[\s:,]+$/, ""),
    accuracy: Number(accuracy) / 100,
    n: Number(n.replaceAll(",", "")),
    epoch: Number(epoch),
    mine,
    settings: fromHash(hash).experiments.a,
  };
}
