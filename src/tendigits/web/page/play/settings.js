// The settings of the playground's networks A and B: their controls, the number of parameters, and code to copy.

import { ask } from "../shared/api.js";
import { element, find, notify, trying } from "../shared/dom.js";
import { titleOf } from "../shared/text.js";

const RATES = ["0.00001", "0.0001", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3", "10"];
const BATCHES = ["1", "8", "16", "32", "64", "128", "256", "512", "1024"];
const DIGITS = ["100", "200", "500", "1000", "2000", "5000", "10000", "20000", "60000"];
const CHOICES = { learning_rate: RATES, batch_size: BATCHES, digits: DIGITS };
const MAXIMA = { dropout: 0.9, label_noise: 1, shift: 6, scale: 0.4, shear: 0.6, elastic: 4, contrast: 0.9 }; // of sliders
const ORDER = ["hidden", "activation", "dropout", "digits", "label_noise", "optimizer", "learning_rate", "batch_size", "seed"];

let controls = []; // as /v1/play describes them
let maxLayers;
let chosen = "a"; // the network whose settings are shown
let changed;
let requests = 0;

/** @type {Record<string, any>} */
export const experiments = {}; // network -> its settings, as the API takes them

// `whenChanged` is called after each change of a setting, and when a network comes or goes.
export function startSettings(described, layers, whenChanged) {
  controls = described;
  maxLayers = layers;
  changed = whenChanged;
  experiments.a = defaults();
  const shown = controls.filter(({ name }) => !name.startsWith("augmentation."));
  shown.sort((one, other) => ORDER.indexOf(one.name) - ORDER.indexOf(other.name));
  find("play-settings").replaceChildren(...shown.map(field),
    element("details", {}, element("summary", {}, "Augmentation"), element("p", { class: "hint" }, "Random changes to the training digits."),
      ...controls.filter(({ name }) => name.startsWith("augmentation.")).map(field)));
  for (const name of ["a", "b"]) find(`play-choose-${name}`).addEventListener("click", () => choose(name));
  find("play-add").addEventListener("click", () => { experiments.b = structuredClone(experiments.a); choose("b"); find("play-remove").focus(); });
  find("play-remove").addEventListener("click", () => { delete experiments.b; choose("a"); find("play-add").focus(); });
  find("play-recipe").addEventListener("click", () => copy("recipe", "recipe file"));
  find("play-keras").addEventListener("click", () => copy("keras", "Keras code"));
  choose("a");
}

// Of the settings of a network, one with a name such as "digits" or "augmentation.shift".
const settingOf = (settings, name) => name.split(".").reduce((part, key) => part[key], settings);

function put(settings, name, value) {
  const [key, part] = name.split(".");
  if (part) settings[key][part] = value;
  else settings[key] = value;
}

export function defaults() {
  const settings = { augmentation: {} };
  for (const control of controls) put(settings, control.name, control.default);
  return settings;
}

// All settings as one text, to compare networks.
export const asJson = (settings) => JSON.stringify(controls.map(({ name }) => settingOf(settings, name)));

// Set the controls of a network; null removes network B.
export function setExperiment(name, settings) {
  if (settings) experiments[name] = structuredClone(settings);
  else delete experiments[name];
  choose(name === "b" && !settings ? "a" : chosen in experiments ? chosen : "a");
}

export const chosenNetwork = () => chosen;

const title = (name) => ({ hidden: "Hidden layers", digits: "Training digits" })[name] ?? titleOf(name);

function choose(name) {
  chosen = name;
  const hasB = "b" in experiments;
  for (const each of ["a", "b"]) find(`play-choose-${each}`).setAttribute("aria-pressed", String(each === name));
  for (const id of ["play-choose-a", "play-choose-b", "play-remove"]) find(id).hidden = !hasB;
  find("play-add").hidden = hasB;
  for (const control of controls) fill(control);
  describe();
  changed();
}

function field(control) {
  const { name, help, choices, maximum } = control;
  const max = MAXIMA[name.split(".").at(-1)] ?? maximum;
  const given = { id: `play-${name}`, "aria-describedby": `about-${name}` };
  const about = element("p", { id: `about-${name}`, class: "hint" }, help);
  if (name === "hidden") {
    return element("fieldset", { ...given, class: "setting" }, element("legend", {}, title(name)), element("div", { class: "row", id: "play-units" }), about);
  }
  let input;
  if (choices.length) input = element("select", given, ...choices.map((choice) => element("option", {}, choice)));
  else if (name in CHOICES) input = element("select", given, ...CHOICES[name].map((value) => element("option", { value }, Number(value).toLocaleString("en", { maximumFractionDigits: 5 }))));
  else if (name === "seed") input = element("input", { ...given, type: "number", min: 0, max: 4294967295, step: 1 });
  else input = element("input", { ...given, type: "range", min: 0, max, step: max > 5 ? 0.5 : 0.05 });
  input.addEventListener("input", () => set(name, choices.length ? input.value : Number(input.value)));
  return element("div", { class: "setting" }, element("label", { for: given.id }, title(name), " ", element("output", { id: `value-${name}`, for: given.id })),
    input, about);
}

// The hidden layers: a number of units each, with buttons to add and remove a layer.
function fillHidden(control) {
  const { maximum } = control;
  const { hidden } = experiments[chosen];
  const replace = (units, focus) => {
    set("hidden", units);
    fillHidden(control);
    find(focus).focus();
  };
  find("play-units").replaceChildren(
    ...hidden.map((units, i) => element("input", {
      id: `play-units-${i}`, type: "number", min: 1, max: maximum, step: 1, value: units, "aria-label": `Units of hidden layer ${i + 1}`,
      onchange: (event) => {
        const value = Math.min(maximum, Math.max(1, Math.round(Number(event.target.value)) || 1));
        event.target.value = value;
        set("hidden", experiments[chosen].hidden.with(i, value));
      },
    })),
    element("button", { type: "button", id: "play-more", disabled: hidden.length >= maxLayers, "aria-label": "Add a hidden layer",
      onclick: () => replace([...experiments[chosen].hidden, experiments[chosen].hidden.at(-1) ?? 64], "play-more") }, "+"),
    element("button", { type: "button", id: "play-fewer", disabled: !hidden.length, "aria-label": "Remove the last hidden layer",
      onclick: () => replace(experiments[chosen].hidden.slice(0, -1), "play-fewer") }, "−"));
}

function fill(control) {
  const { name } = control;
  const value = settingOf(experiments[chosen], name);
  if (name === "hidden") return fillHidden(control);
  const input = find(`play-${name}`);
  if (input.tagName === "SELECT" && ![...input.options].some((option) => option.value === String(value))) {
    input.append(element("option", { value }, String(value)));
  }
  input.value = value;
  showValue(name);
}

function showValue(name) {
  if (find(`play-${name}`)?.type === "range") find(`value-${name}`).textContent = String(settingOf(experiments[chosen], name));
}

function set(name, value) {
  put(experiments[chosen], name, value);
  showValue(name);
  describe();
  changed();
}

// Show how many parameters the network has, and the settings in which A and B differ.
function describe() {
  const request = ++requests;
  const { a, b = a } = experiments;
  const differing = controls.map(({ name }) => [name, settingOf(a, name), settingOf(b, name)])
    .filter(([, inA, inB]) => String(inA) !== String(inB))
    .map(([name, ...values]) => `${title(name).toLowerCase()} (${values.map(text).join(" / ")})`);
  find("play-difference").hidden = !experiments.b;
  find("play-difference").textContent = differing.length ? `A and B differ in ${differing.join(", ")}.` : "A and B are the same: change one thing in B.";
  trying(async () => {
    const { parameters } = await experiment();
    if (request === requests) find("play-parameters").textContent = parameters.toLocaleString("en");
  });
}

// The chosen network's parameters, and its settings as code.
const experiment = () => ask("v1/play/experiment", { method: "POST", json: experiments[chosen] });

const text = (value) => (Array.isArray(value) ? value.join(", ") || "none" : String(value));

function copy(kind, name) {
  return trying(async () => {
    const described = await experiment();
    find("play-code").textContent = described[kind];
    find("play-code").hidden = false;
    await navigator.clipboard?.writeText(described[kind]);
    notify(navigator.clipboard ? `Copied the ${name}.` : `The ${name} is shown below the buttons.`);
  });
}
