// The four pages; one is visible.

import { find } from "./dom.js";
import { startPad } from "./pad.js";
import { startReading } from "./read.js";
import { showRuns, startRuns } from "./runs.js";
import { showTeaching, startTeaching } from "./teach.js";

const pages = { draw: null, read: null, teach: showTeaching, runs: showRuns };

function show() {
  const wanted = location.hash.slice(1);
  const page = wanted in pages ? wanted : "draw";
  for (const name of Object.keys(pages)) find(name).hidden = name !== page;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${page}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${document.querySelector(`#${page} h1`).textContent} · tendigits`;
  if (pages[page]) pages[page]();
}

startPad();
startReading();
startTeaching();
startRuns();
addEventListener("hashchange", () => { show(); find("main").focus(); });
show();
