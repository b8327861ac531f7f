// The view Play: one or two networks learn on the server while a person watches them and changes their settings.

import { ask } from "../shared/api.js";
import { announce, find, trying } from "../shared/dom.js";
import { showCheck, showComparison, showCurves, showFigures, startComparing } from "./figures.js";
import { showLesson, startLessons } from "./lessons.js";
import { askAgain, closeUnit, refreshUnit, setLayers, startDrawing } from "./pen.js";
import { asJson, chosenNetwork, experiments, setExperiment, startSettings } from "./settings.js";

const FRAME_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 100; // between two updates of the view

const networks = {}; // name -> {status, tick, check}
const made = {}; // name -> the settings of the server's network, as JSON
let source = null; // of the server's events, while the view is visible
let trouble = ""; // why there are no networks, or no server
let work = Promise.resolve(); // the buttons' actions, one after the other
let pending = 0; // actions
let isDue = false; // an update of the view is scheduled
let checked = null; // the check that is shown

export function startPlaying() {
  startDrawing(() => Object.keys(made).length > 0);
  find("play-train").addEventListener("click", () => act(isLearning() ? "pause" : "train"));
  find("play-batch").addEventListener("click", () => act("step/batch"));
  find("play-epoch").addEventListener("click", () => act("step/epoch"));
  find("play-reset").addEventListener("click", () => act("reset"));
  find("play-close-unit").addEventListener("click", closeUnit);
  startComparing();
  find("play-all-settings").open = matchMedia("(min-width: 50rem)").matches; // on a phone the networks come first
  for (const name of ["hashchange", "visibilitychange"]) addEventListener(name, follow);
}

export function showPlaying() {
  return trying(async () => {
    if (!Object.keys(experiments).length) {
      const { settings, max_layers: most } = await ask("v1/play");
      startSettings(settings, most, drawSoon);
      startLessons(setExperiment, () => act("reset"));
    }
    await synchronise();
    follow();
    drawSoon();
  });
}

// Adopt the networks that the server has, which another page may have made.
async function synchronise() {
  const { networks: known } = await ask("v1/play");
  for (const name of ["a", "b"]) {
    if (known[name]) {
      if (!(name in made)) setExperiment(name, known[name]);
      made[name] = asJson(known[name]);
      setLayers(name, known[name].hidden);
    } else forget(name);
  }
}

// Follow the events only while the view is visible: the server ends networks that nobody watches.
function follow() {
  const isVisible = !find("play").hidden && !document.hidden;
  if (isVisible === (source !== null)) return;
  if (!isVisible) {
    source.close();
    source = null;
    return;
  }
  const inform = (text) => { trouble = text; drawSoon(); };
  source = new EventSource("v1/play/events");
  for (const kind of ["tick", "check"]) {
    source.addEventListener(kind, (event) => {
      const { network, ...data } = JSON.parse(event.data);
      networks[network] = { ...networks[network], [kind]: data };
      inform("");
    });
  }
  source.addEventListener("end", (event) => {
    for (const name of ["a", "b"]) forget(name);
    inform(`The networks are gone: ${JSON.parse(event.data).error}. Train creates new ones.`);
  });
  source.onerror = () => inform("The server does not answer. Is it still running? Trying again…");
  source.onopen = () => { inform(""); trying(synchronise); }; // also after a lost connection: the server may have restarted
}

function forget(name) {
  delete made[name];
  delete networks[name];
  setLayers(name, null);
}

// Create the networks whose settings have changed, then act. Actions wait for each other, so that no click is lost.
function act(what) {
  pending += 1;
  work = work.then(() => trying(async () => {
    if (what !== "pause") await make();
    await ask(`v1/play/${what}`, { method: "POST" });
    if (what !== "train") refreshUnit();
  })).finally(() => {
    pending -= 1;
    drawSoon();
  });
}

async function make() {
  if (made.b && !experiments.b) {
    await ask("v1/play/networks/b", { method: "DELETE" });
    forget("b");
  }
  for (const [name, settings] of Object.entries(experiments)) {
    const [json, text] = [structuredClone(settings), asJson(settings)];
    if (made[name] === text) continue;
    networks[name] = {};
    trouble = "";
    drawSoon();
    await ask(`v1/play/networks/${name}`, { method: "PUT", json });
    made[name] = text;
    setLayers(name, json.hidden);
  }
}

const isLearning = () => Object.values(networks).some(({ tick }) => tick?.status === "running");

function statusOf(name) {
  if (pending && !made[name]) return "starting";
  if (!made[name]) return "none";
  if (made[name] !== asJson(experiments[name])) return "changed";
  return networks[name]?.tick?.status ?? "starting";
}

function drawSoon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => { isDue = false; draw(); }, FRAME_MS);
}

function draw() {
  const shown = Object.fromEntries(Object.keys(experiments).map((name) => [name, { ...networks[name], status: statusOf(name) }]));
  if (!Object.keys(shown).length) return;
  showFigures(shown);
  showCurves(shown);
  const check = shown[chosenNetwork()]?.check ?? null;
  if (check !== checked) showCheck(check);
  checked = check;
  for (const id of ["play-side-b", "play-layers-name", "play-layers-side-b", "play-compare"]) find(id).hidden = !shown.b;
  showComparison(shown);
  showLesson(shown);
  find("play-train").textContent = isLearning() ? "Pause" : "Train";
  announce("play-status", stateOf(shown));
  askAgain();
}

function stateOf(shown) {
  const all = Object.entries(shown);
  const failed = all.filter(([, { status }]) => status === "failed").map(([name, { tick }]) => `${name.toUpperCase()} has failed: ${tick.error}.`);
  const any = (status) => all.some(([, each]) => each.status === status);
  if (trouble) return trouble;
  if (any("starting")) return "Making the networks; the first time takes some seconds…";
  if (failed.length) return failed.join(" ");
  if (any("running")) return "Learning. Draw meanwhile, and see it change.";
  if (any("changed") || (any("none") && any("paused"))) return "Settings have changed: a changed network starts over when you train.";
  return any("paused") ? "Paused." : "Choose settings, then train.";
}
