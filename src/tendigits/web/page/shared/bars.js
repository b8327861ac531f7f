// Ten bars: the probability of each digit.

import { element } from "./dom.js";
import { percent } from "./text.js";

export function addBars(list) {
  for (let digit = 0; digit < 10; digit++) {
    list.append(element("li", {}, element("span", {}, String(digit)),
      element("span", { class: "track", "aria-hidden": "true" }, element("i")), element("span", { class: "percent" })));
  }
  showBars(list, null);
}

// Show ten probabilities, or empty bars for null; `best` is the digit to emphasise, or null.
export function showBars(list, probabilities, best = null) {
  [...list.children].forEach((row, digit) => {
    row.querySelector("i").style.setProperty("--fraction", percent(probabilities?.[digit] ?? 0, 1));
    row.querySelector(".percent").textContent = probabilities ? percent(probabilities[digit], 1) : "–";
    row.className = digit === best ? "best" : "";
  });
}
