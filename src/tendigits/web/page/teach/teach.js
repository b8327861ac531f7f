// The view Teach: corrections, fine-tuning with its progress, and the networks to accept or roll back.

import { undoStored } from "../correct/correct.js";
import { ask } from "../shared/api.js";
import { element, find, notify, onFile, trying } from "../shared/dom.js";
import { startJob } from "../shared/job.js";
import { cropCanvas, stripCanvas } from "../shared/pixels.js";
import { durationText, nameOf, percent, plural } from "../shared/text.js";

const SOURCES = { draw: "drawn", picture: "from a picture", api: "from a program", import: "imported" };
const MORE = 50; // corrections of each kind that "Show more" adds
const MAX_PER_REQUEST = 100;
const MIN_FOR_PERCENT = 20; // held-out corrections; a percentage of fewer says more than anybody can know

let shown = MORE;
let teaching; // the job
let stepped = null; // when the last epoch ended, in milliseconds

export function startTeaching() {
  find("more").addEventListener("click", () => { shown += MORE; trying(list); });
  onFile("import", (file) => trying(async () => {
    const response = await ask("v1/corrections/import", { method: "POST", body: file, headers: { "content-type": "application/x-ndjson" } });
    notify(`Imported ${response.read.toLocaleString("en")}. You have ${plural(response.count, "correction")}.`);
    await list();
  }));
  const stopping = () => { find("progress").textContent = "Stopping…"; };
  teaching = startJob("teaching", { started: showStarted, step: showProgress, stopping, ended: showEnd });
  find("start-teaching").addEventListener("click", () => trying(async () => teaching.follow(await ask("v1/teach", { method: "POST" }))));
  find("rollback").addEventListener("click", () => trying(async () => {
    showNetworks(await ask("v1/networks/rollback", { method: "POST" }));
    notify("Rolled back to the previous network.");
  }));
}

export function showTeaching() {
  return trying(async () => {
    await list();
    showNetworks(await ask("v1/networks"));
    await teaching.resume("teach");
  });
}

async function list() {
  const [digits, numbers] = await Promise.all([newest("v1/corrections", "corrections"), newest("v1/corrections/numbers", "numbers")]);
  const count = digits.count + numbers.count;
  find("count").textContent = count ? `(${count.toLocaleString("en")})` : "";
  find("more").hidden = shown >= Math.max(digits.count, numbers.count);
  find("number-corrections").hidden = !numbers.count;
  find("start-teaching").disabled = !count;
  find("export").hidden = !count;
  const numberName = (text) => text || "not a number";
  find("number-corrections").replaceChildren(...numbers.found.map((each) =>
    row(stripCanvas(each.strip, numberName(each.text)), numberName, each.text, each, `v1/corrections/numbers/${each.id}`)));
  find("corrections").replaceChildren(...digits.found.map((each) =>
    row(cropCanvas(each.crop, nameOf(each.label)), nameOf, each.label, each, `v1/corrections/${each.id}`)));
  if (!count) {
    find("corrections").replaceChildren(element("li", { class: "hint" }, "None yet. Draw digits or read a picture, and correct what is wrong."));
  }
}

async function newest(path, kind) {
  const found = [];
  let count = shown;
  for (let first = 0; first < Math.min(shown, count); first += MAX_PER_REQUEST) {
    const part = await ask(`${path}?first=${first}&n=${Math.min(MAX_PER_REQUEST, shown - first)}`);
    found.push(...part[kind]); // damaged corrections are missing
    count = part.count;
  }
  return { count, found };
}

function row(picture, name, right, { predicted, source, created }, path) {
  const when = new Date(created).toLocaleString();
  const undo = () => trying(async () => { await undoStored(path); await list(); });
  return element("li", {}, picture,
    element("div", {}, element("strong", {}, name(right)), predicted === right ? "" : ` (read as ${name(predicted)})`,
      element("br"), element("span", { class: "hint" }, `${SOURCES[source]}, ${when}`)),
    element("button", { type: "button", onclick: undo, "aria-label": `Undo ${name(right)}, ${when}` }, "Undo"));
}

function showStarted() {
  showStep("Starting…", 0);
  find("progress-bar").hidden = false;
}

function showStep(words, fraction) {
  find("progress").textContent = words;
  find("progress-bar").value = fraction;
}

function showEnd(job) {
  find("progress-bar").hidden = true;
  find("progress").textContent = {
    failed: `Teaching failed: ${job.error}`,
    stopped: "Stopped. Nothing has changed.",
    finished: "Done. Compare the accuracy before and after, and decide.",
  }[job.status];
  trying(async () => showNetworks(await ask("v1/networks")));
}

function showProgress(step) {
  if (!step || teaching.isStopping) return;
  const { stage, learned = 0, held_out, epoch = 0, epochs = 1 } = step;
  const seconds = stepped && (performance.now() - stepped) / 1000;
  stepped = performance.now();
  const left = epoch && seconds > 1 ? `, about ${durationText((epochs - epoch) * seconds)} left` : ""; // steps that come again come at once
  const [words, fraction] = {
    prepare: [`Preparing: ${plural(learned, "correction")} for training, ${held_out} held out…`, 0.1],
    train: [`Training, epoch ${Math.min(epoch + 1, epochs)} of ${epochs}${left}…`, 0.2 + (0.6 * epoch) / epochs],
    evaluate: ["Evaluating…", 0.85],
    done: ["Done.", 1],
  }[stage] ?? ["", 0];
  showStep(words, fraction);
}

function showNetworks({ active, networks }) {
  find("active").textContent = active === null ? "The original network is active." : `Your fine-tuned network ${active} is active.`;
  find("rollback").hidden = active === null;
  find("teaching-time").textContent = networks.length ? `It takes about ${durationText(networks[0].report.seconds)}, as the last time.`
    : "It takes about a minute, several on a slow or busy computer. You can go on reading meanwhile.";
  find("networks").replaceChildren(...networks.slice(0, 5).map((network) => {
    const { report } = network;
    const rows = [["Held-out digits", report.held_out], ["MNIST test digits", report.mnist],
      ["Held-out numbers", report.numbers], ["Generated numbers", report.generated_numbers]].filter(([, part]) => part);
    const accept = () => trying(async () => {
      showNetworks(await ask(`v1/networks/${network.id}/accept`, { method: "POST" }));
      notify(`Network ${network.id} is active now.`);
    });
    const worse = rows.filter(([, { before, after }]) => after < before).map(([name]) => name.toLowerCase().replace("mnist", "MNIST"));
    return element("div", { class: "network" },
      element("h3", {}, `Network ${network.id}${network.id === active ? " (active)" : ""}`),
      element("p", { class: "hint" }, `${new Date(network.created).toLocaleString()}, trained on ${plural(network.report.learned, "correction")}`),
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Accuracy of network ${network.id}` }, element("table", {},
        element("thead", {}, element("tr", {}, ...["Read correctly", "Before", "After", "Of"].map((name) => element("th", { scope: "col" }, name)))),
        element("tbody", {}, ...rows.map(([name, part]) => element("tr", {}, element("td", {}, name),
          ...[part.before, part.after].map((fraction) => element("td", { class: "number" },
            part.n < MIN_FOR_PERCENT ? `${Math.round(fraction * part.n)} of ${part.n}` : percent(fraction, 2))),
          element("td", { class: "number" }, part.n.toLocaleString("en"))))))),
      worse.length ? element("p", { class: "doubt" }, `Worse than before: ${worse.join(", ")}.`) : null,
      network.id === active ? null : element("div", { class: "row" }, element("button", { type: "button", class: network.accepted || worse.length ? "" : "primary", onclick: accept }, "Accept")));
  }));
}
