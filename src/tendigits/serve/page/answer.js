// What the network says of one digit: the digit, ten bars, and the crop that it saw.

import { drawCrop, percent, sure } from "./api.js";
import { element, find } from "./dom.js";

export function startAnswer() {
  for (let digit = 0; digit < 10; digit++) {
    find("bars").append(element("li", {}, element("span", {}, String(digit)),
      element("span", { class: "track", "aria-hidden": "true" }, element("i")), element("span", { class: "percent" }, "–")));
  }
  showAnswer(null);
}

// `digit` is as the API gives it; null where nothing is drawn.
export function showAnswer(digit) {
  const isDigit = digit !== null && digit.is_digit >= 0.5;
  find("said").className = digit && !digit.accepted ? "said doubtful" : "said";
  if (!digit) find("said").replaceChildren(element("span", { class: "hint" }, "Draw one digit, from 0 to 9."));
  else if (!isDigit) find("said").replaceChildren(element("strong", {}, "not a digit"));
  else {
    const how = `${sure(digit.confidence)} sure${digit.accepted ? "" : `: ${digit.reason}`}`;
    find("said").replaceChildren(element("b", {}, String(digit.label)), element("span", {}, how));
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
