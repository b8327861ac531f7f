// The runs: a table, their curves side by side, and the live curves of a run in training.

import { ask, percent } from "./api.js";
import { charts } from "./chart.js";
import { element, find, notify, trying } from "./dom.js";
import { follow } from "./events.js";

let chosen = new Set(); // names of the runs whose curves are shown
let live = null; // the run in training: {id, name, epochs, history}
let recipes = null;

export function startRuns() {
  find("recipe").addEventListener("change", showDescription);
  find("train").addEventListener("submit", (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    const json = { recipe: given.get("recipe") };
    for (const name of ["epochs", "seed"]) if (given.get(name)) json[name] = Number(given.get(name));
    if (given.get("name")) json.name = given.get("name");
    trying(async () => watch(await ask("v1/runs", { method: "POST", json })));
  });
  find("stop-training").addEventListener("click", () => trying(() => ask(`v1/jobs/${live.id}`, { method: "DELETE" })));
}

export function showRuns() {
  return trying(async () => {
    if (!recipes) {
      recipes = await ask("v1/recipes");
      find("recipe").replaceChildren(...recipes.map(({ name }) => element("option", { value: name }, name)));
      showDescription();
    }
    await list();
    const job = await ask("v1/jobs/last");
    if (job?.kind === "train" && job.status === "running" && job.id !== live?.id) watch(job);
    await compare();
  });
}

function showDescription() {
  find("recipe-description").textContent = recipes.find(({ name }) => name === find("recipe").value)?.description ?? "";
}

function watch(job) {
  live = { id: job.id, name: job.parameters.run ?? job.parameters.recipe, epochs: job.parameters.epochs, history: {} };
  chosen.clear();
  busy(true);
  find("training").textContent = `${live.name}: starting; the first epoch takes longest…`;
  follow(job, {
    line: (epoch) => {
      if (!epoch) { live.history = {}; return; } // reconnected: all epochs come again
      live.name = epoch.run.split(/[\\/]/).at(-1);
      for (const [key, value] of Object.entries(epoch)) {
        if (typeof value === "number" && !["epoch", "epochs", "seconds"].includes(key)) (live.history[key] ??= []).push(value);
      }
      const accuracy = epoch.val_accuracy === undefined ? "" : `, validation accuracy ${percent(epoch.val_accuracy, 2)}`;
      find("training").textContent = `${live.name}: epoch ${epoch.epoch} of ${epoch.epochs}${accuracy}, ${epoch.seconds.toFixed(1)} s`;
      draw([live]);
    },
    end: (ended) => {
      const how = { finished: "finished", stopped: "stopped; it can be resumed", failed: `failed: ${ended.error}` }[ended.status];
      find("training").textContent = `${live.name}: ${how}.`;
      if (ended.status === "finished") chosen.add(live.name);
      live = null;
      busy(false);
      trying(async () => { await list(); await compare(); });
    },
  });
}

function busy(is) {
  find("start-training").disabled = is;
  find("stop-training").hidden = !is;
}

async function list() {
  const runs = await ask("v1/runs");
  find("all-runs").querySelector("tbody").replaceChildren(...runs.toReversed().map((run) => {
    const show = element("input", { type: "checkbox", checked: chosen.has(run.name), "aria-label": `Show the curves of ${run.name}`,
      onchange: (event) => { if (event.target.checked) chosen.add(run.name); else chosen.delete(run.name); trying(compare); } });
    const more = [];
    const path = `v1/runs/${encodeURIComponent(run.name)}`;
    if (run.status === "finished") more.push(element("a", { href: `${path}/report`, target: "_blank", rel: "noopener" }, "Report"));
    if (run.status === "interrupted") {
      more.push(element("button", { type: "button", onclick: () => trying(async () => watch(await ask(`${path}/resume`, { method: "POST" }))) }, "Resume"));
    }
    const number = (text) => element("td", { class: "number" }, text);
    return element("tr", {}, element("td", {}, show), element("td", {}, run.name), element("td", {}, run.recipe), element("td", {}, run.status),
      number(String(run.epochs)), number(run.test_accuracy === null ? "–" : percent(run.test_accuracy, 2)), number(run.seconds.toFixed(1)),
      element("td", {}, ...more));
  }));
  if (!runs.length) find("all-runs").querySelector("tbody").replaceChildren(element("tr", {}, element("td", { colspan: 8, class: "hint" }, "No runs yet.")));
}

async function compare() {
  if (live) return;
  find("differences").hidden = true;
  if (!chosen.size) {
    find("curves").replaceChildren(element("p", { class: "hint" }, "Select runs in the table, or train one."));
    return;
  }
  if (chosen.size > 8) { notify("At most eight runs can be compared; the others are left out."); chosen = new Set([...chosen].slice(0, 8)); }
  const runs = await ask(`v1/compare?${[...chosen].map((name) => `run=${encodeURIComponent(name)}`).join("&")}`);
  draw(runs);
  const keys = Object.keys(runs[0].settings).filter((key) => new Set(runs.map((run) => JSON.stringify(run.settings[key]))).size > 1);
  if (runs.length > 1 && keys.length) {
    find("differences").hidden = false;
    find("differences").replaceChildren(element("h2", {}, "Different settings"), element("div", { class: "scroll" }, element("table", {},
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Setting"), ...runs.map((run) => element("th", { scope: "col" }, run.name)))),
      element("tbody", {}, ...keys.map((key) => element("tr", {}, element("td", {}, key),
        ...runs.map((run) => element("td", {}, [run.settings[key]].flat().join(", ")))))))));
  }
}

function draw(runs) {
  find("curves").replaceChildren(...charts(runs));
}
