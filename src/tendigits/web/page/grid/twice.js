// Check twice: a person types what stands in the cells without seeing what was read.

import { find } from "../shared/dom.js";

let draw; // draws the picture of a cell, given by its index, into a canvas
let names = []; // of the cells
let typed = []; // the texts of the first of them
let finish; // called with these at the end

export function startTwice() {
  find("twice-form").addEventListener("submit", (event) => {
    event.preventDefault();
    typed.push(find("twice-text").value.trim());
    if (typed.length < names.length) ask();
    else find("twice").close();
  });
  find("twice-back").addEventListener("click", () => {
    typed.pop();
    ask();
  });
  find("twice-stop").addEventListener("click", () => find("twice").close());
  find("twice").addEventListener("close", () => finish(typed));
}

// Ask for cells with these names, one after the other; `compare` is called with what was typed, also if a person stops before the end.
export function askTwice(ofCells, drawCell, compare) {
  [names, typed, draw, finish] = [ofCells, [], drawCell, compare];
  find("twice").showModal();
  ask();
}

function ask() {
  const index = typed.length;
  find("twice-count").textContent = `${names[index]}, ${index + 1} of ${names.length}`;
  find("twice-text").value = "";
  find("twice-back").disabled = index === 0;
  draw(index, find("twice-cell"));
  find("twice-text").focus();
}
