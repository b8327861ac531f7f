// Networks A and B on the same test digits: is the difference luck, and which digits do they read differently?

import { ask, drawCrop, plural } from "./api.js";
import { element, find, trying } from "./dom.js";

let compared = ""; // at which steps the comparison that is shown was made

export function startComparing() {
  find("play-luck").addEventListener("click", () => trying(compare));
}

// An old comparison is marked as such when the networks have learned since.
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
    const crop = element("canvas", { class: "crop", width: 28, height: 28, role: "img", "aria-label": `a ${digit.true}` });
    drawCrop(crop, digit.picture);
    const said = (name) => element("span", { class: digit[name] === digit.true ? "right" : "doubt" }, `${name.toUpperCase()}: ${digit[name]}${digit[name] === digit.true ? " ✓" : ""}`);
    return element("li", {}, crop, said("a"), said("b"));
  }));
  find("play-differences").hidden = false;
}

function stepsOf(networks) {
  return Object.values(networks).map(({ tick }) => tick?.steps ?? 0).join(" ");
}
