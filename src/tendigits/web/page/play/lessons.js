// Five short lessons: each sets the controls, explains what to watch for, and announces when it has happened; its end sets them back.

import { element, find } from "../shared/dom.js";
import { defaults } from "./link.js";

const MEAN_POINTS = 5; // of a training curve: a single point is measured on few digits

const training = (network) => mean(network, 2);
const loss = (network) => mean(network, 1);
const test = (network) => network?.tick?.curve?.test.at(-1)?.[2] ?? 0;
const epochs = (network) => network?.tick?.epoch ?? 0;
const best = (network) => Math.max(0, ...(network?.tick?.curve?.test.map(([, , accuracy]) => accuracy) ?? []));

function mean(network, which) {
  const points = network?.tick?.curve?.training.slice(-MEAN_POINTS) ?? [];
  return points.reduce((sum, point) => sum + point[which], 0) / (points.length || 1);
}

// `a` and `b` are settings that differ from the classic network's; `seen` returns whether the effect has happened.
const LESSONS = [
  {
    name: "Learned by heart",
    a: { digits: 500, dropout: 0 },
    what: "This network has 669,706 parameters and only 500 digits to learn from: enough to learn each of them by heart.",
    look: "Train, and compare the two lines of the accuracy. The dashed one, on the digits that it learns from, climbs to 100%. The solid one, on digits that it has never seen, stops well below. That gap is overfitting.",
    seen: ({ a }) => training(a) >= 0.99 && test(a) > 0.5 && training(a) - test(a) >= 0.07,
    found:
      "The training digits are nearly all right, the test digits are not. Try 10,000 digits: the gap all but closes.",
  },
  {
    name: "Steps too large",
    a: { learning_rate: 0.3 },
    what: "The learning rate says how far each step changes the weights. Here it is 300 times as large as usual.",
    look: "Train for an epoch. The loss jumps high and stays there: each step leaps over the valley that it should go down into.",
    seen: ({ a }) => a?.status === "failed" || (epochs(a) >= 1 && test(a) > 0 && test(a) < 0.6),
    found:
      "It guesses hardly better than chance. Set the learning rate to 0.001, and it learns more in a second than it did until now.",
  },
  {
    name: "No hidden layer",
    a: { hidden: [] },
    what: "Without a hidden layer each digit has one weight for each pixel: a stencil that is laid over the picture, and nothing else.",
    look: "Train for two epochs, then look at the weights below: ten stencils, in which you can make out the digits. The accuracy comes to a halt at about 90%: stencils can hardly do better.",
    seen: ({ a }) => epochs(a) >= 2 && test(a) >= 0.86 && test(a) < 0.92,
    found: "About 90%, from 7,850 parameters. Add one hidden layer of 64 units, and train again: it soon passes 92%.",
  },
  {
    name: "Dropout",
    a: { digits: 1000, dropout: 0 },
    b: { digits: 1000, dropout: 0.5 },
    what: "In each step dropout switches off a part of the units, at random: B half of them, A none. So no unit can rely on a certain other one.",
    look: "Train for fifteen epochs. B's dashed line of the loss stays higher, because it learns with half of its units. Yet on the test digits B does as well as A, or better. Then ask whether it is luck.",
    seen: ({ a, b }) => epochs(a) >= 15 && epochs(b) >= 15 && test(b) > 0.5 && loss(b) > 2 * loss(a),
    found:
      'A knows its training digits better, and the test digits no better for it. Press "Is it luck?" to see whether the difference is more than chance.',
  },
  {
    name: "Wrong labels",
    a: { digits: 5000, dropout: 0, label_noise: 0.3 },
    what: "Three in ten training digits carry a wrong label here, as in data that people have sorted in a hurry.",
    look: "Train, and watch the solid line of the accuracy: first it rises, since what is common is learned first. Then it falls: the network begins to learn the wrong labels by heart.",
    seen: ({ a }) => best(a) >= 0.8 && best(a) - test(a) >= 0.04,
    found:
      "It was better before it knew its digits so well. Stopping early, or dropout, keeps what is common and leaves out what is wrong.",
  },
];

let current = null;
let before = null; // the settings that the lessons replaced
const seen = new Set();

// `experiments` are the settings, `set` replaces them all, `reset` restarts the networks.
export function startLessons(experiments, set, reset) {
  find("play-lessons").replaceChildren(
    "Lessons:",
    ...LESSONS.map((lesson, i) =>
      element(
        "button",
        {
          type: "button",
          id: `lesson-${i + 1}`,
          onclick: () => {
            before ??= structuredClone(experiments);
            begin(lesson, set);
          },
        },
        `${i + 1}. ${lesson.name}`,
      ),
    ),
  );
  find("play-lesson-close").addEventListener("click", () => {
    set(before);
    current = before = null;
    find("play-lesson").hidden = true;
    find("play-lessons").querySelector("button").focus();
  });
  find("play-lesson-again").addEventListener("click", () => {
    begin(current, set);
    reset();
  });
}

function begin(lesson, set) {
  current = lesson;
  seen.delete(lesson);
  set({ a: { ...defaults(), ...lesson.a }, ...(lesson.b && { b: { ...defaults(), ...lesson.b } }) });
  find("play-lesson").hidden = false;
  for (const part of ["name", "what", "look"]) find(`play-lesson-${part}`).textContent = lesson[part];
  find("play-lesson-state").textContent = "";
  find("play-lesson-name").focus();
}

export function showLesson(networks) {
  if (
    !current ||
    seen.has(current) ||
    Object.values(networks).some(({ status }) => ["changed", "none", "ready", "starting"].includes(status)) ||
    !current.seen(networks)
  )
    return;
  seen.add(current);
  find("play-lesson-state").textContent = `Seen. ${current.found}`;
  find(`lesson-${LESSONS.indexOf(current) + 1}`).classList.add("done");
}
