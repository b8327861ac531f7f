// The runs: a table, curves side by side, and a training that is watched while its curves grow.

import { ask, percent } from "./api.js";
import { charts } from "./chart.js";
import { element, find, say, trying } from "./dom.js";
import { follow } from "./events.js";

let chosen = new Set(); // names of runs whose curves are shown
let live = null; // the training that is watched: {id, name, epochs, history}
let recipes = null;

export function startRuns() {
  find("recipe").addEventListener("change", tellRecipe);
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
      tellRecipe();
    }
    await list();
    const job = await ask("v1/jobs/last");
    if (job?.kind === "train" && job.status === "running" && job.id !== live?.id) watch(job);
    await compare();
  });
}

function tellRecipe() {
  find("recipe-about").textContent = recipes.find(({ name }) => name === find("recipe").value)?.about ?? "";
}

function watch(job) {
  live = { id: job.id, name: job.about.run ?? job.about.recipe, epochs: job.about.epochs, history: {} };
  chosen.clear();
  busy(true);
  find("training").textContent = `${live.name}: it begins; the first epoch takes longest…`;
  follow(job, {
    line: (epoch) => {
      if (!epoch) { live.history = {}; return; } // told anew from its beginning
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
  if (!runs.length) find("all-runs").querySelector("tbody").replaceChildren(element("tr", {}, element("td", { colspan: 8, class: "hint" }, "None yet.")));
}

async function compare() {
  if (live) return;
  find("differences").hidden = true;
  if (!chosen.size) {
    find("curves").replaceChildren(element("p", { class: "hint" }, "Choose runs in the table, or train one."));
    return;
  }
  if (chosen.size > 8) { say("Eight runs at most; the rest is left out."); chosen = new Set([...chosen].slice(0, 8)); }
  const runs = await ask(`v1/compare?${[...chosen].map((name) => `run=${encodeURIComponent(name)}`).join("&")}`);
  draw(runs);
  const keys = Object.keys(runs[0].knobs).filter((key) => new Set(runs.map((run) => JSON.stringify(run.knobs[key]))).size > 1);
  if (runs.length > 1 && keys.length) {
    find("differences").hidden = false;
    find("differences").replaceChildren(element("h2", {}, "What differs"), element("div", { class: "scroll" }, element("table", {},
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Knob"), ...runs.map((run) => element("th", { scope: "col" }, run.name)))),
      element("tbody", {}, ...keys.map((key) => element("tr", {}, element("td", {}, key),
        ...runs.map((run) => element("td", {}, [run.knobs[key]].flat().join(", ")))))))));
  }
}

function draw(runs) {
  find("curves").replaceChildren(...charts(runs));
}
