// Five short lessons: each sets the controls, explains what to watch for, and announces when it has happened; its end sets them back.

import { button, element, find } from "../shared/dom.js";
import { epochsText, percent } from "../shared/text.js";
import { defaults } from "./link.js";

const MEAN_POINTS = 5; // of a training curve: a single point is measured on few digits

const epochs = (network) => network?.tick?.epoch ?? 0;
const points = (network) => network?.tick?.curve?.test ?? [];
const test = (network) => points(network).at(-1)?.[2] ?? 0;
const best = (network) => points(network).reduce((most, point) => (point[2] > most[2] ? point : most), [0, 0, 0]);

function training(network) {
  const accuracies = network?.tick?.curve?.training.slice(-MEAN_POINTS).map((point) => point[2]) ?? [];
  return accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / (accuracies.length || 1);
}

// `a` and `b` are settings that differ from the classic network's; `seen` returns whether the effect has happened, `found` what
// it was. The accuracy is magnified from `zoom`.
export const LESSONS = [
  {
    name: "Learned by heart",
    a: { digits: 500, dropout: 0 },
    what: "This network has 669,706 parameters and only 500 digits to learn from: enough to learn each of them by heart.",
    steps: [
      "Train.",
      "Watch the dashed line of the accuracy, for the digits that it learns from: it climbs to 100%.",
      "Where does the solid line stop, for digits that it has never seen? That gap is overfitting.",
    ],
    seen: ({ a }) => training(a) >= 0.99 && test(a) > 0.5 && training(a) - test(a) >= 0.07,
    found: () =>
      "It knows its own digits, and reads new ones worse. Try 10,000 digits: the gap shrinks to less than half.",
  },
  {
    name: "Steps too large",
    a: { learning_rate: 0.3 },
    what: "The learning rate says how far each step changes the weights. Here it is 300 times as large as usual.",
    steps: [
      "Train for an epoch.",
      "Watch the loss: it jumps high and stays there, for each step leaps over the valley that it should go down into.",
      "Set the learning rate to 0.001 and train again: how long until it is better?",
    ],
    seen: ({ a }) => a?.status === "failed" || (epochs(a) >= 1 && test(a) > 0 && test(a) < 0.6),
    found: () => "It guesses hardly better than chance.",
  },
  {
    name: "No hidden layer",
    a: { hidden: [] },
    what: "Without a hidden layer each digit has one weight for each pixel: a stencil that is laid over the picture, nothing else.",
    steps: [
      "Train for two epochs.",
      "Look at the weights below: can you make out the digits in the ten stencils?",
      "Watch the accuracy: where does it come to a halt?",
    ],
    seen: ({ a }) => epochs(a) >= 2 && test(a) >= 0.86 && test(a) < 0.92,
    found: () =>
      "About 90%, from 7,850 parameters. Add one hidden layer of 64 units and train again: it soon passes 92%.",
  },
  {
    name: "Dropout",
    a: { digits: 1000, hidden: [256], dropout: 0, label_noise: 0.2 },
    b: { digits: 1000, hidden: [256], dropout: 0.5, label_noise: 0.2 },
    epochs: 15,
    zoom: 0.7,
    what: "Half of B's units sit out each step, so that none can rely on another; all of A's work. A fifth of their examples has a wrong label.",
    steps: [
      "Train for fifteen epochs.",
      "Whose dashed line of the accuracy climbs higher? It learns even the wrong labels by heart.",
      "Whose solid line is higher at the end? Ask whether it is luck.",
    ],
    seen: ({ a, b }) => epochs(a) >= 15 && epochs(b) >= 15 && test(b) - test(a) >= 0.02,
    found: () => "A knows its examples better and new digits worse: dropout keeps what is common to many examples.",
  },
  {
    name: "Wrong examples",
    a: { digits: 5000, dropout: 0, label_noise: 0.3 },
    zoom: 0.7,
    what: "Three in ten training digits carry a wrong label here, as in data that people have sorted in a hurry.",
    steps: [
      "Train.",
      "Watch the solid line of the accuracy: first it rises, since what is common is learned first.",
      "When does it turn? Then it learns the wrong labels by heart.",
    ],
    seen: ({ a }) => best(a)[2] >= 0.8 && best(a)[2] - test(a) >= 0.04,
    found: ({ a }) =>
      `It was best after ${epochsText(best(a)[0])} (${percent(best(a)[2])}). From then on it learned the wrong labels by heart. Try dropout 0.5.`,
  },
];

let current = null;
let before = null; // the settings that the lessons replaced
const seen = new Set();

// `experiments` are the settings, `set` replaces them all and makes new networks.
export function startLessons(experiments, set) {
  const open = (lesson) => {
    before ??= structuredClone(experiments);
    begin(lesson, set);
  };
  const buttons = LESSONS.map((lesson, i) =>
    button(`${i + 1}. ${lesson.name}`, () => open(lesson), { id: `lesson-${i + 1}` }),
  );
  find("play-lessons").replaceChildren("Lessons:", ...buttons);
  find("play-lesson-close").addEventListener("click", () => end(set));
  find("play-lesson-again").addEventListener("click", () => begin(current, set));
  find("play-defaults").addEventListener("click", () => {
    if (!current) return;
    before = { a: defaults() };
    end(set);
  });
}

function begin(lesson, set) {
  current = lesson;
  seen.delete(lesson);
  find("play-lesson").hidden = false;
  for (const part of ["name", "what"]) find(`play-lesson-${part}`).textContent = lesson[part];
  find("play-lesson-steps").replaceChildren(...lesson.steps.map((step) => element("li", {}, step)));
  find("play-lesson-state").textContent = "";
  set({ a: { ...defaults(), ...lesson.a }, ...(lesson.b && { b: { ...defaults(), ...lesson.b } }) });
  find("play-lesson-name").focus();
}

function end(set) {
  find("play-lesson").hidden = true;
  current = null;
  set(before);
  before = null;
  find("play-lessons").querySelector("button").focus();
}

export const lessonNow = () => current;

export function showLesson(networks) {
  const isNew = ({ status }) => ["changed", "none", "ready", "starting"].includes(status);
  if (!current || seen.has(current) || Object.values(networks).some(isNew) || !current.seen(networks)) return;
  seen.add(current);
  find("play-lesson-state").textContent = `Seen. ${current.found(networks)}`;
  find(`lesson-${LESSONS.indexOf(current) + 1}`).classList.add("done");
}
