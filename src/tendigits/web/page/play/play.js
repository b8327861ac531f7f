// The view Play: one or two networks learn in the page while a person watches them and changes their settings.

import { announce, find, trying } from "../shared/dom.js";
import { closeComparison, showCheck, showComparison, showCurves, showFigures, startComparing } from "./figures.js";
import { startFilm } from "./film.js";
import { startClass } from "./group.js";
import { lessonNow, showLesson, startLessons } from "./lessons.js";
import { hashOf, resultLine } from "./link.js";
import { digitsFor } from "./mnist.js";
import { canLearn, Network, SMALL } from "./network.js";
import { ownDigits, showReadings, startOwn } from "./own.js";
import { askAgain, closeUnit, refreshUnit, setLayers, startDrawing } from "./pen.js";
import { runOf, runWeights } from "./run.js";
import { adoptAddress, chosenNetwork, copy, experiments, setExperiments, startSettings } from "./settings.js";

const IS_CALM = matchMedia("(prefers-reduced-motion: reduce)").matches;
const FRAME_MS = IS_CALM ? 1000 : 100; // between two updates of curves and figures
const IS_NARROW = matchMedia("(max-width: 50rem)"); // the cards stand below each other
const MIN_WORTH = 1; // epochs of training that are not lost unasked
const MAX_AHEAD = 0.05; // epochs by which one network may be ahead of the other
const CANNOT =
  "This browser is too old for the playground, which needs WebAssembly SIMD: update it to Chrome or Edge 98, Firefox 113, Safari 16.4, or newer.";

/** @type {Record<string, Network>} */
const networks = {};
let digits; // MNIST's, as many as were needed until now
let trouble = ""; // why there are no networks
let work = Promise.resolve(); // the buttons' actions, one after the other
let pending = 0; // actions
let isDue = false; // an update of the view is scheduled
let isFollowing = false; // the bars follow the networks, picture by picture
let checked = null; // the check that is shown

export function startPlaying() {
  if (!canLearn()) {
    find("play").replaceChildren(find("play-title"), CANNOT);
    return;
  }
  startDrawing(networks);
  startComparing(networks, () => ({ x: digits.x_test, y: digits.y_test }));
  startOwn(ownChanged);
  startClass();
  startFilm(() => networks[chosenNetwork()]);
  find("play-train").addEventListener("click", () => act({ learn: { until: isWatched() ? 0 : Infinity } }));
  find("play-batch").addEventListener("click", () => act({ batch: {} }));
  find("play-epoch").addEventListener("click", () => act({ learn: { until: "epoch" } }));
  find("play-reset").addEventListener("click", () => act({ reset: {} }));
  find("play-close-unit").addEventListener("click", closeUnit);
  find("play-result").addEventListener("click", () => trying(copyResult));
  startSettings(settingsChanged);
  startLessons(experiments, setLesson);
  IS_NARROW.addEventListener("change", arrange);
  addEventListener("beforeunload", (event) => {
    if (Object.values(networks).some(({ tick }) => tick?.epoch >= MIN_WORTH)) event.preventDefault(); // the page asks
  });
  arrange();
}

// Show the view; what it needs is loaded now, so that the first click finds it ready.
export function showPlaying() {
  if (!canLearn()) return;
  adoptAddress();
  if (!networks.a) work = work.then(() => trying(make)).then(drawSoon);
}

// Put the cards into the order in which they are seen: on a phone a lesson begins with the curves, everything else with the pen.
function arrange() {
  const [network, learning, drawing] = ["play-network", "play-learning", "play-drawing"].map(find);
  const narrow = lessonNow() ? [learning, drawing, network] : [drawing, learning, network];
  const focused = /** @type {any} */ (document.activeElement);
  find("play-workbench").append(...(IS_NARROW.matches ? narrow : [network, learning, drawing]));
  focused?.focus({ preventScroll: true }); // an element that moves loses it
}

// Begin or end a lesson: other settings, and what the networks before have learned goes.
function setLesson(given) {
  setExperiments(given);
  arrange();
  closeComparison();
  closeUnit();
  find("play-film-side").hidden = true;
  act({ reset: {} });
}

// A network whose settings have changed stops learning; the next click makes it anew.
function settingsChanged() {
  for (const [name, network] of Object.entries(networks))
    if (network.made && statusOf(name) === "changed") network.ask("learn", { until: 0 });
  drawSoon();
}

// What a network is made from, as text.
const wanted = (settings) => `${hashOf({ a: settings })}${settings.mine ? ` ${ownDigits().version}` : ""}`;

function onEvent(name, event) {
  if (event === "check") refreshUnit(name);
  keepPace();
  if (!isFollowing && isLearning()) follow();
  drawSoon();
}

// Let none run ahead of the other.
function keepPace() {
  for (const network of Object.values(networks)) {
    const others = Object.values(networks).filter((other) => other !== network && other.status === "running");
    const pace = Math.min(...others.map(({ tick }) => tick.epoch + MAX_AHEAD));
    if (network.made && network.pace !== pace) network.ask("pace", { epoch: pace });
    network.pace = pace;
  }
}

// Show what the networks see in the drawing, once for each picture of the screen.
function follow() {
  isFollowing = isLearning() && !find("play").hidden;
  if (!isFollowing) return;
  askAgain();
  if (IS_CALM) setTimeout(follow, FRAME_MS);
  else requestAnimationFrame(follow);
}

// Create the networks whose settings have changed, then ask them for something, {request: arguments}.
function act(request) {
  pending += 1;
  work = work
    .then(() =>
      trying(async () => {
        const [[name, given]] = Object.entries(request);
        if (given.until !== 0) await make();
        await Promise.all(Object.values(networks).map((network) => network.made && network.ask(name, given)));
      }),
    )
    .finally(() => {
      pending -= 1;
      drawSoon();
    });
}

async function make() {
  trouble = "";
  if (networks.b && !experiments.b) {
    networks.b.end();
    delete networks.b;
    setLayers("b", null);
  }
  for (const [name, settings] of Object.entries(experiments)) {
    networks[name] ??= new Network((event) => onEvent(name, event));
    const text = wanted(settings);
    if (networks[name].made === text && networks[name].status !== "failed") continue;
    if (settings.digits > SMALL) trouble = "Loading all 70,000 digits…";
    drawSoon();
    digits = await digitsFor(settings.digits).finally(() => {
      trouble = "";
    });
    await networks[name].build(structuredClone(settings), text, digits, ownDigits(), await runWeights(settings));
    setLayers(name, settings.hidden);
  }
}

function ownChanged() {
  for (const network of Object.values(networks)) if (network.made) network.ask("own", { mine: ownDigits().test });
  checked = undefined; // read the new ones
  drawSoon();
}

async function readOwn() {
  const [name, own] = [chosenNetwork(), ownDigits()];
  const read = networks[name]?.check ? await networks[name].ask("read", own.all) : null;
  if (own === ownDigits()) showReadings(read, experiments[name].mine);
}

async function copyResult() {
  const name = chosenNetwork();
  const { check } = networks[name] ?? {};
  if (!check) throw new Error("Train the network first.");
  if (statusOf(name) !== "paused") throw new Error("Press Pause first: then your result stands still.");
  const page = location.protocol === "file:" ? "" : location.href.split("#")[0];
  await copy(resultLine(experiments[name], check, page), "result: put your name in front");
}

const isLearning = () => Object.values(networks).some(({ status }) => status === "running");

// Whether a network learns that has the settings of the page.
const isWatched = () => Object.keys(experiments).some((name) => statusOf(name) === "running");

function statusOf(name) {
  const network = networks[name];
  if (!network?.made) return pending ? "starting" : "none";
  if (!experiments[name] || network.made !== wanted(experiments[name])) return "changed";
  return network.status === "paused" && !network.tick.steps ? "ready" : network.status;
}

function drawSoon() {
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    draw();
  }, FRAME_MS);
}

function draw() {
  const shown = Object.fromEntries(
    Object.keys(experiments).map((name) => [
      name,
      { tick: networks[name]?.tick, check: networks[name]?.check, status: statusOf(name) },
    ]),
  );
  showFigures(shown);
  showCurves(shown, lessonNow()?.zoom);
  const { check = null } = shown[chosenNetwork()] ?? {};
  if (check !== checked) {
    showCheck(check, experiments[chosenNetwork()]);
    readOwn();
  }
  checked = check;
  for (const id of ["play-side-b", "play-layers-name", "play-layers-side-b", "play-compare"])
    find(id).hidden = !shown.b;
  showComparison(shown);
  showLesson(shown);
  find("play-train").textContent = isWatched() ? "Pause" : "Train";
  announce("play-status", stateOf(shown));
  askAgain();
}

function stateOf(shown) {
  const all = Object.entries(shown);
  const failed = all
    .filter(([, { status }]) => status === "failed")
    .map(([name, { tick }]) => `${name.toUpperCase()} has failed: ${tick.error}.`);
  const any = (status) => all.some(([, each]) => each.status === status);
  if (trouble) return trouble;
  if (any("starting")) return "Making the networks…";
  if (failed.length) return failed.join(" ");
  if (any("running")) return "Learning. Draw meanwhile.";
  // As short as a line of a phone: a second one would move the page down for a moment.
  if (any("changed") && !any("ready")) return "New settings: Train starts a new network.";
  if (any("paused")) return "Paused.";
  const run = runOf(experiments.a);
  return run ? `This is the network of ${run}: draw, or train it further.` : "Choose settings, then train.";
}
