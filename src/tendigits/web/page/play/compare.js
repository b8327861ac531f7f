// Networks A and B on the same test digits: is the difference luck, and which digits do they read differently?

import { ask } from "../shared/api.js";
import { element, find, trying } from "../shared/dom.js";
import { cropCanvas } from "../shared/pixels.js";
import { plural } from "../shared/text.js";

let compared = ""; // the training steps at which the comparison that is shown was made

export function startComparing() {
  find("play-luck").addEventListener("click", () => trying(compare));
}

// Mark the comparison as old if the networks have learned since.
export function showComparison(networks) {
  find("play-luck-stale").hidden = !compared || compared === stepsOf(networks);
  find("play-luck").dataset.steps = stepsOf(networks);
}

async function compare() {
  const steps = find("play-luck").dataset.steps;
  const found = await ask("v1/play/comparison");
  compared = steps;
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

function stepsOf(networks) {
  return Object.values(networks).map(({ tick }) => tick?.steps ?? 0).join(" ");
}
