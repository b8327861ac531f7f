// The prediction for one digit: the digit, ten bars, and the crop that the network saw.

import { confidenceText, drawCrop, percent } from "./api.js";
import { element, find } from "./dom.js";

export function startPrediction() {
  for (let digit = 0; digit < 10; digit++) {
    find("bars").append(element("li", {}, element("span", {}, String(digit)),
      element("span", { class: "track", "aria-hidden": "true" }, element("i")), element("span", { class: "percent" }, "–")));
  }
  showPrediction(null);
}

// `digit` comes from the API; null means that nothing is drawn.
export function showPrediction(digit) {
  const isDigit = digit !== null && digit.is_digit >= 0.5;
  find("prediction").className = digit && !digit.accepted ? "prediction doubtful" : "prediction";
  if (!digit) find("prediction").replaceChildren(element("span", { class: "hint" }, "Draw one digit, from 0 to 9."));
  else if (!isDigit) find("prediction").replaceChildren(element("strong", {}, "not a digit"));
  else {
    const how = `${confidenceText(digit.confidence)} confident${digit.accepted ? "" : `: ${digit.reason}`}`;
    find("prediction").replaceChildren(element("b", {}, String(digit.label)), element("span", {}, how));
  }
  [...find("bars").children].forEach((row, i) => {
    const share = digit ? digit.probabilities[i] * digit.is_digit : 0;
    row.querySelector("i").style.setProperty("--share", percent(share, 1));
    row.querySelector(".percent").textContent = digit ? percent(share, 1) : "–";
    row.className = isDigit && digit.label === i ? "best" : "";
  });
  drawCrop(find("seen"), digit?.crop);
  find("seen").setAttribute("aria-label", `What the network sees: ${digit ? (isDigit ? `a ${digit.label}` : "not a digit") : "nothing yet"}`);
}
