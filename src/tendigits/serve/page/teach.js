// The corrections, a lesson from them with its progress, and whether its network is to read from now on.

import { ask, drawCrop, nameOf, percent } from "./api.js";
import { element, find, say, trying } from "./dom.js";
import { follow } from "./events.js";

const SOURCES = { draw: "drawn", picture: "in a picture", api: "by a program", import: "imported" };
const PAGE = 50;

let shown = PAGE;
let watched = null; // the lesson that is followed

export function startTeaching() {
  find("more").addEventListener("click", () => { shown += PAGE; trying(list); });
  find("import").addEventListener("change", (event) => trying(async () => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    const answer = await ask("v1/corrections/import", { method: "POST", body: file, headers: { "content-type": "application/x-ndjson" } });
    say(`Read ${answer.read}; ${answer.count} corrections now.`);
    await list();
  }));
  find("start-teaching").addEventListener("click", () => trying(async () => watch(await ask("v1/teach", { method: "POST" }))));
  find("stop-teaching").addEventListener("click", () => trying(() => ask(`v1/jobs/${watched}`, { method: "DELETE" })));
  find("rollback").addEventListener("click", () => trying(async () => {
    showNetworks(await ask("v1/networks/rollback", { method: "POST" }));
    say("The reader from before reads again.");
  }));
}

export function showTeaching() {
  return trying(async () => {
    await list();
    showNetworks(await ask("v1/networks"));
    const job = await ask("v1/jobs/last");
    if (job?.kind === "teach" && job.status === "running" && job.id !== watched) watch(job);
  });
}

async function list() {
  const { count, corrections } = await ask(`v1/corrections?n=${Math.min(1000, shown)}`);
  find("count").textContent = count ? `(${count})` : "";
  find("more").hidden = corrections.length >= count;
  find("start-teaching").disabled = watched !== null;
  find("corrections").replaceChildren(...corrections.map((each) => {
    const crop = element("canvas", { class: "crop", width: 28, height: 28, role: "img", "aria-label": nameOf(each.label) });
    drawCrop(crop, each.crop);
    const when = new Date(each.created).toLocaleString();
    const undo = () => trying(async () => { await ask(`v1/corrections/${each.id}`, { method: "DELETE" }); await list(); });
    return element("li", {}, crop,
      element("div", {}, element("strong", {}, nameOf(each.label)),
        each.said === each.label ? "" : ` not ${nameOf(each.said) === "not a digit" ? "“not a digit”" : nameOf(each.said)}`,
        element("br"), element("span", { class: "hint" }, `${SOURCES[each.source]}, ${when}`)),
      element("button", { type: "button", onclick: undo, "aria-label": `Undo ${nameOf(each.label)}, ${when}` }, "Undo"));
  }));
  if (!corrections.length) {
    find("corrections").replaceChildren(element("li", { class: "hint" }, "None yet. Draw digits, or read a picture, and say where it is wrong."));
  }
}

function watch(job) {
  watched = job.id;
  busy(true);
  find("lesson").textContent = "The lesson begins…";
  follow(job, {
    line: tell,
    end: (ended) => {
      watched = null;
      busy(false);
      if (ended.status === "failed") find("lesson").textContent = `The lesson failed: ${ended.error}`;
      else if (ended.status === "stopped") find("lesson").textContent = "The lesson was stopped; nothing has changed.";
      else find("lesson").textContent = "Learned. Look at what it is worth, and decide.";
      trying(async () => showNetworks(await ask("v1/networks")));
    },
  });
}

function busy(is) {
  find("start-teaching").disabled = is;
  find("stop-teaching").hidden = !is;
  find("lesson-bar").hidden = !is;
  find("lesson-bar").value = 0;
}

function tell(step) {
  if (!step) return;
  const words = {
    prepare: () => `Preparing: ${step.learned} corrections to learn from, ${step.held_out} held out to judge by…`,
    learn: () => `Learning, pass ${Math.min(step.epoch + 1, step.epochs)} of ${step.epochs}…`,
    judge: () => "Judging, before and after…",
    done: () => "Done.",
  };
  find("lesson").textContent = words[step.stage]?.() ?? "";
  find("lesson-bar").value = { prepare: 0.1, learn: 0.2 + (0.6 * (step.epoch ?? 0)) / (step.epochs ?? 1), judge: 0.85, done: 1 }[step.stage] ?? 0;
}

function showNetworks({ reading, networks }) {
  find("reading").textContent = reading === null ? "The package's own network reads now." : `The network taught in lesson ${reading} reads now.`;
  find("rollback").hidden = reading === null;
  find("networks").replaceChildren(...networks.slice(0, 5).map((network) => {
    const rows = [["Your corrections, held out", network.report.held_out], ["MNIST's test digits", network.report.mnist]];
    const accept = () => trying(async () => {
      showNetworks(await ask(`v1/networks/${network.id}/accept`, { method: "POST" }));
      say(`The network of lesson ${network.id} reads from now on.`);
    });
    return element("div", { class: "lesson" },
      element("h3", {}, `Lesson ${network.id}`, element("span", { class: "hint" }, ` ${new Date(network.created).toLocaleString()}, from ${network.report.learned} corrections`)),
      element("div", { class: "scroll" }, element("table", {},
        element("thead", {}, element("tr", {}, ...["Read right", "Before", "After", "Of"].map((name) => element("th", { scope: "col" }, name)))),
        element("tbody", {}, ...rows.map(([name, part]) => element("tr", {}, element("td", {}, name),
          element("td", { class: "number" }, percent(part.before, 2)), element("td", { class: "number" }, percent(part.after, 2)),
          element("td", { class: "number" }, part.n.toLocaleString())))))),
      network.id === reading ? element("p", { class: "hint" }, "This one reads now.")
        : element("div", { class: "row" }, element("button", { type: "button", class: network.accepted ? "" : "primary", onclick: accept }, "Accept: read with it")));
  }));
}
