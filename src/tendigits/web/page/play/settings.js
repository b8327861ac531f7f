// The settings of the networks A and B: their controls, the address that holds them, and what is wrong with them.

import { button, element, find, notify } from "../shared/dom.js";
import { numberText } from "../shared/text.js";
import { asKeras, asRecipe } from "./code.js";
import { defaults, fromHash, hashOf, isLast, parameters, problemOf, SETTINGS, SHOWN_FIRST } from "./link.js";
import { SMALL } from "./network.js";
import { packed } from "./packed.js";
import { firstSettings } from "./run.js";

const MAX_PROBLEMS = 3; // of a link that are named
const FIRST = SETTINGS.slice(0, SHOWN_FIRST);
const MORE = SETTINGS.slice(SHOWN_FIRST);

let chosen = "a"; // the network whose settings are shown
let changed;

/** @type {Record<string, any>} */
export const experiments = {}; // network -> its settings

// `whenChanged` is called after each change of a setting, and when a network comes or goes.
export function startSettings(whenChanged) {
  changed = whenChanged;
  experiments.a = firstSettings();
  find("play-settings").replaceChildren(...FIRST.map(field));
  find("play-settings-more").replaceChildren(...MORE.map(field));
  for (const name of ["a", "b"]) find(`play-choose-${name}`).addEventListener("click", () => choose(name));
  find("play-add").addEventListener("click", () => {
    experiments.b = structuredClone(experiments.a);
    choose("b");
    find("play-remove").focus();
  });
  find("play-remove").addEventListener("click", () => {
    delete experiments.b;
    choose("a");
    find("play-add").focus();
  });
  find("play-defaults").addEventListener("click", () => setExperiments({ a: defaults() }));
  find("play-recipe").addEventListener("click", () => copy(asRecipe(experiments[chosen]), "recipe file"));
  find("play-keras").addEventListener("click", () => copy(asKeras(experiments[chosen]), "Keras code"));
  find("play-link").addEventListener("click", () =>
    copy(location.href, "link: who opens it starts with the same settings"),
  );
  adoptAddress();
}

// Take over the settings that the address holds; without any, the address gets those that the page has.
export function adoptAddress() {
  const found = fromHash(location.hash);
  setExperiments(found?.experiments ?? { ...experiments });
  if (found?.problems.length)
    notify(`The link does not fit this page. ${found.problems.slice(0, MAX_PROBLEMS).join(" ")}`);
}

// Set all settings: {a} or {a, b}.
export function setExperiments(given) {
  delete experiments.b;
  Object.assign(experiments, structuredClone(given));
  choose(chosen in experiments ? chosen : "a");
  const isUsual = ({ name, start }) =>
    name === "seed" || Object.values(experiments).every((each) => each[name] === start);
  find("play-more-settings").open ||= !MORE.every(isUsual);
}

export const chosenNetwork = () => chosen;

// Show a text below the buttons, and copy it. Only https, localhost and some files have a clipboard; elsewhere the text is selected.
export async function copy(text, name) {
  const shown = find("play-code");
  shown.textContent = text;
  shown.hidden = false;
  const done = () => true;
  const isCopied = (await navigator.clipboard?.writeText(text).then(done, () => false)) || copySelected(shown);
  notify(isCopied ? `Copied the ${name}.` : "Selected below: press Ctrl+C (on a phone: hold it, Copy).");
}

function copySelected(shown) {
  shown.scrollIntoView({ block: "nearest" });
  shown.focus({ preventScroll: true });
  getSelection().selectAllChildren(shown);
  return document.execCommand("copy");
}

function choose(name) {
  chosen = name;
  const hasB = "b" in experiments;
  for (const each of ["a", "b"]) find(`play-choose-${each}`).setAttribute("aria-pressed", String(each === name));
  for (const id of ["play-choose-a", "play-choose-b", "play-remove"]) find(id).hidden = !hasB;
  find("play-add").hidden = hasB;
  for (const setting of SETTINGS) fill(setting);
  describe();
}

function field(setting) {
  const { name, title, help } = setting;
  const about = [
    element("p", { id: `about-${name}`, class: "hint" }, help),
    element("p", { id: `problem-${name}`, class: "doubt", role: "status", hidden: true }),
  ];
  const given = { id: `play-${name}`, "aria-describedby": `about-${name}` };
  if (name === "hidden") {
    const units = element("div", { class: "row", id: "play-units" });
    return element("fieldset", { ...given, class: "setting" }, element("legend", {}, title), units, ...about);
  }
  const input = control(setting, given);
  input.addEventListener("input", () => set(setting, enteredIn(setting, input)));
  input.addEventListener("change", () => showValue(name)); // where a value was refused, the one that holds
  const value = element("output", { id: `value-${name}`, for: given.id });
  return element("div", { class: "setting" }, element("label", { for: given.id }, title, " ", value), input, ...about);
}

function control({ name, choices, values, slider, step, min, max }, given) {
  if (name === "mine") return element("input", { ...given, type: "checkbox" });
  if (slider !== undefined) return element("input", { ...given, type: "range", min: 0, max: slider, step });
  if (!choices && !values) return element("input", { ...given, type: "number", min, max, step: 1 });
  const isMissing = (value) => name === "digits" && value > SMALL && !packed.all_digits;
  const about = (value) => `${choices ? value : numberText(value)}${isMissing(value) ? " (not in this copy)" : ""}`;
  const option = (value) => element("option", { value, disabled: isMissing(value) }, about(value));
  return element("select", given, ...(choices ?? values).map(option));
}

const enteredIn = ({ name, choices }, { value, checked }) =>
  name === "mine" ? checked : choices ? value : numberIn(value);
const numberIn = (text) => (text === "" ? Number.NaN : Number(text));

// The hidden layers: a number of units each, with buttons to add and remove a layer.
function fillHidden(setting) {
  const { hidden } = experiments[chosen];
  const place = find("play-units");
  const replace = (units, focus) => {
    set(setting, units);
    fillHidden(setting);
    find(focus).focus();
  };
  const entered = () => Array.from(place.querySelectorAll("input"), ({ value }) => numberIn(value));
  const layer = (units, i) =>
    element("input", {
      id: `play-units-${i}`,
      type: "number",
      min: 1,
      value: units,
      "aria-label": `Units of hidden layer ${i + 1}`,
      oninput: () => set(setting, entered()),
      onchange: ({ target }) => (target.value = experiments[chosen].hidden[i]),
    });
  const more = () => replace([...experiments[chosen].hidden, experiments[chosen].hidden.at(-1) ?? 64], "play-more");
  const fewer = () => replace(experiments[chosen].hidden.slice(0, -1), "play-fewer");
  place.replaceChildren(
    ...hidden.map(layer),
    button("+", more, { id: "play-more", disabled: isLast(hidden), "aria-label": "Add a hidden layer" }),
    button("−", fewer, { id: "play-fewer", disabled: !hidden.length, "aria-label": "Remove the last hidden layer" }),
  );
}

function fill(setting) {
  const { name } = setting;
  showProblem(setting, "");
  if (name === "hidden") return fillHidden(setting);
  const [value, input] = [experiments[chosen][name], find(`play-${name}`)];
  if (input.tagName === "SELECT" && ![...input.options].some((option) => option.value === String(value)))
    input.append(element("option", { value }, numberText(value)));
  showValue(name);
}

function showValue(name) {
  const [value, input] = [experiments[chosen][name], find(`play-${name}`)];
  if (name === "mine") input.checked = value;
  else input.value = value;
  if (input.type === "range") find(`value-${name}`).textContent = String(value);
}

function showProblem({ name }, problem) {
  find(`problem-${name}`).hidden = !problem;
  find(`problem-${name}`).textContent = problem && `${problem} It stays as it was.`;
}

// Change a setting; a value that is out of range changes nothing.
function set(setting, value) {
  const problem = problemOf(setting, value);
  showProblem(setting, problem);
  if (problem) return;
  experiments[chosen][setting.name] = value;
  if (find(`play-${setting.name}`).type === "range") showValue(setting.name);
  describe();
}

// Show how many parameters the network has, and the settings in which A and B differ; the address holds them all.
function describe() {
  const { a, b = a } = experiments;
  const text = (value) => (Array.isArray(value) ? value.join(", ") || "none" : String(value));
  const differing = SETTINGS.filter(({ name }) => String(a[name]) !== String(b[name])).map(
    ({ name, title }) => `${title.toLowerCase()} (${text(a[name])} / ${text(b[name])})`,
  );
  find("play-difference").hidden = !experiments.b;
  find("play-difference").textContent = differing.length
    ? `A and B differ in ${differing.join(", ")}.`
    : "A and B are the same: change one thing in B.";
  find("play-parameters").textContent = parameters(experiments[chosen]).toLocaleString("en");
  if (!find("play").hidden) history.replaceState(null, "", hashOf({ a, b: experiments.b }));
  changed();
}
