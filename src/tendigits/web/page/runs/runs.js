// The view Runs: a table, curves to compare, whether two runs differ by luck, and the live curves of a training.

import { ask } from "../shared/api.js";
import { charts } from "../shared/chart.js";
import { element, find, notify, trying } from "../shared/dom.js";
import { startJob } from "../shared/job.js";
import { percent } from "../shared/text.js";
import { showTraining, startTraining } from "./train.js";

const MAX_COMPARED_RUNS = 8; // the curves have eight colours
const METRICS = ["loss", "accuracy", "val_loss", "val_accuracy"];

let chosen = new Set(); // names of the runs whose curves are shown
let live = null; // the run in training: {name, history}
let training; // the job
let requests = 0; // for comparisons

export function startRuns() {
  training = startJob("training", { started: showStarted, step: showEpoch, stopping: showStopping, ended: showEnd });
  startTraining((job) => training.follow(job));
}

export function showRuns() {
  return trying(async () => {
    await showTraining();
    await list();
    await training.resume("train");
    await compare();
  });
}

function showStarted(job) {
  live = { name: job.parameters.run ?? job.parameters.recipe, history: {} };
  chosen.clear();
  find("training").textContent = `${live.name}: starting; the first epoch takes longest…`;
}

function showEpoch(epoch) {
  if (!epoch) { live.history = {}; return; } // all epochs come again
  live.name = epoch.run.split(/[\\/]/).at(-1);
  for (const key of METRICS.filter((each) => each in epoch)) live.history[key] = [...live.history[key] ?? [], epoch[key]];
  const accuracy = epoch.val_accuracy === undefined ? "" : `, validation accuracy ${percent(epoch.val_accuracy, 2)}`;
  if (!training.isStopping) find("training").textContent = `${live.name}: epoch ${epoch.epoch} of ${epoch.epochs}${accuracy}, ${epoch.seconds.toFixed(1)} s`;
  draw([live]);
}

function showStopping() {
  find("training").textContent = `${live.name}: stopping; the best weights are being saved…`;
}

function showEnd(job) {
  const how = { finished: "finished", stopped: "stopped; it can be resumed", failed: `failed: ${job.error}` }[job.status];
  find("training").textContent = `${live.name}: ${how}.`;
  if (job.status === "finished") chosen.add(live.name);
  live = null;
  trying(async () => { await list(); await compare(); });
}

async function list() {
  const { runs, damaged } = await ask("v1/runs");
  find("all-runs").querySelector("tbody").replaceChildren(...runs.toReversed().map((run) => {
    const show = element("input", { type: "checkbox", checked: chosen.has(run.name), "aria-label": `Show the curves of ${run.name}`,
      onchange: (event) => { if (event.target.checked) chosen.add(run.name); else chosen.delete(run.name); trying(compare); } });
    const more = [];
    const path = `v1/runs/${encodeURIComponent(run.name)}`;
    if (run.status === "finished") more.push(element("a", { href: `${path}/report`, target: "_blank", rel: "noopener" }, "Report"));
    if (run.status === "interrupted") {
      more.push(element("button", { type: "button", onclick: () => trying(async () => training.follow(await ask(`${path}/resume`, { method: "POST" }))) }, "Resume"));
    }
    return element("tr", { role: "row" }, ...[
      ["Show", "", show], ["Run", "", run.name], ["Recipe", "", run.recipe], ["Data", "", run.data],
      ["Parameters", "number", run.parameters?.toLocaleString("en") ?? "–"], ["Status", "", run.status], ["Epochs", "number", String(run.epochs)],
      ["Test accuracy", "number", accuracyText(run)], ["Seconds", "number", run.seconds.toFixed(1)], ["", "", ...more],
    ].map(([name, kind, ...content]) => element("td", { role: "cell", class: kind, "data-name": name }, ...content)));
  }));
  find("damaged-runs").replaceChildren(...damaged.map((reason) => element("li", {}, `Left out: ${reason}`)));
  if (!runs.length) find("all-runs").querySelector("tbody").replaceChildren(element("tr", {}, element("td", { colspan: 10, class: "hint" }, "No runs yet. Train one below.")));
}

// Such as "98.02% (97.73% to 98.28%)".
function accuracyText({ test_accuracy: accuracy, test_interval: interval }) {
  if (accuracy === null) return "–";
  return interval === null ? percent(accuracy, 2) : `${percent(accuracy, 2)} (${interval.map((end) => percent(end, 2)).join(" to ")})`;
}

async function compare() {
  if (live) return;
  const request = ++requests;
  find("differences").hidden = true;
  if (!chosen.size) {
    find("curves").replaceChildren(element("p", { class: "hint" }, "Tick runs in the table above, or train one."));
    return;
  }
  if (chosen.size > MAX_COMPARED_RUNS) {
    notify(`At most ${MAX_COMPARED_RUNS} runs can be compared; the others are left out.`);
    chosen = new Set([...chosen].slice(0, MAX_COMPARED_RUNS));
  }
  const runs = await ask(`v1/compare?${[...chosen].map((name) => `run=${encodeURIComponent(name)}`).join("&")}`);
  if (request !== requests || live) return; // others were chosen meanwhile
  draw(runs);
  if (runs.length === 2) showVerdict(runs, request);
  const keys = Object.keys(runs[0].settings).filter((key) => new Set(runs.map((run) => JSON.stringify(run.settings[key]))).size > 1);
  if (runs.length > 1 && keys.length) {
    find("differences").hidden = false;
    find("differences").replaceChildren(element("h2", {}, "Different settings"), element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Different settings" }, element("table", {},
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Setting"), ...runs.map((run) => element("th", { scope: "col" }, run.name)))),
      element("tbody", {}, ...keys.map((key) => element("tr", {}, element("td", {}, key),
        ...runs.map((run) => element("td", {}, [run.settings[key]].flat().join(", ")))))))));
  }
}

// Add a sentence on whether two runs differ by luck, or why that is unknown.
async function showVerdict([first, second], request) {
  const names = `first=${encodeURIComponent(first.name)}&second=${encodeURIComponent(second.name)}`;
  const words = await ask(`v1/verdict?${names}`).then((verdict) => verdict.words, (error) => `Is the difference luck? That is unknown: ${error.message}`);
  if (request === requests && !live) find("curves").append(element("p", { id: "verdict" }, words));
}

function draw(runs) {
  const byEpoch = (values) => values.map((value, i) => [i + 1, value]);
  find("curves").replaceChildren(...charts(runs.map(({ name, history }) =>
    ({ name, history: Object.fromEntries(Object.entries(history).map(([key, values]) => [key, byEpoch(values)])) }))));
}
