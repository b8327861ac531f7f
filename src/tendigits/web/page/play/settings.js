// The settings of the networks A and B: their controls, the address that holds them, and what is wrong with them.

import { element, find, notify } from "../shared/dom.js";
import { asKeras, asRecipe } from "./code.js";
import { defaults, fromHash, hashOf, isLast, parameters, problemOf, SETTINGS } from "./link.js";

let chosen = "a"; // the network whose settings are shown
let changed;

/** @type {Record<string, any>} */
export const experiments = {}; // network -> its settings

// `whenChanged` is called after each change of a setting, and when a network comes or goes.
export function startSettings(whenChanged) {
  changed = whenChanged;
  experiments.a = defaults();
  find("play-settings").replaceChildren(...SETTINGS.map(field));
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
  if (found?.problems.length) notify(`The link has settings that do not exist here. ${found.problems.join(" ")}`);
}

// Set all settings: {a} or {a, b}.
export function setExperiments(given) {
  delete experiments.b;
  Object.assign(experiments, structuredClone(given));
  choose(chosen in experiments ? chosen : "a");
}

export const chosenNetwork = () => chosen;

// Show a text below the buttons, and copy it where the browser lets us.
export async function copy(text, name) {
  find("play-code").textContent = text;
  find("play-code").hidden = false;
  const isCopied = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  notify(isCopied ? `Copied the ${name}.` : "It is shown below the buttons of the network: copy it from there.");
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

const numberText = (value) => Number(value).toLocaleString("en", { maximumFractionDigits: 6 });

function field(setting) {
  const { name, title, help, choices, values, slider, step, min, max } = setting;
  const given = { id: `play-${name}`, "aria-describedby": `about-${name}` };
  const about = [
    element("p", { id: `about-${name}`, class: "hint" }, help),
    element("p", { id: `problem-${name}`, class: "doubt", role: "status", hidden: true }),
  ];
  if (name === "hidden")
    return element(
      "fieldset",
      { ...given, class: "setting" },
      element("legend", {}, title),
      element("div", { class: "row", id: "play-units" }),
      ...about,
    );
  let input;
  if (name === "mine") input = element("input", { ...given, type: "checkbox" });
  else if (choices || values)
    input = element(
      "select",
      given,
      ...(choices ?? values).map((value) => element("option", { value }, choices ? value : numberText(value))),
    );
  else
    input = element(
      "input",
      slider === undefined
        ? { ...given, type: "number", min, max, step: 1 }
        : { ...given, type: "range", min: 0, max: slider, step },
    );
  input.addEventListener("input", () =>
    set(
      setting,
      name === "mine" ? input.checked : choices ? input.value : input.value === "" ? Number.NaN : Number(input.value),
    ),
  );
  return element(
    "div",
    { class: "setting" },
    element("label", { for: given.id }, title, " ", element("output", { id: `value-${name}`, for: given.id })),
    input,
    ...about,
  );
}

// The hidden layers: a number of units each, with buttons to add and remove a layer.
function fillHidden(setting) {
  const { hidden } = experiments[chosen];
  const replace = (units, focus) => {
    set(setting, units);
    fillHidden(setting);
    find(focus).focus();
  };
  const read = () =>
    [...find("play-units").querySelectorAll("input")].map((input) =>
      input.value === "" ? Number.NaN : Number(input.value),
    );
  find("play-units").replaceChildren(
    ...hidden.map((units, i) =>
      element("input", {
        id: `play-units-${i}`,
        type: "number",
        min: 1,
        step: 1,
        value: units,
        "aria-label": `Units of hidden layer ${i + 1}`,
        oninput: () => set(setting, read()),
      }),
    ),
    element(
      "button",
      {
        type: "button",
        id: "play-more",
        class: "icon",
        disabled: isLast(hidden),
        "aria-label": "Add a hidden layer",
        onclick: () => replace([...experiments[chosen].hidden, experiments[chosen].hidden.at(-1) ?? 64], "play-more"),
      },
      "+",
    ),
    element(
      "button",
      {
        type: "button",
        id: "play-fewer",
        class: "icon",
        disabled: !hidden.length,
        "aria-label": "Remove the last hidden layer",
        onclick: () => replace(experiments[chosen].hidden.slice(0, -1), "play-fewer"),
      },
      "−",
    ),
  );
}

function fill(setting) {
  const { name } = setting;
  const value = experiments[chosen][name];
  showProblem(setting, "");
  if (name === "hidden") return fillHidden(setting);
  const input = find(`play-${name}`);
  if (input.tagName === "SELECT" && ![...input.options].some((option) => option.value === String(value)))
    input.append(element("option", { value }, numberText(value)));
  if (name === "mine") input.checked = value;
  else input.value = value;
  showValue(name);
}

function showValue(name) {
  if (find(`play-${name}`).type === "range") find(`value-${name}`).textContent = String(experiments[chosen][name]);
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
  if (setting.name !== "hidden") showValue(setting.name);
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
