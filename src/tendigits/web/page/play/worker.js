// The worker in which one network learns: it answers requests, {id, do, ...}, and posts what happens, {event, data}.
//
// It learns for some milliseconds at a time and answers in between, so that the pen's bars move while it learns.

import { MAX_OUTPUTS, PIXELS } from "./kernel.js";
import { Learner } from "./learner.js";
import { activations, describeUnit, Scores, weightPictures } from "./views.js";

const SLICE_MS = 8; // of learning or testing between two looks at the requests
const TICK_MS = 50;
const MAX_LEAD = 0.25; // epochs that it may be ahead of what is known of the other network
const MAX_TEST_PART = 0.1; // of the time, for tests after epochs
const CHECK_MS = 500; // at least, between two tests that are reported in full; the others are a point of the curve
const EARLY_TESTS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8]; // epochs after which it is tested in any case
const FILMED = [0.1, 1, 10]; // epochs after which its weights are kept for the film strip; those of epoch 0 are, too
const STOPS = [...EARLY_TESTS, ...FILMED];
const MAX_EARLY_DIGITS = 2000; // for a test in the first epoch

// What a network has not done yet; `until` is the epoch until which it learns, times are those of performance.now().
const UNTESTED = { tested: -1, testedAt: -Infinity, testMs: 0, checked: -1, checkedAt: -Infinity };
const NEW = { until: 0, batches: 0, error: null, pace: Infinity, ...UNTESTED };

let kernel; // the compiled kernel, as a promise
let net = null; // {learner, test, mine, until, steps, status, error, ...}
let wake = (_ = null) => {};

const requests = {
  start({ wasm }) {
    kernel = WebAssembly.compile(wasm);
  },

  // Make a network; `train`, `test` and `mine` have x and y. With `weights` it begins with those, in place of random ones.
  async build({ settings, train, test, mine, weights }) {
    const learner = new Learner(await kernel, settings, train);
    if (weights) {
      learner.kernel.state = weights;
      learner.start.fill(0); // all that they are was learned
    }
    const film = [{ epoch: 0, weights: learner.kernel.state }];
    net = { learner, settings, train, test, mine, weights, film, ...NEW };
    live(net);
  },

  reset: () => requests.build(net),
  learn({ until }) {
    net.until = until === "epoch" ? Math.floor(net.learner.epoch) + 1 : until;
  },
  batch: () => void Object.assign(net, { until: 0, batches: 1 }),
  own: ({ mine }) => void Object.assign(net, { mine, checked: -1 }), // other own digits to test with
  pace: ({ epoch }) => void Object.assign(net, { pace: epoch }), // the other network's, which this one waits for

  // Each layer's outputs for a drawing, 784 bytes; null if they are no longer finite numbers.
  draw({ pixels }) {
    const layers = net.learner.units.slice(1).map((_, layer) => net.learner.kernel.outputs(pixels, layer));
    return layers.every((layer) => layer.every(Number.isFinite)) ? layers : null;
  },

  // How likely each digit is to it, for a drawing, at the kept epochs and now: [{epoch, probabilities}, ...].
  film({ pixels }) {
    const { kernel, epoch } = net.learner;
    const now = { epoch, weights: kernel.state };
    const frame = ({ epoch, weights }) => {
      kernel.state = weights;
      return { epoch, probabilities: kernel.outputs(pixels) };
    };
    const before = net.film.filter((kept) => kept.epoch < epoch);
    return [...before, now].map(frame); // the last one leaves it as it was
  },

  // What it reads in some digits.
  read: (digits) => read(net.learner, digits)?.read ?? null,

  unit: ({ layer, unit }) => describeUnit(net.learner, net.test.x, layer, unit, turn),
};

addEventListener("message", async ({ data: { id, do: name, ...given } }) => {
  try {
    postMessage({ id, result: await requests[name](given) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
  if (!["draw", "film", "read", "unit"].includes(name)) wake();
});

// Let waiting messages in; a timer would take four milliseconds.
const channel = new MessageChannel();
const turns = []; // functions that go on, the first one first
channel.port1.onmessage = () => turns.shift()();
const turn = () =>
  new Promise((resolve) => {
    turns.push(resolve);
    channel.port2.postMessage(null);
  });

const statusOf = ({ error, until, batches, learner }) =>
  error ? "failed" : batches || learner.epoch < until ? "running" : "paused";

// Learn, test and wait, until another network takes its place.
async function live(mine) {
  let tickedAt = -Infinity;
  while (mine === net) {
    const before = mine.learner.epoch;
    const isResting = () => statusOf(mine) !== "running" || mine.learner.epoch > mine.pace;
    if (!isResting()) learn(mine);
    const { epoch } = mine.learner;
    if (FILMED.some((at) => before < at && epoch >= at)) mine.film.push({ epoch, weights: mine.learner.kernel.state });
    if (statusOf(mine) === "running" && isDue(mine, before)) await test(mine);
    if (statusOf(mine) !== "running") await test(mine); // also if it was paused meanwhile
    if (mine !== net) return;
    if (isResting() || performance.now() - tickedAt >= TICK_MS) {
      tick(mine);
      tickedAt = performance.now();
    }
    await (isResting()
      ? new Promise((resolve) => {
          wake = resolve;
        })
      : turn());
  }
}

function learn(mine) {
  const { learner } = mine;
  const end = performance.now() + SLICE_MS;
  const next = Math.min(
    Math.floor(learner.epoch) + 1,
    mine.pace + MAX_LEAD,
    ...STOPS.filter((at) => at > learner.epoch),
  );
  try {
    do {
      learner.step();
      if (mine.batches) mine.batches -= 1;
    } while (performance.now() < end && statusOf(mine) === "running" && learner.epoch < next);
  } catch (error) {
    mine.error = error.message;
  }
}

function isDue({ learner: { epoch }, testedAt, testMs }, before) {
  if (EARLY_TESTS.some((at) => before < at && epoch >= at)) return true;
  return Math.floor(epoch) > Math.floor(before) && performance.now() - testedAt >= testMs / MAX_TEST_PART;
}

// Test it, unless nothing has changed since, and post the result from time to time and at a pause.
async function test(mine) {
  const { learner } = mine;
  const { x, y } = mine.test;
  const began = performance.now();
  if (mine.error || (statusOf(mine) === "running" ? mine.tested : mine.checked) === learner.steps) return;
  if (!learner.steps && !mine.weights) return;
  const isEarly = learner.epoch < 1 && statusOf(mine) === "running";
  const n = isEarly ? Math.min(MAX_EARLY_DIGITS, y.length) : y.length;
  const scores = new Scores(x, y);
  let end = began + SLICE_MS;
  for (let first = 0; first < n; first += MAX_OUTPUTS) {
    scores.add(learner.kernel.outputs(x.subarray(first * PIXELS, Math.min(n, first + MAX_OUTPUTS) * PIXELS)));
    if (performance.now() < end) continue;
    await turn();
    if (mine !== net) return;
    end = performance.now() + SLICE_MS;
  }
  if (!Number.isFinite(scores.loss)) {
    mine.error = "the weights became too large to compute with; try a smaller learning rate";
    return;
  }
  if (learner.test.points.at(-1)?.[0] !== learner.epoch) learner.test.add(learner.epoch, scores.loss, scores.accuracy);
  Object.assign(mine, { tested: learner.steps, testedAt: performance.now(), testMs: performance.now() - began });
  if (statusOf(mine) === "running" && mine.testedAt - mine.checkedAt < CHECK_MS) return;
  Object.assign(mine, { checked: isEarly ? -1 : learner.steps, checkedAt: mine.testedAt });
  const own = read(learner, mine.mine);
  const { epoch, steps } = learner;
  const pictures = { weights: weightPictures(learner), histograms: activations(learner, x) };
  postMessage({ event: "check", data: { epoch, steps, ...scores.report(), mine: own?.report(), ...pictures } });
}

// How it reads some digits, at once; null if the list is empty.
function read({ kernel }, { x, y }) {
  const scores = new Scores(x, y);
  for (let first = 0; first < y.length; first += MAX_OUTPUTS)
    scores.add(kernel.outputs(x.subarray(first * PIXELS, (first + MAX_OUTPUTS) * PIXELS)));
  return scores.n ? scores : null;
}

function tick(mine) {
  const { learner, error } = mine;
  const curve = { training: learner.training.points, test: learner.test.points };
  postMessage({
    event: "tick",
    data: { status: statusOf(mine), error, steps: learner.steps, epoch: learner.epoch, curve },
  });
}
