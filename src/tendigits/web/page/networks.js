// Which networks read: the reader's, or that of a run; a second one may stand beside it. The pages Draw and Read share the choice.

import { ask } from "./api.js";
import { element, find } from "./dom.js";

export const NONE = null; // nothing beside
const READER = ""; // the network that reads if no other is chosen

const choice = [READER, NONE]; // names of runs
const pages = []; // {selects, changed}
let offered = []; // names of runs
let readerName = "The reader";

// Fill the two selections `page`-network and `page`-beside; `changed` is called with 0 or 1 when that choice is another one.
export function startChoice(page, changed) {
  const selects = ["network", "beside"].map((name) => find(`${page}-${name}`));
  selects.forEach((select, i) => select.addEventListener("change", () => {
    choice[i] = i === 1 && select.selectedIndex === 0 ? NONE : select.value;
    showChoice();
    for (const each of pages) each.changed(i);
  }));
  pages.push({ selects, changed });
  showOptions();
}

// Offer all runs that are finished.
export async function offerRuns() {
  const { runs } = await ask("v1/runs");
  offer(runs.filter(({ status }) => status === "finished").map(({ name }) => name).toReversed());
}

// Offer these networks beside the one that reads if no other is chosen; `first` is its name.
export function offer(names, first = readerName) {
  [offered, readerName] = [names, first];
  showOptions();
}

export const chosen = (i) => choice[i];

// What a person calls it.
export function networkName(name) {
  return name === READER ? readerName : name;
}

// To append to an address that has a query already.
export function ofNetwork(name) {
  return name ? `&run=${encodeURIComponent(name)}` : "";
}

function showOptions() {
  const known = [READER, ...offered, ...choice.filter((name) => name && !offered.includes(name))];
  const options = () => known.map((name) => element("option", { value: name }, networkName(name)));
  for (const { selects: [first, beside] } of pages) {
    first.replaceChildren(...options());
    beside.replaceChildren(element("option", { value: "" }, "nothing"), ...options());
  }
  showChoice();
}

function showChoice() {
  for (const { selects: [first, beside] } of pages) {
    first.value = choice[0];
    beside.selectedIndex = choice[1] === NONE ? 0 : 1 + [...first.options].findIndex((option) => option.value === choice[1]);
  }
}
