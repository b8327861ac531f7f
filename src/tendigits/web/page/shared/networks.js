// Which networks read: the reader's or that of a run, and optionally a second one. The views Draw and Read share the choice.

import { ask } from "./api.js";
import { element, find } from "./dom.js";

export const NONE = null; // no second network
const READER = ""; // the network that reads if no other is chosen

const choice = [READER, NONE]; // names of runs
const views = []; // {selects, changed}
let offered = []; // names of runs
let readerName = "The reader";

// Fill the two selections of a view; `changed` is called with 0 or 1 when the first or the second network changes.
export function startChoice(view, changed) {
  const selects = ["network", "second"].map((name) => find(`${view}-${name}`));
  selects.forEach((select, i) => {
    select.addEventListener("change", () => {
      choice[i] = i === 1 && select.selectedIndex === 0 ? NONE : select.value;
      showChoice();
      for (const each of views) each.changed(i);
    });
  });
  views.push({ selects, changed });
  showOptions();
}

export async function offerRuns() {
  const { runs } = await ask("v1/runs");
  offer(
    runs
      .filter(({ status }) => status === "finished")
      .map(({ name }) => name)
      .toReversed(),
  );
}

// Offer these networks in addition to the default one, whose name is `first`.
export function offer(names, first = readerName) {
  [offered, readerName] = [names, first];
  showOptions();
}

export const chosen = (i) => choice[i];

export function networkName(name) {
  return name === READER ? readerName : name;
}

export function ofNetwork(name) {
  return name ? `&run=${encodeURIComponent(name)}` : "";
}

function showOptions() {
  const known = [READER, ...offered, ...choice.filter((name) => name && !offered.includes(name))];
  const options = () => known.map((name) => element("option", { value: name }, networkName(name)));
  for (const {
    selects: [first, second],
  } of views) {
    first.replaceChildren(...options());
    second.replaceChildren(element("option", { value: "" }, "none"), ...options());
  }
  showChoice();
}

function showChoice() {
  for (const {
    selects: [first, second],
  } of views) {
    first.value = choice[0];
    second.selectedIndex =
      choice[1] === NONE ? 0 : 1 + [...first.options].findIndex((option) => option.value === choice[1]);
  }
}
