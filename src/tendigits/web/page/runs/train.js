// The form that trains: a recipe, and the settings in which the run differs from it.

import { ask } from "../shared/api.js";
import { element, find, trying } from "../shared/dom.js";
import { titleOf } from "../shared/text.js";

const OPEN_GROUP = "Training"; // its settings are changed most often

let recipes = [];
let settings = []; // as /v1/settings describes them

export function startTraining(started) {
  find("recipe").addEventListener("change", showRecipe);
  find("settings").addEventListener("input", showChanges);
  find("reset-settings").addEventListener("click", showRecipe);
  find("train").addEventListener("submit", (event) => {
    event.preventDefault();
    const json = { recipe: find("recipe").value, settings: changes() };
    const name = new FormData(event.target).get("name");
    if (name) json.name = name;
    trying(async () => started(await ask("v1/runs", { method: "POST", json })));
  });
}

export async function showTraining() {
  if (recipes.length) return;
  const [known, described] = await Promise.all([ask("v1/recipes"), ask("v1/settings")]);
  [recipes, settings] = [known, described.settings];
  find("recipe").replaceChildren(...recipes.map(({ name }) => element("option", { value: name }, name)));
  find("training-data").textContent = `Trains on ${described.data[0]}, ${described.data[1]}.`;
  find("settings").replaceChildren(...[...new Set(settings.map(({ group }) => group))].map((group) =>
    element("details", { open: group === OPEN_GROUP }, element("summary", {}, group, " ", element("span", { class: "count" })),
      ...settings.filter((setting) => setting.group === group).map(field))));
  showRecipe();
}

function field(setting) {
  const { name, kind, help, choices, minimum, maximum } = setting;
  const given = { id: `setting-${name}`, name, "aria-describedby": `help-${name}` };
  const number = { type: "number", required: true, min: minimum, max: maximum };
  const types = { switch: { type: "checkbox" }, integer: { ...number, step: 1 }, number: { ...number, step: "any" } };
  const text = { type: "text", autocomplete: "off", placeholder: "none", spellcheck: "false" };
  const input = kind === "choice" ? element("select", given, ...choices.map((choice) => element("option", {}, choice)))
    : element("input", { ...given, ...(types[kind] ?? text) });
  const among = kind === "choices" ? ` Any of ${choices.join(", ")}.` : "";
  return element("div", { class: "setting" }, element("label", { for: given.id }, titleOf(name)), input,
    element("p", { id: `help-${name}`, class: "hint" }, help + among));
}

function showRecipe() {
  const { description, settings: values } = chosen();
  find("recipe-description").textContent = description;
  for (const { name, kind } of settings) {
    const input = find(`setting-${name}`);
    if (kind === "switch") input.checked = values[name];
    else input.value = [values[name]].flat().join(", ");
  }
  showChanges();
}

const chosen = () => recipes.find(({ name }) => name === find("recipe").value);

function changes() {
  const differing = settings.map(({ name, kind }) => [name, inputValue(find(`setting-${name}`), kind)])
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(chosen().settings[name]));
  return Object.fromEntries(differing);
}

function inputValue(input, kind) {
  if (kind === "switch") return input.checked;
  if (kind === "integer" || kind === "number") return Number(input.value);
  if (kind === "choice") return input.value;
  const parts = input.value.split(",").map((part) => part.trim()).filter(Boolean);
  return kind === "integers" ? parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part)) : parts; // the server reports what is wrong
}

function showChanges() {
  const differing = changes();
  for (const { name } of settings) find(`setting-${name}`).closest(".setting").classList.toggle("changed", name in differing);
  for (const group of find("settings").children) {
    const count = group.querySelectorAll(".changed").length;
    group.querySelector(".count").textContent = count ? `(${count} changed)` : "";
  }
  find("reset-settings").hidden = !Object.keys(differing).length;
}
