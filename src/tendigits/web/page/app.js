// The five views of the server's page, of which one is visible: the one that the address names, or the first.

import { showDrawing, startDrawing } from "./draw/draw.js";
import { showPlaying, startPlaying } from "./play/play.js";
import { showReading, startReading } from "./read/read.js";
import { showRuns, startRuns } from "./runs/runs.js";
import { find, hideMessage } from "./shared/dom.js";
import { showTeaching, startTeaching } from "./teach/teach.js";

startDrawing();
startReading();
startTeaching();
startRuns();
startPlaying();
const views = { draw: showDrawing, read: showReading, play: showPlaying, teach: showTeaching, runs: showRuns };
addEventListener("hashchange", () => {
  hideMessage();
  show();
  find("main").focus({ preventScroll: true });
  scrollTo(0, 0);
});
show();
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the view
  find("main").focus();
});

function show() {
  const [wanted] = location.hash.slice(1).split("?"); // what follows are the settings of Play
  const view = Object.hasOwn(views, wanted) ? wanted : "draw";
  for (const name of Object.keys(views)) find(name).hidden = name !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${document.querySelector(`#${view} h1`).textContent} · tendigits`;
  views[view]();
}
